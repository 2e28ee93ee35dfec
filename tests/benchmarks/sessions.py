"""How many open pages one desk bears: CPU of an open page, and commit to drawing while tasks run. By hand.

Clients that speak Streamlit's protocol stand in for browsers, so that the server is measured and not the drawing of
sixty pages on one machine. "socket" does what `news.js` does: it is told, and has the part drawn. "timer" is the same
page with `run_every=1` and no news, which is what Streamlit offers by itself: in the browser that is a timer which asks
for the part. Both are measured in one run, in turns; only their ratios say anything. A part that comes after LATEST is
late: the machine is full. One that has not come when all has been quiet for a while is lost, and of those there must be
none; neither may a page then show another state of a task than the database holds ("untrue"), nor a connection of
Streamlit's end. Like a browser, and unlike the library's own habit, a client asks for
no sign of life: a server that is busy for twenty seconds would be left, and what it had to say counted as lost.
"""

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from processes import Desk
from push import cpu_seconds
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState, ContextInfo
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from data.catalog import catalog
from data.db import Database
from data.requests import GenerationRequest, validate
from data.tasks import TaskStore

PAUSE = 1.5  # s, as in `news.js`
LOST, LONGEST_LOST = 3.0, 30.0  # s, as there: after so long a drawing that was asked for is asked for again
LATEST = 10.0  # s that a drawing is waited for
AT_LAST = 120.0  # s after everything in which what is late may still come
OPENING = 60.0  # s in which a page opens, or the machine is too full for so many


@dataclass
class Part:
    """What listens in one part of a page."""

    fragment: str
    news: str  # the component's id
    url: str
    leisurely: bool
    drawn: float  # the revision that it shows
    took: float = 0.0  # s that its last drawing took
    tries: int = 0
    since: float | None = None  # when it was asked for first

    @property
    def patience(self) -> float:
        """What a drawing that was asked for is given before it counts as lost."""
        return max(LOST, min(2 * self.took, LONGEST_LOST)) * self.tries


