"""History in Chromium at 1,000,000 tasks: from address to painted pictures, against a page of `st.image`. By hand.

`python tests/benchmarks/chromium.py FOLDER [size]` makes what is not in the folder yet (the file of `history.py`, and
real pictures for its newest tasks) and keeps it. The other page is what Streamlit offers by itself for the same cards:
`st.image` in `st.grid`, a button to the next page, a dialog with the large picture. Rounds are interleaved, and a ratio
is taken inside a round. "Painted": every picture in the window is another than before, decoded, and stands in a frame
of the browser; of a whole page moreover, Streamlit has drawn all of it (`st.image` comes one after the other).
"""

import argparse
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import launch
from history import made
from pictures import encoded
from PIL import Image, ImageChops, ImageFilter
from playwright.sync_api import Browser, Page, sync_playwright
from processes import Desk, free_port, wait_until

from data.artifacts import ArtifactStore
from data.db import Database
from data.storage import ObjectStorage

ROOT = Path(__file__).resolve().parents[2]
PAGE, PAGES = 60, 4
PLAIN = """
import streamlit as st
from dashboard.resources import desk
from data.query import Query
from data.storage import thumbnail_key

st.set_page_config(layout="wide")
here, state = desk(), st.session_state
folder = here.settings.state_dir


def file(card, edge):
    return str(folder / thumbnail_key(card.pictures[0].sha256, edge))


def turn(to):
    state["before"] = to


@st.dialog("Picture", width="large")
def large(cards):
    at = state.get("at", 0)
    st.image(file(cards[at], 1280))
    st.caption(cards[at].prompt)
    if st.button("Next picture"):
        state["at"] = at + 1
        st.rerun(scope="fragment")


page = here.search.page(Query(), "local", before=state.get("before"), limit=60)
grid = st.grid("auto", min_column_width=220)
for card in page.cards:
    with grid.container():
        if card.pictures:
            st.image(file(card, 320))
        st.caption(card.prompt[:60])
        st.caption(f"{card.model} · {card.status.value}")
st.button("Older", on_click=turn, args=(page.older,))
if st.button("Open"):
    large([card for card in page.cards if card.pictures])
"""
PAINTED = """([root, least, whole, before, since]) => new Promise((done, failed) => {
  const began = since ? 0 : performance.now();
  const within = (node) => [...node.querySelectorAll("*")].flatMap((one) =>
    one.shadowRoot ? within(one.shadowRoot) : one.tagName === "IMG" ? [one] : []);
  const inWindow = (one) => {
    const box = one.getBoundingClientRect();
    return box.width > least && box.bottom > 0 && box.top < innerHeight;
  };
  const drawn = () => !whole || document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]");
  const all = () => [...document.querySelectorAll(root)].flatMap(within);
  const look = () => {
    const seen = all().filter(inWindow);
    const fresh = seen.length && seen.every((one) => one.complete && one.naturalWidth && !before.includes(one.src));
    if (!fresh || !drawn()) {
      const waits = performance.now() - began < 60_000;
      return void (waits ? requestAnimationFrame(look) : failed(`not painted: ${seen.length} pictures in ${root}`));
    }
    const mine = all().filter((one) => one.getBoundingClientRect().width > least).map((one) => one.src);
    const told = () => done([performance.now() - began, mine, seen.length]);
    const decoded = Promise.all(seen.map((one) => one.decode().catch(() => 0)));
    decoded.then(() => requestAnimationFrame(() => requestAnimationFrame(told)));
  };
  look();
})"""
"""Milliseconds from the address (or from now), the addresses of all pictures, and how many are in the window."""
TILES, LARGE = 40, 240
"""A picture of less width, in pixels, is another one: a logo; in the large view a small one beside it."""


def prepare(folder: Path, size: int) -> Path:
    """The state of a desk with so many tasks, and with pictures for those on its first pages."""
    state = folder / f"desk-{size}" / "var"
    if (state / "ready").exists():
        return state
    state.mkdir(parents=True, exist_ok=True)
    path = state / "picture-desk.sqlite"
    shutil.copyfile(made(folder, size), path)
    database = Database(f"sqlite:///{path}")
    store = ArtifactStore(database, ObjectStorage(state), max_reference_bytes=10**7, max_pixels=10**8)
    dice = random.Random(1)
    noise = Image.effect_noise((256, 256), 90).resize((1024, 1024)).filter(ImageFilter.GaussianBlur(1.5))
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute(
            "SELECT artifact.id FROM artifact JOIN task ON task.id = task_id WHERE seq > ? AND role = 'output'",
            (size - PAGE * PAGES,),
        ).fetchall()
        for (name,) in names:
            bands = [ImageChops.offset(noise, dice.randrange(1024), dice.randrange(1024)) for _ in range(3)]
            kept = store.store_output(encoded(Image.merge("RGB", bands), "JPEG", quality=88))
            connection.execute("UPDATE artifact SET sha256 = ?, mime = 'image/jpeg', width = 1024, height = 1024,"
                               " size = ? WHERE id = ?", (kept.sha256, kept.size, name))  # fmt: skip
        connection.execute("UPDATE task SET status = 'failed', finished_at = status_at WHERE status = 'running'")
        connection.commit()
    database.close()
    (state / "ready").touch()
    return state


