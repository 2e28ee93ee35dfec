// Draws nothing: it listens to the server's news for the part of the page that it stands in, and has Streamlit draw that
// part anew. All parts of a page that wait for the same news share one socket. A hidden page hangs up; when it is seen
// again it asks first how far the news are, so that nothing was missed.

const lines = new Map(); // address → the socket, and who listens
const APART = 20; // ms: Streamlit takes what is told in one turn of the loop for one part's
const REST = 1_000; // ms: a part that is drawn anew is away for a moment
const PATIENCE = [500, 1_000, 2_000, 5_000, 15_000, 30_000]; // ms between tries

function lineTo(url) {
  const line = lines.get(url) ?? { url, parts: new Set(), heard: 0, tries: 0 };
  lines.set(url, line);
  return line;
}

function connect(line) {
  if (line.socket || document.hidden || !line.parts.size) return;
  const socket = (line.socket = new WebSocket(line.url));
  socket.onopen = () => (line.tries = 0);
  socket.onmessage = ({ data }) => {
    const { revision, moved } = JSON.parse(data);
    line.heard = revision;
    const late = [...line.parts].filter((part) => moved || revision > part.drawn);
    late.forEach((part, index) => setTimeout(() => line.parts.has(part) && part.draw(), index * APART));
  };
  socket.onclose = () => {
    if (line.socket !== socket) return;
    line.socket = null;
    clearTimeout(line.again);
    line.again = setTimeout(connect, PATIENCE[Math.min(line.tries++, PATIENCE.length - 1)], line);
  };
}

function hangUp(line) {
  clearTimeout(line.again);
  const socket = line.socket;
  line.socket = null;
  socket?.close();
}

document.addEventListener("visibilitychange", () => {
  for (const line of lines.values()) (document.hidden ? hangUp : connect)(line);
});

let news = 0;
const parts = new WeakMap(); // Streamlit calls us again at each drawing, but what we return only at the very end

export default function ({ data, parentElement, setStateValue }) {
  const part = parts.get(parentElement) ?? {};
  parts.set(parentElement, part);
  if (part.line && part.line.url !== data.url) leave(part);
  part.line = lineTo(data.url);
  part.line.parts.add(part);
  part.drawn = data.revision ?? Infinity; // unknown while the database is away: then only what moves counts
  part.draw = () => {
    part.drawn = Infinity; // on its way
    setStateValue("news", (news += 1));
  };
  if (part.line.heard > part.drawn) part.draw();
  connect(part.line);
  return () => leave(part);
}

function leave(part) {
  const line = part.line;
  line.parts.delete(part);
  setTimeout(() => line.parts.size || hangUp(line), REST);
}