@dataclass
class Tab:
    """One open page."""

    url: str
    timed: bool
    parts: dict[str, Part] = field(default_factory=dict)
    page: str = ""
    told: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    drawn: dict[str, float] = field(default_factory=dict)  # task → when its card came
    shown: dict[str, str] = field(default_factory=dict)  # task → its state, as the page shows it now
    outstanding: dict[str, asyncio.TimerHandle] = field(default_factory=dict)  # part → when it is asked for again
    missed: set[str] = field(default_factory=set)
    ended: bool = False  # by the server, or because we were slow to answer it
    running: list["asyncio.Task[None]"] = field(default_factory=list)

    async def open(self) -> None:
        """As a browser does: the whole page first."""
        address = self.url.replace("http", "ws") + "/_stcore/stream"
        self.stream: ClientConnection = await connect(address, max_size=None, ping_interval=None)
        self.running.append(asyncio.create_task(self.read()))
        await self.ask(None)
        await asyncio.wait_for(self.opened.wait(), OPENING)
        keeping = self.every_second() if self.timed else self.listen()
        self.running.append(asyncio.create_task(keeping))

    async def close(self) -> None:
        """Leaves."""
        for again in self.outstanding.values():
            again.cancel()
        for task in self.running:
            task.cancel()
        await asyncio.wait(self.running)
        await self.stream.close()

    async def ask(self, part: Part | None) -> None:
        """For a part, or for the whole page."""
        state = ClientState(page_script_hash=self.page, context_info=ContextInfo(url=self.url))
        if part is not None:
            self.told += 1
            seen = WidgetState(id=part.news, json_value=json.dumps({"news": self.told}))
            state.fragment_id = part.fragment
            state.widget_states.CopyFrom(WidgetStates(widgets=[] if self.timed else [seen]))
            state.is_auto_rerun = self.timed
        await self.stream.send(BackMsg(rerun_script=state).SerializeToString())

    async def read(self) -> None:
        """All that the server says."""
        try:
            async for said in self.stream:
                await self.hear_streamlit(said)
        finally:
            self.ended = True

    async def hear_streamlit(self, said: str | bytes) -> None:
        """One message."""
        message = ForwardMsg.FromString(said)  # type: ignore[arg-type]
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.page = message.new_session.page_script_hash
        elif kind == "script_finished":
            self.opened.set()
        elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "bidi_component":
            await self.draw(message.delta)

    async def draw(self, delta: Delta) -> None:
        """Notes what concerns us of one component."""
        component = delta.new_element.bidi_component
        if component.component_name.endswith("picture_desk_cards"):
            now, said = time.time(), json.loads(component.json or component.mixed.json)
            self.shown = {card["id"]: card.get("state", "") for card in said["cards"]}
            for task in [task for task in WAITED if task not in self.drawn and task in self.shown]:
                self.drawn[task] = now
        elif component.component_name.endswith("picture_desk_news"):
            data = json.loads(component.json or component.mixed.json)
            name = component.id
            seen = data["revision"]
            part = Part(delta.fragment_id, component.id, data["url"], bool(data.get("leisurely")),
                        float("inf") if seen is None else seen)  # fmt: skip
            if (before := self.parts.get(name)) is not None:
                part.took = before.took if before.since is None else time.monotonic() - before.since
            self.parts[name] = part
            if name in self.outstanding:
                self.outstanding.pop(name).cancel()
            if name in self.missed:
                await self.draw_anew(name)

    async def draw_anew(self, name: str) -> None:
        """One drawing of a part at a time."""
        if name in self.outstanding:
            self.missed.add(name)
            return
        self.missed.discard(name)
        part = self.parts[name]
        part.since, part.tries = part.since or time.monotonic(), part.tries + 1
        self.outstanding[name] = asyncio.get_running_loop().call_later(part.patience, self.ask_again, name)
        await self.ask(part)

    def ask_again(self, name: str) -> None:
        """What was asked for has not come."""
        del self.outstanding[name]
        self.running.append(asyncio.create_task(self.draw_anew(name)))

    async def listen(self) -> None:
        """To the server's news, again and again; a leisurely part waits for a pause."""
        while True:
            with suppress(OSError, WebSocketException):  # busy: a browser tries again too
                async with connect(next(iter(self.parts.values())).url, ping_interval=None) as line:
                    await self.hear(line)
            await asyncio.sleep(0.5)

    async def hear(self, line: ClientConnection) -> None:
        """Each word of the news."""
        later: asyncio.Task[None] | None = None
        async for said in line:
            news = json.loads(said)
            told = [name for name, part in self.parts.items() if news["moved"] or news["revision"] > part.drawn]
            for name in [name for name in told if not self.parts[name].leisurely]:
                await self.draw_anew(name)
            if not told:
                continue
            if later is not None:
                later.cancel()
                self.running.remove(later)
            later = asyncio.create_task(self.at_leisure())
            self.running.append(later)

    async def at_leisure(self) -> None:
        await asyncio.sleep(PAUSE)
        for name in [name for name, part in self.parts.items() if part.leisurely]:
            await self.draw_anew(name)

    async def every_second(self) -> None:
        """What `run_every=1` does in the browser."""
        await asyncio.sleep(random.random())
        while True:
            for part in [part for part in self.parts.values() if not part.leisurely]:
                await self.ask(part)
            await asyncio.sleep(1)


WAITED: list[str] = []
"""The tasks whose cards are waited for in this measurement."""


@dataclass
class Measured:
    """Of so many tabs kept true in one way. CPU of dashboard and callback server together."""

    idle: float  # % of a core for each tab, while tasks run and nothing moves
    event: float  # CPU ms for each tab and commit
    waits: list[float]  # ms from commit to the part's arrival, of every tab and commit
    late: int  # parts that came after LATEST
    lost: int  # and that never came
    untrue: int  # pages that show another state at last than the database holds
    ended: int  # pages that lost their connection to Streamlit


def is_true(tab: Tab) -> bool:
    """Whether it shows what was asked for and cancelled as cancelled."""
    return all(tab.shown.get(task) == "cancelled" for task in WAITED)


@contextmanager
def spent(desk: Desk) -> Iterator[list[float]]:
    """CPU seconds of dashboard and callback server inside the `with`."""
    pids = [desk.pids[name] for name in ("dashboard", "callback_server")]
    found: list[float] = []
    before = [cpu_seconds(pid) for pid in pids]
    yield found
    found.append(sum(map(cpu_seconds, pids)) - sum(before))


async def measure(desk: Desk, tasks: TaskStore, request: GenerationRequest, *, many: int, timed: bool,
                  seconds: float, commits: int) -> Measured:  # fmt: skip
    """Opens so many tabs, lets them be, then commits. TimeoutError where one does not open."""
    tabs = [Tab(desk.url, timed) for _ in range(many)]
    try:
        return await watched(desk, tasks, request, tabs, seconds=seconds, commits=commits)
    finally:
        await asyncio.gather(*(tab.close() for tab in tabs if tab.running))


