// What the pages need beside htmx: the command that a button stands for is seen at the foot, the last
// lines come back with the arrow keys, a lost connection is told, and a page that nobody sees holds none.
"use strict";
const byId = id => document.getElementById(id);
const lines = [];
let at = 0;

// Hovering over a button, or coming to it with the keyboard, shows its command; pressing it writes it.
function tell(event) {
  const b = event.target.closest && event.target.closest("[data-cmd], [data-tell]");
  const prompt = byId("prompt");
  if (b && prompt) prompt.placeholder = b.dataset.cmd || b.dataset.tell;
}
function untell() {
  const prompt = byId("prompt");
  if (prompt) prompt.placeholder = "";
}
addEventListener("mouseover", tell);
addEventListener("mouseout", untell);
addEventListener("focusin", tell);
addEventListener("focusout", untell);

function remember(line) {
  if (line && lines[lines.length - 1] !== line) lines.push(line);
  at = lines.length;
}

addEventListener("click", event => {
  const b = event.target.closest("[data-cmd]");
  if (b && byId("prompt")) byId("prompt").value = b.dataset.cmd;
  const menu = event.target.closest(".menu");
  if (menu) menu.setAttribute("aria-expanded", byId("nav").classList.toggle("open"));
  if (event.target.closest("[data-print]")) print();
  if (event.target.id === "dense") document.body.classList.toggle("dense", event.target.checked);
});

addEventListener("keydown", event => {
  if (event.target.id !== "prompt" || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
  const next = at + (event.key === "ArrowUp" ? -1 : 1);
  if (next < 0 || next > lines.length) return;
  at = next;
  event.target.value = lines[at] || "";
  event.preventDefault();
});

addEventListener("htmx:afterRequest", event => {
  if (event.target.id !== "cli") return;
  const prompt = byId("prompt");
  if (event.detail.successful) {
    remember(prompt.value);
    prompt.value = "";
  } else {
    byId("said").textContent = event.detail.xhr.responseText || "fdelab web does not answer";
  }
});

// An element that is replaced keeps what its reader has opened.
addEventListener("htmx:oobBeforeSwap", event => {
  const old = event.target;
  const fresh = event.detail.fragment.firstElementChild;
  if (old.open && fresh) fresh.open = true;
  if (old.classList.contains("open") && fresh) fresh.classList.add("open");
});

// A browser has six connections to a server, whatever the number of its pages. So a page that nobody sees lets its own
// go, and catches up when it is seen again: it asks with the version that it has. For htmx this is an EventSource.
class Updates extends EventTarget {
  constructor(address) {
    super();
    this.address = new URL(address, location.href);
    this.turn = () => document.hidden ? this.source?.close() : this.open();
    document.addEventListener("visibilitychange", this.turn);
    this.turn();
  }
  get readyState() { return this.source ? this.source.readyState : EventSource.CONNECTING; }
  open() {
    const source = this.source = new EventSource(this.address);
    source.onopen = event => this.onopen(event);
    source.onerror = event => {
      if (source.readyState === EventSource.CLOSED) this.close(); // htmx makes another
      this.onerror(event);
    };
    source.addEventListener("parts", event => {
      this.address.searchParams.set("version", event.lastEventId);
      this.dispatchEvent(new MessageEvent("parts", {data: event.data}));
    });
  }
  close() {
    document.removeEventListener("visibilitychange", this.turn);
    this.source?.close();
  }
}
htmx.createEventSource = address => new Updates(address);

const lost = yes => { byId("lost").hidden = !yes; };
addEventListener("htmx:sseOpen", () => lost(false));
addEventListener("htmx:sseError", () => lost(true));
