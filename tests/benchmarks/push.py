"""Commit to pixels: how soon an open page shows what somebody else committed, told by the socket against the timer.

Run it by hand. Two pages of one desk watch the same tasks; the second page's socket to the callback server is cut, so
that its timer alone keeps it true, as it would behind a proxy that forwards no sockets. Each round commits one task
from outside and reads, in each page, the moment of the first frame with its card. Before that, nothing runs, and the
CPU time of each process over some seconds shows what an idle page costs.
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
from data.requests import validate
from data.tasks import TaskStore

SEEN = """() => {
  window.seen = {};
  const look = () => {
    const root = document.querySelector(".st-key-now [data-testid=stBidiComponentIsolated]")?.shadowRoot;
    for (const card of root?.querySelectorAll("li.card") ?? []) seen[card.dataset.key] ??= Date.now();
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


def latencies(desk: Desk, pages: dict[str, Page], rounds: int) -> dict[str, list[float]]:
    """Milliseconds from commit to the first frame, for each page."""
    tasks, found = TaskStore(Database(desk.database_url)), {name: list[float]() for name in pages}
    request = validate(catalog().require("google/nano-banana"), "from outside [[fault:slow=600]]", {}, [])
    tasks.create([request], person="local")  # so that the timer runs, from the next drawing on
    for page in pages.values():
        Person(page, desk).opens()
        page.evaluate(SEEN)
    for _ in range(rounds):
        (task,) = tasks.create([request], person="local")
        committed = time.time() * 1000
        for name, page in pages.items():
            page.wait_for_function("id => seen[id]", arg=task.id)
            found[name].append(page.evaluate("id => seen[id]", task.id) - committed)
        time.sleep(random.uniform(0.5, 1.5))  # anywhere between two ticks of the timer
        tasks.cancel(task.id, who="local")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--idle-seconds", type=float, default=20)
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
        found = latencies(desk, pages, asked.rounds)
        print(f"{'told by':<10}{'p50 ms':>8}{'p95 ms':>8}")
        for name, values in found.items():
            print(f"{name:<10}{statistics.median(values):>8.0f}{statistics.quantiles(values, n=20)[-1]:>8.0f}")
        ratios = [timer / socket for socket, timer in zip(found["socket"], found["timer"], strict=True)]
        print(f"timer ÷ socket, median of the rounds: {statistics.median(ratios):.1f}")
        browser.close()


if __name__ == "__main__":
    main()