async def watched(desk: Desk, tasks: TaskStore, request: GenerationRequest, tabs: list[Tab], *,
                  seconds: float, commits: int) -> Measured:  # fmt: skip
    many = len(tabs)
    for some in itertools.batched(tabs, 5) if sys.version_info >= (3, 12) else zip(*[iter(tabs)] * 5, strict=True):
        await asyncio.gather(*(tab.open() for tab in some))
    await asyncio.sleep(3)
    with spent(desk) as resting:
        await asyncio.sleep(seconds)
    began_at = {}
    with spent(desk) as moving:
        began = time.monotonic()
        for _ in range(commits):
            (task,) = await asyncio.to_thread(tasks.create, [request], person="local")
            began_at[task.id] = time.time()
            WAITED[:] = began_at
            with suppress(TimeoutError):
                async with asyncio.timeout(LATEST):
                    while not all(task.id in tab.drawn for tab in tabs):
                        await asyncio.sleep(0.02)
            await asyncio.sleep(random.uniform(0.3, 1.0))
            await asyncio.to_thread(tasks.cancel, task.id, who="local")
            await asyncio.sleep(random.uniform(0.3, 1.0))
        lasted = time.monotonic() - began
    with suppress(TimeoutError):
        async with asyncio.timeout(AT_LAST):
            while not all(task in tab.drawn and is_true(tab) for tab in tabs for task in began_at):
                await asyncio.sleep(0.1)
    waits = [tab.drawn[task] - at for task, at in began_at.items() for tab in tabs if task in tab.drawn]
    lost, ended = commits * many - len(waits), sum(tab.ended for tab in tabs)
    untrue = sum(not is_true(tab) for tab in tabs)
    at_rest = resting[0] / seconds
    event = (moving[0] - at_rest * lasted) / (2 * commits * many)  # a cancel moves it too
    late = sum(wait > LATEST for wait in waits)
    return Measured(at_rest / many * 100, event * 1e3, [wait * 1e3 for wait in waits], late, lost, untrue, ended)


def told(name: str, many: int, one: Measured) -> str:
    """One row."""
    p95 = statistics.quantiles(one.waits, n=20)[-1] if len(one.waits) > 1 else float("nan")
    median = statistics.median(one.waits) if one.waits else float("nan")
    row = f"{many:>4} × {name:<8}{one.idle:>14.2f}{one.event:>14.1f}{median:>10.0f}{p95:>10.0f}"
    return f"{row}{one.late:>8}{one.lost:>8}{one.untrue:>8}{one.ended:>8}"


async def run(desk: Desk, asked: argparse.Namespace) -> None:
    tasks = TaskStore(Database(desk.database_url))
    request = validate(catalog().require("google/nano-banana"), "from outside [[fault:slow=900]]", {}, [])
    with spent(desk) as empty:
        await asyncio.sleep(asked.seconds)
    print(f"no page open: {empty[0] / asked.seconds * 100:.2f} % of a core, dashboard and callback server together")
    tasks.create([request] * 3, person="local")  # as many as may be at the provider: what comes later waits
    await asyncio.sleep(3)
    head = {"pages": "<15", "idle, % each": ">14", "ms CPU/event": ">14", "p50 ms": ">10", "p95 ms": ">10"}
    print(
        "".join(
            f"{name:{width}}"
            for name, width in {**head, **dict.fromkeys(("late", "lost", "untrue", "ended"), ">8")}.items()
        )
    )
    for many in asked.pages:
        found: dict[str, Measured] = {}
        for timed in (False, True):
            name = "timer" if timed else "socket"
            try:
                found[name] = await measure(desk, tasks, request, many=many, timed=timed, seconds=asked.seconds,
                                            commits=asked.commits)  # fmt: skip
            except TimeoutError:
                print(f"{many:>4} × {name:<8} a page did not open in {OPENING:.0f} s: the machine is full", flush=True)
                continue
            print(told(name, many, found[name]), flush=True)
        if len(found) < 2:
            continue
        one, other = found["timer"], found["socket"]
        print(f"{'':<15}timer ÷ socket: idle {ratio(one.idle, other.idle)},"
              f" p50 {ratio(statistics.median(one.waits), statistics.median(other.waits))}")  # fmt: skip


def ratio(one: float, other: float) -> str:
    return f"{one / other:.1f}" if other > 0 else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, nargs="+", default=[10, 30, 60])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--commits", type=int, default=8, choices=range(1, 10))  # as many cards as a page then shows
    asked: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Desk(Path(folder), {"IN_FLIGHT": "3"}) as desk:
        asyncio.run(run(desk, asked))


if __name__ == "__main__":
    main()
