// What the pages need beside htmx: the command that a button stands for is seen at the foot, the last
// lines come back with the arrow keys, a lost connection is told, and all tabs share one.
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
  const copies = event.target.closest("[data-copy]");
  if (copies) copy(byId(copies.dataset.copy));
  if (event.target.id === "dense") document.body.classList.toggle("dense", event.target.checked);
});

// What is to be copied is selected, too: a browser that keeps its clipboard to itself takes it from there.
function copy(from) {
  getSelection().selectAllChildren(from);
  navigator.clipboard?.writeText(from.textContent).catch(() => {});
}

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

// What is renewed each second is made like its successor, not replaced by it: a link that is just pressed, the place of
// the keyboard, a selection, and what was opened or scrolled are still there.
function renew(old, fresh) {
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const {name, value} of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const {name} of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  const next = [...fresh.childNodes];
  next.forEach((child, i) => old.childNodes[i] ? renew(old.childNodes[i], child) : old.append(child));
  while (old.childNodes.length > next.length) old.lastChild.remove();
}

// An element that is replaced keeps what its reader has opened.
addEventListener("htmx:oobBeforeSwap", event => {
  const old = event.target;
  const fresh = event.detail.fragment.firstElementChild;
  if (fresh && old.isEqualNode(fresh)) event.detail.shouldSwap = false; // what was typed into it stays
  else if (fresh && "renew" in old.dataset && "renew" in fresh.dataset) {
    renew(old, fresh);
    event.detail.shouldSwap = false;
    return;
  }
  if (old.open && fresh) fresh.open = true;
  if (old.classList.contains("open") && fresh) fresh.classList.add("open");
});

// A browser has six connections to a server, whatever the number of its tabs, so they share one, which a worker holds.
// Where there are no shared workers each page has its own. A page that nobody sees asks for nothing, and catches up when
// it is seen again: it asks with the version that it has. For htmx this is an EventSource.
class Updates extends EventTarget {
  constructor(address) {
    super();
    const query = new URL(address, location.href).searchParams;
    this.at = query.get("at");
    this.version = query.get("version");
    this.readyState = EventSource.CONNECTING;
    this.turn = () => document.hidden ? this.leave() : this.join();
    this.away = () => this.leave();
    this.back = event => { if (event.persisted) this.turn(); };
    document.addEventListener("visibilitychange", this.turn);
    addEventListener("pagehide", this.away);
    addEventListener("pageshow", this.back);
    this.turn();
  }
  join() {
    if (this.port || this.source) return;
    if (typeof SharedWorker === "undefined") return this.alone();
    const worker = new SharedWorker("/static/worker.js");
    worker.onerror = () => { // it could not be fetched
      if (this.port !== worker.port) return;
      this.leave();
      this.failed();
      this.later = setTimeout(this.turn, 1000);
    };
    this.port = worker.port;
    this.port.onmessage = ({data}) => {
      if (data.state === "open") this.opened();
      else if (data.state === "lost") this.failed();
      else this.take(data.parts, data.version);
    };
    this.port.postMessage({at: this.at, version: this.version});
  }
  alone() {
    const source = this.source = new EventSource("/live?" + new URLSearchParams({at: this.at, version: this.version}));
    source.onopen = () => this.opened();
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.close(); // htmx makes another
      this.failed(source.readyState);
    };
    source.addEventListener("parts", event => this.take(event.data, event.lastEventId.split(" ")[0]));
  }
  leave() {
    clearTimeout(this.later);
    this.port?.postMessage({leave: this.at});
    this.port?.close();
    this.source?.close();
    this.port = this.source = null;
  }
  opened() {
    this.readyState = EventSource.OPEN;
    this.onopen(new Event("open"));
  }
  failed(state = EventSource.CONNECTING) {
    this.readyState = state;
    this.onerror(new Event("error"));
  }
  take(parts, version) {
    this.version = version;
    this.dispatchEvent(new MessageEvent("parts", {data: parts}));
  }
  close() {
    document.removeEventListener("visibilitychange", this.turn);
    removeEventListener("pagehide", this.away);
    removeEventListener("pageshow", this.back);
    this.leave();
  }
}
htmx.createEventSource = address => new Updates(address);

const lost = yes => { byId("lost").hidden = !yes; };
addEventListener("htmx:sseOpen", () => lost(false));
addEventListener("htmx:sseError", () => lost(true));
