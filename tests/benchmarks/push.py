"""Commit to pixels: how soon an open page shows what somebody else committed, told by the socket against the timer.

Run it by hand. Two pages of one desk watch the same tasks; the second page's socket to the callback server is cut, so
that its timer alone keeps it true, as it would behind a proxy that forwards no sockets. Each round asks for a picture
from outside and reads, in each page, the moment of the first frame with its card, and that of the first frame with
the picture, decoded. Two pages of History then watch how many new ones wait behind their button. Before that, nothing
runs, and the CPU time of each process over some seconds shows what an idle page costs.
"""

import argparse
import os
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import launch
from person import Person
from playwright.sync_api import Page, sync_playwright
from processes import Desk

from data.catalog import catalog
from data.db import Database
from data.history import History
from data.requests import validate
from data.tasks import TaskStore

SEEN = """() => {
  window.seen = {};
  const look = () => {
    const root = document.querySelector(".st-key-now [data-testid=stBidiComponentIsolated]")?.shadowRoot;
    for (const card of root?.querySelectorAll("li.card") ?? []) {
      const { key } = card.dataset, image = card.querySelector("img");
      seen[key] ??= Date.now();
      if (image?.complete && image.naturalWidth) seen[`${key} picture`] ??= Date.now();
    }
    requestAnimationFrame(look);
  };
  look();
}"""

NEW = """() => {
  window.seen = {};
  const look = () => {
    const root = document.querySelector(".st-key-gallery [data-testid=stBidiComponentIsolated]")?.shadowRoot;
    const said = /^(\\d+) new/.exec(root?.querySelector("[data-act=show_new]")?.textContent ?? "");
    if (said) seen[said[1]] ??= Date.now();
    requestAnimationFrame(look);
  };
  look();
}"""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(desk: Desk, seconds: float) -> dict[str, float]:
    """Share of a core, in percent, of each process of the desk while nothing runs."""
    before = {name: cpu_seconds(pid) for name, pid in desk.pids.items()}
    time.sleep(seconds)
    return {name: (cpu_seconds(pid) - before[name]) / seconds * 100 for name, pid in desk.pids.items()}


def latencies(desk: Desk, pages: dict[str, Page], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Milliseconds from commit to the first frame, for the card and for its picture, on each page."""
    database = Database(desk.database_url)
    tasks, history = TaskStore(database), History(database)
    found: dict[tuple[str, str], list[float]] = {(what, name): [] for what in ("card", "picture") for name in pages}
    model = catalog().require("google/nano-banana")
    tasks.create([validate(model, "slow [[fault:slow=900]]", {}, [])], person="local")  # so that the timer runs
    for page in pages.values():
        Person(page, desk).opens()
        page.evaluate(SEEN)
    for _ in range(rounds):
        (task,) = tasks.create([validate(model, "from outside", {}, [])], person="local")
        committed = {"card": time.time() * 1000}
        for what, sign in (("card", ""), ("picture", " picture")):
            for page in pages.values():
                page.wait_for_function("key => seen[key]", arg=task.id + sign)
            if what == "card":
                continue
            committed["picture"] = history.detail(task.id).events[-1].at.timestamp() * 1000
        for (what, name), waits in found.items():
            sign = " picture" if what == "picture" else ""
            waits.append(pages[name].evaluate("key => seen[key]", task.id + sign) - committed[what])
        time.sleep(random.uniform(0.3, 1.0))  # anywhere between two ticks of the timer
    database.close()
    return found


def announced(desk: Desk, pages: dict[str, Page], rounds: int) -> dict[str, list[float]]:
    """Milliseconds from commit to the first frame that counts it, on each page of History."""
    database = Database(desk.database_url)
    tasks, found = TaskStore(database), {name: list[float]() for name in pages}
    for page in pages.values():
        Person(page, desk).opens("/history")
        page.evaluate(NEW)
    for number in range(1, rounds + 1):
        tasks.create([validate(catalog().require("google/nano-banana"), "new", {}, [])], person="local")
        committed = time.time() * 1000
        for name, page in pages.items():
            page.wait_for_function("number => seen[number]", arg=number)
            found[name].append(page.evaluate("number => seen[number]", number) - committed)
        time.sleep(random.uniform(0.3, 1.0))
    database.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--idle-seconds", type=float, default=15)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Desk(Path(folder)) as desk, sync_playwright() as playwright:
        browser = launch(playwright)
        pages = {"socket": browser.new_page(), "timer": browser.new_page()}
        pages["timer"].route_web_socket(re.compile("/live"), lambda line: line.close())
        for page in pages.values():
            Person(page, desk).opens()
        time.sleep(3)
        print("idle, two pages open, % of a core:",
              ", ".join(f"{name} {share:.1f}" for name, share in idle(desk, asked.idle_seconds).items()))  # fmt: skip
        before = {name: cpu_seconds(pid) for name, pid in desk.pids.items()}
        found = latencies(desk, pages, asked.rounds)
        each = {name: (cpu_seconds(pid) - before[name]) / asked.rounds * 1e3 for name, pid in desk.pids.items()}
        print("CPU ms for each picture, on two pages:", ", ".join(f"{name} {ms:.0f}" for name, ms in each.items()))
        print(f"{'':<10}{'told by':<10}{'p50 ms':>8}{'p95 ms':>8}")
        found |= {("“n new”", name): waits for name, waits in announced(desk, pages, asked.rounds).items()}
        for (what, name), values in found.items():
            p95 = statistics.quantiles(values, n=20)[-1]
            print(f"{what:<10}{name:<10}{statistics.median(values):>8.0f}{p95:>8.0f}")
        for what in ("card", "picture", "“n new”"):
            both = zip(found[what, "socket"], found[what, "timer"], strict=True)
            print(f"{what}: timer ÷ socket, median of the rounds: {statistics.median(b / a for a, b in both):.1f}")
        browser.close()


if __name__ == "__main__":
    main()
