// One stream of updates for all tabs of a browser: a browser has six connections to a server, whatever the number of
// its tabs. Each tab says which page it shows; what comes for that page is given to it.
"use strict";
const tabs = new Map();     // by port: the address of its page
const versions = new Map(); // by address: what is shown there
const most = 64;
let source = null, later = 0;

const tell = (message, at) => { for (const [port, shows] of tabs) if (at === undefined || shows === at) port.postMessage(message); };

function open() {
  clearTimeout(later);
  source?.close();
  source = null;
  const shown = [...new Set(tabs.values())].slice(-most);
  for (const at of versions.keys()) if (!shown.includes(at)) versions.delete(at);
  if (shown.length === 0) return;
  const query = new URLSearchParams();
  for (const at of shown) {
    query.append("at", at);
    query.append("version", versions.get(at));
  }
  const mine = source = new EventSource("/live?" + query);
  mine.onopen = () => tell({state: "open"});
  mine.onerror = () => {
    tell({state: "lost"});
    if (mine.readyState === EventSource.CLOSED && mine === source) later = setTimeout(open, 1000);
  };
  mine.addEventListener("parts", event => {
    const [version, at] = event.lastEventId.split(/ (.*)/s);
    versions.set(at, version);
    tell({parts: event.data, version}, at);
  });
}

addEventListener("connect", event => {
  const port = event.ports[0];
  port.onmessage = ({data}) => {
    if (data.leave) {
      tabs.delete(port);
      if (![...tabs.values()].includes(data.leave)) open();
      return;
    }
    const known = [...tabs.values()].includes(data.at) && versions.get(data.at) === data.version && source?.readyState === EventSource.OPEN;
    tabs.set(port, data.at);
    if (known) { // another tab shows the same page in the same version
      port.postMessage({state: "open"});
      return;
    }
    versions.set(data.at, data.version);
    open();
  };
});
