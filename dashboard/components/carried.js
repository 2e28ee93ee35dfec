// What is carried to the reference zone and is no file: a link, a picture of another page, a picture of this desk from
// here or from its second window; a picture that is pasted anywhere on the page, of which Streamlit's drop zone hears only
// while it has the focus; and an address that is pasted where nobody writes. Where no chosen model takes pictures, a
// paste is told all the same, so that the page says why nothing comes of it. Files that are dropped are Streamlit's own; but a browser makes a file of
// the small picture that it drags, and where that is one of ours its address means the large one.
// It looks where the pointer is and not what lies there: over an open drawer the zone is still the zone.

const ZONE = ".st-key-add_references", SLOTS = ".st-key-slots";
const OURS = /\/files\/[0-9a-f]{64}\//;
const ADDRESS = /^https?:\/\/\S+$/i;

function render(data, me) {
  me.data = data;
  const box = me.at && `left:${me.at.left}px;top:${me.at.top}px;width:${me.at.width}px;height:${me.at.height}px`;
  return box && el("div", { class: "veil", style: box }, data.words.drop);
}

function lay(me, at) {
  if (!at === !me.at && (!at || at.top === me.at.top)) return;
  me.at = at;
  morph(me.root, el("div", { class: "root" }, render(me.data, me)));
}

// Where the pointer is, if that is over the zone or the slots beneath it.
function zone({ clientX: x, clientY: y }) {
  const boxes = [ZONE, SLOTS].map((one) => document.querySelector(one)?.getBoundingClientRect()).filter(Boolean);
  return boxes.some((box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) && boxes[0];
}

const carries = (event) => event.dataTransfer?.types.includes("text/uri-list");

// A picture in a link is dragged as the link; its own address stands in the text that goes with it.
function addresses(held) {
  const links = held.getData("text/uri-list").split(/[\r\n]+/).filter((line) => line && !line.startsWith("#"));
  if (links.some(isOurs)) return links;
  const shown = new DOMParser().parseFromString(held.getData("text/html"), "text/html").querySelectorAll("img[src]");
  const src = shown.length === 1 && shown[0].getAttribute("src");
  return src && ADDRESS.test(src) ? [src] : links;
}

const isOurs = (address) => OURS.test(address) || address.startsWith(`${location.origin}/`);

function over(event, me) {
  const at = me.data.on && carries(event) && zone(event);
  lay(me, at || null);
  if (!at) return carries(event) && astray(event);
  event.preventDefault();
  event.dataTransfer.dropEffect = event.dataTransfer.effectAllowed === "move" ? "move" : "copy";
}

// A link that is let go of beside the zone would lead the browser away from the form.
function astray(event) {
  if (event.composedPath().some((node) => node.matches?.("input, textarea, [contenteditable], [data-testid=stFileUploaderDropzone]"))) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

function drop(event, me) {
  const here = me.data.on && carries(event) && zone(event);
  lay(me, null);
  if (!here) return;
  const found = addresses(event.dataTransfer);
  if (event.dataTransfer.files.length && !found.some(isOurs)) return; // its bytes are here already
  event.preventDefault();
  event.stopImmediatePropagation();
  // The drop zone has seen it come, and shall not wait for it.
  event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true, dataTransfer: event.dataTransfer }));
  if (found.length) wish("link", found.join("\n"), me);
}

const WRITES = "input:not([type=file]), textarea, select, [contenteditable]";

// Where somebody writes, a copied table or page is its text, though a picture of it comes along.
function pastePictures(event, at, held, me) {
  const zone = document.querySelector(`${ZONE} [data-testid=stFileUploaderDropzone]`), files = new DataTransfer();
  for (const file of held.files) if (file.type.startsWith("image/")) files.items.add(file);
  if (!zone || !files.files.length || (at.matches?.(WRITES) && held.getData("text/plain"))) return;
  if (!me.data.on) return wish("in_vain", "", me);
  if (zone.contains(at)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  zone.dispatchEvent(new ClipboardEvent("paste", { clipboardData: files, bubbles: true, cancelable: true }));
}

function paste(event, me) {
  const held = event.clipboardData, at = event.composedPath()[0];
  if (!held || document.querySelector("[role=dialog]")) return;
  if (held.files.length) return pastePictures(event, at, held, me);
  if (at !== document.body && (!at.closest?.(`${ZONE}, .st-key-slots`) || at.matches(WRITES))) return;
  const found = held.getData("text/plain").trim().split(/\s+/);
  if (!found.every((one) => ADDRESS.test(one))) return;
  event.preventDefault();
  if (me.data.on) wish("link", found.join("\n"), me);
  else wish("in_vain", "", me);
}

export default inOrder((component) => {
  const cleanup = desk(component, render);
  const me = desks.get(component.parentElement);
  me.heard ??= [["dragover", over], ["drop", drop], ["paste", paste]].map(([name, hear]) => [name, (event) => hear(event, me)]);
  me.left ??= (event) => !event.relatedTarget && lay(me, null); // out of the window
  for (const [name, hear] of me.heard) document.addEventListener(name, hear, true);
  document.addEventListener("dragleave", me.left);
  document.addEventListener("dragend", me.left);
  return () => {
    cleanup();
    for (const [name, hear] of me.heard) document.removeEventListener(name, hear, true);
    document.removeEventListener("dragleave", me.left);
    document.removeEventListener("dragend", me.left);
  };
});
