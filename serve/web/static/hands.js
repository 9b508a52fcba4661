// The drawer of hands: what breaks things, beside whatever page is open. Its links lead to a page of the same for who
// has no script. What it shows is fetched when it is opened, and again after each change while it is open.
"use strict";
(() => {
  const drawer = document.getElementById("drawer");
  if (!drawer) return; // this is the page of hands
  let opener, shown = "";

  // What a reader has chosen or typed stays, and so does the place of the keyboard.
  const nameOf = e => [e.tagName, e.name, e.type === "submit" || e.tagName === "BUTTON" ? e.value : "", e.textContent].join("|").slice(0, 200);
  const fields = () => [...drawer.querySelectorAll("select, input:not([type=hidden])")];
  const whose = e => [...drawer.querySelectorAll("form")].indexOf(e.form) + "|" + e.name;

  async function fill() {
    const answer = await fetch("/hands/drawer", {credentials: "same-origin"});
    const text = await answer.text();
    if (!answer.ok || text === shown) return;
    shown = text;
    const kept = new Map(fields().map(e => [whose(e), e.value]));
    const active = drawer.contains(document.activeElement) ? document.activeElement : null;
    const place = active && nameOf(active);
    const inside = document.getElementById("hands");
    inside.outerHTML = text;
    for (const e of fields()) {
      const was = kept.get(whose(e));
      if (was !== undefined && (e.tagName !== "SELECT" || [...e.options].some(o => o.value === was))) e.value = was;
    }
    if (active && !drawer.contains(document.activeElement)) {
      ([...drawer.querySelectorAll("button, select, input")].find(e => nameOf(e) === place) || drawer).focus();
    }
    htmx.process(drawer);
  }

  let waiting = false, again = false;
  async function refresh() {
    if (drawer.hidden) return;
    if (waiting) { again = true; return; }
    waiting = true;
    try { await fill(); } catch { /* the page says that the connection is lost */ }
    waiting = false;
    if (again) { again = false; refresh(); }
  }

  function turn(open, from) {
    drawer.hidden = !open;
    for (const a of document.querySelectorAll(".handbtn")) a.setAttribute("aria-expanded", open);
    if (open) {
      opener = from;
      refresh();
      drawer.focus();
    } else {
      (document.contains(opener) ? opener : document.querySelector(".handbtn"))?.focus();
    }
  }

  // It lies between head and foot: the time and the command line stay in sight.
  const [head, foot] = [document.querySelector(".head"), document.querySelector(".cli")];
  const fit = new ResizeObserver(() => {
    drawer.style.top = head.offsetHeight + "px";
    drawer.style.bottom = foot.offsetHeight + "px";
  });
  fit.observe(head);
  fit.observe(foot);

  addEventListener("click", event => {
    const link = event.target.closest('a[href="/hands"]');
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      turn(drawer.hidden || !link.classList.contains("handbtn"), link);
    } else if (event.target.closest("#drawer > header button")) turn(false);
  });
  addEventListener("keydown", event => {
    if (event.key === "Escape" && !drawer.hidden && !event.defaultPrevented) turn(false);
  });
  addEventListener("htmx:sseMessage", refresh);
})();
