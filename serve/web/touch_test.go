package web

import (
	"encoding/json"
	"fmt"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// A page is renewed and left while a person acts on it. What chromedp finds by a selector it names by a number, which is
// void as soon as another page is there: so each hand here asks the page anew, in one step, until it can be done.

// click presses the mouse on what a selector names, as soon as that is there, enabled, and covered by nothing, on a page
// that has all that decides where it stands. A press that meets something else is told on the browser's console.
func (p *person) click(selector string) {
	p.t.Helper()
	at := until[[]float64](p, of(selector, `(e => {
		if (!e || e.disabled || document.readyState !== "complete") return null;
		const free = () => {
			const r = e.getClientRects()[0];
			if (!r || !r.width || !r.height) return null;
			const at = [r.x + r.width / 2, r.y + r.height / 2], top = document.elementFromPoint(...at);
			return top && e.contains(top) ? at : null;
		};
		const at = free() ?? (e.scrollIntoView({block: "center", inline: "center", behavior: "instant"}), free());
		if (at) for (const what of ["mousedown", "click"]) addEventListener(what, event => e.contains(event.target) ||
			console.error("a " + what + " for " + e.outerHTML.slice(0, 99) + " met " + event.target.outerHTML.slice(0, 99)), {capture: true, once: true});
		return at;
	})`), selector+" may be clicked")
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

// focuses puts the keyboard on what a selector names.
func (p *person) focuses(selector string) {
	p.t.Helper()
	until[bool](p, of(selector, `(e => e && (e.focus(), document.activeElement === e) || null)`), selector+" takes the keyboard")
}

// fills gives a field a value, and tells the page so.
func (p *person) fills(selector, value string) {
	p.t.Helper()
	text, err := json.Marshal(value)
	require.NoError(p.t, err)
	until[bool](p, of(selector, fmt.Sprintf(`(e => {
		if (!e || e.disabled) return null;
		e.value = %[1]s;
		for (const what of ["input", "change"]) e.dispatchEvent(new Event(what, {bubbles: true}));
		return e.value === %[1]s || null;
	})`, text)), selector+" is filled with "+value)
}

// of is a function in the browser, called with the element that a selector names, or null.
func of(selector, function string) string {
	return fmt.Sprintf("%s(document.querySelector(%q))", function, selector)
}
