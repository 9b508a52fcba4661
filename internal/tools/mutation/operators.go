package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// The kinds of change. The word is part of the change's identifier.
const (
	opDrop     = "drop"     // the body of an if is never run
	opNegate   = "negate"   // a condition, or an operand of && and ||, is its opposite
	opBoundary = "boundary" // < is <=, and so on
	opLogic    = "logic"    // && is ||, || is &&
	opNil      = "nil"      // nil is returned for an error
	opRemove   = "remove"   // a call, a deferred call, an assignment, an increment is left out
	opInvert   = "invert"   // += is -=, ++ is --
	opLoop     = "loop"     // break is continue, continue is break
	opMinus    = "minus"    // -x is x
	opSwap     = "swap"     // + is -, * is /, & is |, << is >>, and so on
	opZero     = "zero"     // a number is 0
	opFlip     = "flip"     // true is false, false is true
)

// binary are the functions of mutq that calculate or compare, by operator.
var binary = map[token.Token]string{
	token.LSS: "Lt", token.LEQ: "Le", token.GTR: "Gt", token.GEQ: "Ge",
	token.ADD: "Add", token.SUB: "Sub", token.MUL: "Mul", token.QUO: "Div", token.REM: "Rem",
	token.AND: "And", token.OR: "Or", token.XOR: "Xor", token.AND_NOT: "AndNot", token.SHL: "Shl", token.SHR: "Shr",
}

var errorType = types.Universe.Lookup("error").Type()

// visit is called by ast.Inspect for every node, and with nil after the last child of one.
// Constants and types are passed over, because nothing in them can be switched at run time.
func (w *rewriter) visit(n ast.Node) bool {
	if n == nil {
		w.stack = w.stack[:len(w.stack)-1]
		return true
	}
	switch x := n.(type) {
	case *ast.ArrayType:
		return false
	case *ast.GenDecl:
		if x.Tok != token.VAR {
			return false
		}
		if len(w.stack) == 0 {
			w.fn = "var"
		}
	case *ast.FuncDecl:
		w.fn = x.Name.Name
		if x.Recv != nil {
			w.fn = strings.TrimPrefix(w.text(x.Recv.List[0].Type), "*") + "." + w.fn
		}
	}
	w.stack = append(w.stack, n)
	switch x := n.(type) {
	case ast.Stmt:
		w.statement(x)
	case ast.Expr:
		w.expression(x)
	}
	return true
}

func (w *rewriter) statement(s ast.Stmt) {
	switch x := s.(type) {
	case *ast.IfStmt:
		w.condition(x.Cond)
		if w.isConst(x.Cond) {
			break
		}
		if on := w.add(x.Cond.Pos(), opDrop, "M", "drop body: if "+w.text(x.Cond)); on != "" {
			w.wrap(x.Cond, 10, "((", ") && !"+on+"))")
		}
	case *ast.ForStmt:
		if x.Cond != nil {
			w.condition(x.Cond)
		}
	case *ast.ReturnStmt:
		for _, r := range x.Results {
			if w.is(r, types.IsBoolean) {
				w.condition(r)
			}
		}
		w.returned(x)
	case *ast.ExprStmt:
		if c, ok := x.X.(*ast.CallExpr); ok && !slices.Contains([]string{"panic", "os.Exit"}, w.text(c.Fun)) {
			w.removable(x)
		}
	case *ast.DeferStmt:
		w.removable(x)
	case *ast.AssignStmt:
		w.assignment(x)
	case *ast.IncDecStmt:
		w.removable(x)
		if on := w.add(x.TokPos, opInvert, "One", w.text(x)+" -> inverted"); on != "" {
			op := map[token.Token]string{token.INC: " += ", token.DEC: " -= "}[x.Tok]
			w.replace(x.TokPos, 2, op+on+", "+w.source(x.X)+")")
		}
	case *ast.BranchStmt:
		w.branch(x)
	}
}

// removable adds the change that leaves a statement out.
func (w *rewriter) removable(s ast.Stmt) {
	if !w.inList() {
		return
	}
	if on := w.add(s.Pos(), opRemove, "M", "remove "+w.text(s)); on != "" {
		w.wrap(s, 0, "if !"+on+") { ", " }")
	}
}

// condition marks the operands of && and || in a condition, and a condition without them, to be
// negated when they are visited. Comparisons are negated wherever they stand.
func (w *rewriter) condition(e ast.Expr) {
	switch x := e.(type) {
	case *ast.ParenExpr:
		w.condition(x.X)
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			w.condition(x.X)
			return
		}
		w.conditions[e] = true
	case *ast.BinaryExpr:
		if x.Op == token.LAND || x.Op == token.LOR {
			w.condition(x.X)
			w.condition(x.Y)
		}
	default:
		w.conditions[e] = true
	}
}

// returned adds the change that returns nil for an error, which is the last result.
func (w *rewriter) returned(x *ast.ReturnStmt) {
	var results *ast.FieldList
	for i := len(w.stack) - 1; i >= 0 && results == nil; i-- {
		switch f := w.stack[i].(type) {
		case *ast.FuncDecl:
			results = f.Type.Results
		case *ast.FuncLit:
			results = f.Type.Results
		default:
			continue
		}
		break
	}
	if results == nil || len(x.Results) == 0 || results.NumFields() != len(x.Results) {
		return
	}
	last := x.Results[len(x.Results)-1]
	declared := w.pkg.TypesInfo.Types[results.List[len(results.List)-1].Type].Type
	if !types.Identical(declared, errorType) || w.pkg.TypesInfo.Types[last].IsNil() {
		return
	}
	if on := w.add(last.Pos(), opNil, "E", "return nil for "+w.text(last)); on != "" {
		w.wrap(last, 10, on+", ", ")")
	}
}

