// Two videos of the Pair view, played as one: both from the same moment, until the longer of them is over.
// The longer leads; the other is put right wherever it has strayed. Sound is off until one of them is chosen for it.

const STRAYED = 0.1; // seconds that nobody sees
const films = (me) => [...me.root.querySelectorAll(".pane video")];
const plays = (me) => Boolean(me.b && sides(me).every((one) => one.video && !me.unplayable.has(one.full)));
const lasts = (film) => film.duration || 0;
const leader = (me) => films(me).reduce((one, other) => (lasts(other) > lasts(one) ? other : one));
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function film(which, one) {
  return el("video", { src: one.full, poster: one.src, "aria-label": `${which.toUpperCase()}: ${one.prompt}`, width: one.width, height: one.height, preload: "auto", playsinline: true, muted: true, "data-side": which });
}

function player(me) {
  if (!plays(me)) return null;
  const { words } = me.data, sound = { "": words.sound_off, a: words.sound_a, b: words.sound_b }[me.sound ?? ""];
  return el("div", { class: "player", role: "group", "aria-label": words.player, "data-key": "player" },
    button(me, "play", me.playing ? words.pause : words.play, { text: me.playing ? "❚❚" : "▶", key: me.mode === "flicker" ? null : words.space }),
    el("input", { class: "seek", type: "range", min: 0, max: 1000, step: 1, value: 0, "aria-label": words.moment, "data-key": "seek" }),
    el("span", { class: "moment soft" }, "0:00"),
    button(me, "sound", sound, { named: false }));
}

// After each drawing and at each frame: the sound is where it was chosen, and both are at the same moment.
function together(me) {
  if (!plays(me) || films(me).length < 2) return;
  const lead = leader(me), now = lead.currentTime;
  if (me.playing && lead.ended) return stop(me);
  for (const one of films(me)) {
    one.muted = one.dataset.side !== me.sound;
    const due = Math.min(now, lasts(one));
    if (one !== lead && !one.seeking && Math.abs(one.currentTime - due) > STRAYED) one.currentTime = due;
    if (me.playing && one.paused && !(lasts(one) && due >= lasts(one))) one.play().catch(() => one.isConnected && stop(me));
  }
  tellMoment(me, now, lasts(lead));
}

function tellMoment(me, now, whole) {
  const seek = me.root.querySelector(".seek");
  if (!me.seeks) seek.value = whole ? (1000 * now) / whole : 0;
  seek.setAttribute("aria-valuetext", `${minutes(now)} / ${minutes(whole)}`);
  me.root.querySelector(".moment").textContent = `${minutes(now)} / ${minutes(whole)}`;
}

function follow(me) {
  cancelAnimationFrame(me.following);
  if (!me.playing || !me.root.isConnected) return;
  together(me);
  me.following = requestAnimationFrame(() => follow(me));
}

function play(me) {
  if (me.playing) return stop(me);
  if (leader(me).ended) seekTo(me, 0);
  me.playing = true;
  me.redraw();
  follow(me);
}

function stop(me) {
  me.playing = false;
  for (const one of films(me)) one.pause();
  me.redraw();
}

function seekTo(me, share) {
  const to = share * lasts(leader(me));
  for (const one of films(me)) one.currentTime = Math.min(to, lasts(one));
  tellMoment(me, to, lasts(leader(me)));
}

function listenToFilms(me) {
  me.root.addEventListener("input", ({ target }) => target.matches(".seek") && ((me.seeks = true), seekTo(me, target.value / 1000)));
  me.root.addEventListener("change", ({ target }) => target.matches(".seek") && (me.seeks = false));
  me.root.addEventListener("loadedmetadata", () => together(me), true); // media events do not bubble
  me.root.addEventListener("error", ({ target }) => {
    if (target.nodeName !== "VIDEO") return;
    me.unplayable.add(target.getAttribute("src"));
    me.playing = false;
    me.redraw();
  }, true);
}
