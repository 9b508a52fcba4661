package layout

import (
	"io"
	"strings"
)

// gap is the blanks between two columns.
const gap = 2

// cellMin is how far a column shrinks, in columns of the terminal.
const cellMin = 6

// Table collects rows of cells, which tabs separate, and writes them under one another with
// Flush. The last cell of a row is not filled up; in a row with fewer cells than others, such as
// a heading, it takes the room of those that are not there.
type Table struct {
	w     io.Writer
	width int
	text  strings.Builder
}

// NewTable makes a table at most width columns wide; 0 is no limit.
func NewTable(w io.Writer, width int) *Table { return &Table{w: w, width: width} }

// Write takes rows, each with a line end.
func (t *Table) Write(p []byte) (int, error) { return t.text.Write(p) }

// Flush writes the table. A table that is too wide shrinks: its widest columns become
// narrower, and their cells have several lines. Where even that does not fit, each cell has a
// line, with the first row as names.
func (t *Table) Flush() error {
	lines := strings.Split(strings.TrimSuffix(t.text.String(), "\n"), "\n")
	rows := make([][]string, len(lines))
	var widths []int
	for i, line := range lines {
		rows[i] = strings.Split(line, "\t")
		for len(widths) < len(rows[i]) {
			widths = append(widths, 0)
		}
	}
	if t.text.Len() == 0 {
		return nil
	}
	for _, row := range rows {
		for k, cell := range row {
			if k < len(row)-1 || k == len(widths)-1 {
				widths[k] = max(widths[k], Width(cell))
			}
		}
	}
	t.text.Reset()
	if !Shrink(widths, gap, t.width) {
		return t.list(rows)
	}
	var b strings.Builder
	for _, row := range rows {
		own := widths
		if last := len(row) - 1; last < len(widths)-1 {
			own = append([]int(nil), widths[:last+1]...)
			if own[last] = Width(row[last]); !Shrink(own[last:], gap, max(0, t.width-sum(widths[:last])-gap*last)) {
				own[last] = cellMin
			}
		}
		for _, line := range Row(row, own, gap) {
			b.WriteString(line + "\n")
		}
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// list is a table as a list: "name: cell" for each cell that is not the first.
func (t *Table) list(rows [][]string) error {
	var b strings.Builder
	for i, row := range rows {
		if i == 0 && len(rows) > 1 {
			continue
		}
		for k, cell := range row {
			line := cell
			if k > 0 {
				line = "  " + cell
				if k < len(rows[0]) && len(rows) > 1 {
					line = "  " + strings.TrimSpace(rows[0][k]) + ": " + cell
				}
			}
			b.WriteString(strings.Join(Fold(line, t.width), "\n") + "\n")
		}
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// Shrink makes the widest columns narrower until all, with gap blanks between, take at most
// width; 0 is no limit. It says whether that can be.
func Shrink(widths []int, gap, width int) bool {
	if width <= 0 {
		return true
	}
	for total := gap*(len(widths)-1) + sum(widths); total > width; total-- {
		widest := 0
		for k, w := range widths {
			if w >= widths[widest] { // of two, the right one: what comes first names the row
				widest = k
			}
		}
		if widths[widest] <= cellMin {
			return false
		}
		widths[widest]--
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
				b.WriteString(strings.Repeat(" ", widths[k]-Width(text)+gap))
			}
		}
		lines[i] = b.String()
		if height > 1 {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
	}
	return lines
}

// cell breaks a cell at blanks, and a word that is too wide after a dash, or where it must be.
func cell(text string, width int) []string {
	if Width(text) <= width {
		return []string{text}
	}
	var lines []string
	for _, line := range Wrap(text, width) {
		for Width(line) > width && !strings.Contains(line, "\x1b") {
			runes := []rune(line)
			at := width
			if dash := strings.LastIndexByte(string(runes[:width]), '-'); dash > 0 {
				at = len([]rune(string(runes[:width])[:dash+1]))
			}
			lines, line = append(lines, string(runes[:at])), string(runes[at:])
		}
		lines = append(lines, line)
	}
	return lines
}
