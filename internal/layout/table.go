package layout

import (
	"io"
	"strings"
)

// gap is the blanks between two columns, where there is room.
const gap = 2

// Table collects rows of cells, which tabs separate, and writes them under one another with
// Flush. The last cell of a row is not filled up; in a row with fewer cells than others, such as
// a heading, it takes the room of those that are not there.
type Table struct {
	w     io.Writer
	width int
	text  strings.Builder
	head  bool
}

// NewTable makes a table at most width columns wide; 0 is no limit.
func NewTable(w io.Writer, width int) *Table { return &Table{w: w, width: width} }

// Head writes the names of the columns, which tabs separate, as the first row.
func (t *Table) Head(names string) {
	t.head = true
	t.text.WriteString(names + "\n")
}

// Write takes rows, each with a line end.
func (t *Table) Write(p []byte) (int, error) { return t.text.Write(p) }

// Flush writes the table. A table that is too wide shrinks: its widest columns become narrower,
// down to their widest word, their cells have several lines, and the gap is one blank. Where even
// that does not fit, each cell has a line, with the name of its column in front.
func (t *Table) Flush() error {
	if t.text.Len() == 0 {
		return nil
	}
	var rows [][]string
	for _, line := range strings.Split(strings.TrimSuffix(t.text.String(), "\n"), "\n") {
		rows = append(rows, strings.Split(line, "\t"))
	}
	t.text.Reset()
	_, err := io.WriteString(t.w, strings.Join(t.lines(rows), "\n")+"\n")
	return err
}

func (t *Table) lines(rows [][]string) (lines []string) {
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	widths, least := make([]int, columns), make([]int, columns)
	for _, row := range rows {
		for k, cell := range row {
			if k < len(row)-1 || k == columns-1 {
				widths[k] = max(widths[k], Width(cell))
				least[k] = max(least[k], Least(cell))
			}
		}
	}
	gap := gap
	if !Shrink(widths, least, gap, t.width) {
		if gap = 1; !Shrink(widths, least, gap, t.width) {
			return t.list(rows)
		}
	}
	for _, row := range rows {
		last := len(row) - 1
		own := append([]int(nil), widths[:last+1]...)
		if last < columns-1 { // it takes the room of the cells that are not there
			own[last] = Width(row[last])
			if room := t.width - sum(own[:last]) - gap*last; t.width > 0 && own[last] > room {
				if own[last] = room; Least(row[last]) > room && last > 0 {
					return t.list(rows)
				}
			}
		}
		lines = append(lines, Row(row, own, gap)...)
	}
	return lines
}

// list is a table as a list: "name: cell" for each cell.
func (t *Table) list(rows [][]string) (lines []string) {
	for i, row := range rows {
		if i == 0 && t.head && len(rows) > 1 {
			continue
		}
		for k, cell := range row {
			indent := blanks(row[0])
			if k > 0 {
				indent += "  "
			}
			name := ""
			if t.head && k < len(rows[0]) {
				name = strings.TrimSpace(rows[0][k]) + ": "
			}
			lines = append(lines, Fold(indent+name+strings.TrimSpace(cell), t.width)...)
		}
	}
	return lines
}

// Least is how many columns a cell needs at least: those of its widest word, and of the blanks
// before the first.
func Least(cell string) int { return len(blanks(cell)) + widest(cell) }

// Shrink makes the widest columns narrower until all, with gap blanks between, take at most
// width; 0 is no limit. None becomes narrower than least says. It says whether that can be.
func Shrink(widths, least []int, gap, width int) bool {
	if width <= 0 {
		return true
	}
	for total := gap*(len(widths)-1) + sum(widths); total > width; total-- {
		shrinks := -1
		for k, w := range widths {
			if w > least[k] && (shrinks < 0 || w >= widths[shrinks]) { // of two, the right one: what comes first names the row
				shrinks = k
			}
		}
		if shrinks < 0 {
			return false
		}
		widths[shrinks]--
	}
	return true
}

func sum(widths []int) (n int) {
	for _, w := range widths {
		n += w
	}
	return n
}

// Row is one row of a table in columns of the given widths: one line, or several where a
// cell does not fit. The last cell of a line is not filled up.
func Row(row []string, widths []int, gap int) []string {
	cells := make([][]string, len(row))
	height := 1
	for k, text := range row {
		cells[k] = cell(text, widths[k])
		height = max(height, len(cells[k]))
	}
	lines := make([]string, height)
	for i := range lines {
		var b strings.Builder
		for k := range cells {
			text := ""
			if i < len(cells[k]) {
				text = cells[k][i]
			}
			b.WriteString(text)
			if k < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", max(0, widths[k]-Width(text))+gap))
			}
		}
		lines[i] = b.String()
		if height > 1 {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
	}
	return lines
}

// cell breaks a cell at blanks.
func cell(text string, width int) []string {
	if Width(text) <= width {
		return []string{text}
	}
	indent := blanks(text)
	return fill(indent, len(indent), text, width)
}