func (w *rewriter) assignment(x *ast.AssignStmt) {
	// A := also declares, so it cannot be left out; an assignment to _ does nothing.
	if x.Tok != token.DEFINE && slices.ContainsFunc(x.Lhs, func(l ast.Expr) bool { return w.text(l) != "_" }) {
		w.removable(x)
	}
	if (x.Tok == token.ADD_ASSIGN || x.Tok == token.SUB_ASSIGN) && w.is(x.Lhs[0], types.IsInteger) {
		if on := w.add(x.TokPos, opInvert, "Neg", w.text(x)+" -> inverted"); on != "" {
			w.wrap(x.Rhs[0], 10, on+", "+w.source(x.Lhs[0])+", ", ")")
		}
	}
	for _, r := range x.Rhs {
		if _, ok := r.(*ast.BinaryExpr); ok && w.is(r, types.IsBoolean) {
			w.condition(r)
		}
	}
}

// branch turns break into continue and back, where the next statement around that takes either is
// a loop.
func (w *rewriter) branch(x *ast.BranchStmt) {
	other := map[token.Token]string{token.BREAK: "continue", token.CONTINUE: "break"}[x.Tok]
	if other == "" || x.Label != nil || !w.inList() {
		return
	}
	for i := len(w.stack) - 2; i >= 0; i-- {
		switch w.stack[i].(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			if on := w.add(x.Pos(), opLoop, "M", x.Tok.String()+" -> "+other); on != "" {
				w.wrap(x, 0, "if "+on+") { "+other+" }; ", "")
			}
			return
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.FuncLit:
			return
		}
	}
}

func (w *rewriter) expression(e ast.Expr) {
	switch x := e.(type) {
	case *ast.UnaryExpr:
		if x.Op == token.SUB && !w.isConst(x) {
			if on := w.add(x.Pos(), opMinus, "Minus", w.text(x)); on != "" {
				w.wrap(x, 2, on+", ", ")")
			}
		}
	case *ast.BinaryExpr:
		if !w.isConst(x) {
			w.operator(x)
		}
	case *ast.BasicLit:
		w.literal(x)
	case *ast.Ident:
		if (x.Name == "true" || x.Name == "false") && w.pkg.TypesInfo.Uses[x] == types.Universe.Lookup(x.Name) && !w.inConst() {
			if on := w.add(x.Pos(), opFlip, "N", "flip "+x.Name+" in "+w.text(w.parent(1))); on != "" {
				w.wrap(x, 3, on+", ", ")")
			}
		}
	}
	if w.conditions[e] && !w.isConst(e) {
		w.negate(e, e.Pos())
	}
}

func (w *rewriter) negate(e ast.Expr, at token.Pos) {
	if on := w.add(at, opNegate, "N", "negate "+w.text(e)); on != "" {
		w.wrap(e, 1, on+", ", ")")
	}
}

// operator adds the changes of a binary operator.
func (w *rewriter) operator(x *ast.BinaryExpr) {
	width := len(x.Op.String())
	call := func(op, text string) {
		if on := w.add(x.OpPos, op, binary[x.Op], text); on != "" {
			w.wrap(x, 2, on+", ", ")")
			w.replace(x.OpPos, width, ",")
		}
	}
	swap := "swap " + x.Op.String() + " in " + w.text(x)
	switch x.Op {
	case token.LAND, token.LOR:
		if on := w.add(x.OpPos, opLogic, "M", swap); on != "" {
			// a || b is !(!a && !b), which evaluates b when || would.
			m := " != " + on + ")"
			w.wrap(x, 2, "((((", ")"+m+"))"+m+")")
			w.replace(x.OpPos, width, ")"+m+") "+x.Op.String()+" ((")
		}
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		call(opBoundary, "boundary of "+w.text(x))
		w.negate(x, x.OpPos)
	case token.EQL, token.NEQ:
		w.negate(x, x.OpPos)
	case token.ADD, token.SUB, token.MUL, token.QUO, token.REM:
		if w.is(x, types.IsNumeric) {
			call(opSwap, swap)
		}
	case token.AND, token.OR, token.XOR, token.AND_NOT:
		call(opSwap, swap)
	case token.SHL, token.SHR:
		if !w.isConst(x.X) {
			call(opSwap, swap)
		}
	}
}

// literal puts 0 in the place of a number that is not 0, where its type is known.
func (w *rewriter) literal(x *ast.BasicLit) {
	tv := w.pkg.TypesInfo.Types[x]
	if x.Kind != token.INT || tv.Value == nil || constant.Sign(tv.Value) == 0 || w.inConst() {
		return
	}
	if kv, ok := w.parent(1).(*ast.KeyValueExpr); ok && kv.Key == x {
		return
	}
	if !w.is(x, types.IsInteger) || w.is(x, types.IsUntyped) {
		return
	}
	name, ok := w.typeName(tv.Type)
	if !ok {
		return
	}
	if on := w.add(x.Pos(), opZero, "Z", "0 for "+x.Value+" in "+w.text(w.parent(1))); on != "" {
		w.wrap(x, 3, on+", "+name+"(", "))")
	}
}