@contextmanager
def running(state: Path) -> Iterator[Desk]:
    """The desk itself. Not `with Desk`: that would in the end compare its books with the sandbox's, which has none."""
    desk = Desk(state.parent)
    try:
        yield desk.start()
    finally:
        desk.stop()


@contextmanager
def plain(state: Path) -> Iterator[str]:
    """The page of `st.image`, beside the desk and over its files."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "plain.py"
        script.write_text(PLAIN)
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)],
            cwd=ROOT, env={"STATE_DIR": str(state), "PATH": "/usr/bin:/bin", "HOME": folder, "ENV_FILE": "/dev/null"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield _ready(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait()


def _ready(url: str) -> str:
    def answers() -> bool:
        try:
            return bool(urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).read())
        except OSError:
            return False

    wait_until(answers, 60)
    return url


class Side:
    """One of the two pages, and how its pictures are reached."""

    def __init__(self, name: str, url: str, tiles: str, *, only_done: str = "") -> None:
        self.name, self.url, self.tiles, self.only_done = name, url, tiles, only_done
        self.took: dict[str, list[float]] = {}
        self.seen = 0

    def goes(self, page: Page, what: str, more: str = "") -> list[str]:
        """Opens it; the addresses of its pictures."""
        page.goto(self.url + more, wait_until="commit")
        took, pictures, self.seen = page.evaluate(PAINTED, [self.tiles, TILES, True, [], True])
        self.took.setdefault(what, []).append(took)
        return list(pictures)

    def changes(self, page: Page, what: str, before: list[str], act: Callable[[], None], *, large: bool) -> list[str]:
        """Does something, and waits for other pictures."""
        root, least = ("[role=dialog]", LARGE) if large else (self.tiles, TILES)
        page.evaluate("([look, ...rest]) => { window.told = eval(look)(rest); told.catch(() => 0); }",
                      [PAINTED, root, least, not large, before, False])  # fmt: skip
        act()
        took, pictures, _ = page.evaluate("told")
        self.took.setdefault(what, []).append(took)
        return list(pictures)


def round_of(side: Side, browser: Browser, *, turns: int) -> None:
    """One round: cold, warm, the next pages, and from picture to picture in the large view."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    side.goes(page, "open, cold", side.only_done)
    pictures = side.goes(page, "open, warm", side.only_done)
    for _ in range(turns):
        older = page.get_by_role("button", name="Older").last
        older.scroll_into_view_if_needed()
        page.wait_for_timeout(400)
        pictures = side.changes(page, "next page", pictures, older.click, large=False)
    large_view(side, page, turns=turns)
    context.close()


def large_view(side: Side, page: Page, *, turns: int) -> None:
    """The drawer by its keys, the dialog by its button; only tasks that have a picture."""
    opens = side.goes(page, "", side.only_done)
    if side.name == "plain":
        open_it: Callable[[], None] = page.get_by_role("button", name="Open").click
        go_on: Callable[[], None] = page.get_by_role("button", name="Next picture").click
    else:
        open_it = page.locator(f"{side.tiles} li img").first.click
        go_on = partial(page.keyboard.press, "ArrowRight")
    pictures = side.changes(page, "large view opens", opens, open_it, large=True)
    for _ in range(turns):
        page.wait_for_timeout(400)
        pictures = side.changes(page, "next picture, large", pictures, go_on, large=True)
    side.took.pop("")


def table(sides: list[Side]) -> None:
    ours, other = sides
    print(f"{'ms, median (worst)':<24}{ours.name:>18}{other.name:>18}{'ratio':>8}")
    for what, took in ours.took.items():
        against = other.took.get(what, [])
        pairs = [b / a for a, b in zip(took, against, strict=False)]
        told = [f"{statistics.median(each):.0f} ({max(each):.0f})" if each else "-" for each in (took, against)]
        print(f"{what:<24}{told[0]:>18}{told[1]:>18}{statistics.median(pairs) if pairs else float('nan'):>8.1f}")
    print(f"pictures in the window: {ours.seen} and {other.seen}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("size", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--prepare", action="store_true", help="only make what is missing")
    asked = parser.parse_args()
    state = prepare(asked.folder, asked.size)
    if asked.prepare:
        return
    with running(state) as desk, plain(state) as url, sync_playwright() as playwright:
        browser = launch(playwright)
        sides = [
            Side("gallery", f"{desk.url}/history", ".st-key-gallery", only_done="?status=done"),
            Side("plain", url, "[data-testid=stMain]"),
        ]
        for side in sides:  # once unmeasured: both have then imported what they need
            round_of(side, browser, turns=1)
            side.took.clear()
        for _ in range(asked.rounds):
            for side in random.sample(sides, 2):
                round_of(side, browser, turns=asked.turns)
        table(sides)
        browser.close()


if __name__ == "__main__":
    main()
