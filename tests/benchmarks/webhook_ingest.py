"""Committed webhooks per second: ours, a textbook route, and the machine's own limit. Run it by hand; it prints tables.

Every round runs each candidate once, in shuffled order, on a fresh copy of the same database and in a process of its
own; ratios are taken inside the round. Both servers do the same work: find the call, compare its token, keep the
delivery, make the call due. Ours is the whole application without the workers, which would look up every hint. The
limit is one Python loop of single-row commits with the driver itself; the floor is a server that only says yes, which
shows how much of a core the load itself takes here. A figure counts only answers of 200, and those are compared with
the rows that are there afterwards. On a busy machine believe the CPU column: the load shares the cores.
"""

import argparse
import asyncio
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import uvloop
from fastapi import Body, FastAPI, HTTPException
from sqlalchemy import create_engine, event, insert
from sqlmodel import Session

sys.path.insert(0, str(Path(__file__).parents[1]))

from processes import free_port, wait_until

from callback_server.app import create_app
from callback_server.settings import ServerSettings
from data.db import Database
from data.ids import new_id, new_token
from data.schema import Submission, Task, WebhookDelivery, utcnow
from data.status import Outcome, TaskStatus

CALLS = 20_000
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = (1, 32)
STUFFING = "x" * 520  # a body of about 700 bytes, as kie's are
FILE = "picture-desk.sqlite"


# The servers -------------------------------------------------------------------------------------------------------


def ours(folder: Path, synchronous: str) -> FastAPI:
    """The product; only the pragma of its connections is another where NORMAL is measured."""
    app = create_app(ServerSettings(state_dir=folder, database_url=f"sqlite:///{folder / FILE}"), workers=False)
    shipped = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with shipped(app) as state:
            engine = app.state.opened.db.engine
            event.listen(engine, "connect", lambda raw, _: raw.execute(f"PRAGMA synchronous={synchronous}"))
            engine.dispose()  # what is open already was opened before we listened
            yield state

    app.router.lifespan_context = lifespan
    return app


def textbook(folder: Path, synchronous: str) -> FastAPI:
    """What one would write after reading the tutorials of FastAPI and SQLModel, with SQLite set up well."""
    engine = create_engine(f"sqlite:///{folder / FILE}", connect_args={"check_same_thread": False, "timeout": 10})

    @event.listens_for(engine, "connect")
    def pragmas(raw: Any, _: Any) -> None:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute(f"PRAGMA synchronous={synchronous}")

    app = FastAPI()

    @app.get("/healthz")
    def healthz() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/api/webhook/nano-banana/{submission_id}/{token}")
    def webhook(submission_id: str, token: str, body: dict[str, Any] = Body()) -> dict[str, bool]:  # noqa: B008
        with Session(engine) as session:
            submission = session.get(Submission, submission_id)
            if submission is None or submission.token != token:
                raise HTTPException(404)
            session.add(WebhookDelivery(digest=new_id(), submission_id=submission_id, verdict="token", body=str(body),
                                        provider_task_id=body["data"]["taskId"]))  # fmt: skip
            submission.poll_at = utcnow()
            session.add(submission)
            session.commit()
        return {"ok": True}

    return app


def floor(_folder: Path, _synchronous: str) -> Any:
    """No framework, no database."""

    async def yes(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})

    return yes


def serve(name: str, folder: Path, synchronous: str, port: int) -> None:
    app = {"ours": ours, "textbook": textbook, "floor": floor}[name](folder, synchronous)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_config=None, log_level="warning",
                server_header=False, loop="uvloop", http="httptools")  # fmt: skip


# The load ----------------------------------------------------------------------------------------------------------


class Sender(asyncio.Protocol):
    """One keep-alive connection: the next request as soon as the last is answered."""

    def __init__(self, requests: Iterator[bytes], until: float, took: list[float], refused: list[bytes]) -> None:
        self.requests, self.until, self.took, self.refused = requests, until, took, refused
        self.ended = asyncio.get_running_loop().create_future()
        self.got = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        self.sent = time.perf_counter()
        if self.sent < self.until:
            self.transport.write(next(self.requests))
        else:
            self.transport.close()
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, found, body = self.got.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        if head.startswith(b"HTTP/1.1 200"):
            self.took.append(time.perf_counter() - self.sent)
        else:
            self.refused.append(self.got)
        self.got = b""
        self.next()


def requests(calls: list[tuple[str, str]]) -> Iterator[bytes]:
    """Endless different deliveries, going round the calls."""
    for n in range(10**9):
        submission_id, token = calls[n % len(calls)]
        body = (
            f'{{"code": 200, "msg": "ok", "data": {{"taskId": "p{submission_id}", "state": "success", "n": {n}, '
            f'"resultJson": "{{\\"resultUrls\\": [\\"http://example/{STUFFING}.png\\"]}}"}}}}'
        )
        yield (
            f"POST /api/webhook/nano-banana/{submission_id}/{token} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nUser-Agent: kie\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


async def load(port: int, calls: list[tuple[str, str]], connections: int, seconds: float) -> tuple[list[float], float]:
    """Seconds that each answered request took, and how long it all lasted."""
    loop, took, refused = asyncio.get_running_loop(), [], []
    started = time.perf_counter()
    coming = requests(calls)
    senders = [
        (await loop.create_connection(lambda: Sender(coming, started + seconds, took, refused), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(sender.ended for sender in senders))
    if refused:
        print(f"  {len(refused)} refused, the first: {refused[0][:200]!r}", file=sys.stderr)
    return took, time.perf_counter() - started


# The rounds --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leg:
    """One candidate in one round."""

    per_second: float
    p50: float = 0  # ms
    p99: float = 0
    cpu: float = 0  # µs of the server for each webhook


def template(folder: Path) -> list[tuple[str, str]]:
    """A database of calls that the provider has; their ids and tokens."""
    db = Database(f"sqlite:///{folder / FILE}")
    db.migrate()
    now, tasks, calls = utcnow(), [], []
    for _ in range(CALLS):
        task = new_id()
        tasks.append({"id": task, "batch_id": task, "position": 0, "person": "ann", "source": "screen", "params": {},
                      "model": "google/nano-banana", "family": "nano-banana", "provider": "kie", "prompt": "a red kite",
                      "digest": task, "status": TaskStatus.RUNNING, "status_at": now, "created_at": now, "priority": 0,
                      "attempts": 1, "awaits_upload": False, "prepare_failures": 0, "charged_micro": 0,
                      "reserved_micro": 0, "booked_micro": 0})  # fmt: skip
        call = new_id()
        calls.append({"id": call, "task_id": task, "attempt": 1, "account": "kie", "token": new_token(),
                      "outcome": Outcome.ACCEPTED, "provider_task_id": f"p{call}", "started_at": now,
                      "lease_until": now, "fetch_attempts": 0, "outputs": [], "poll_at": now})  # fmt: skip
    with db.transaction() as session:
        session.connection().execute(insert(Task), tasks)
        session.connection().execute(insert(Submission), calls)
    db.close()
    # Pictures are ready in about the order in which they were asked for: within some hundred calls, any.
    places = sorted(range(CALLS), key=lambda n: n + random.uniform(0, 300))
    return [(calls[n]["id"], calls[n]["token"]) for n in places]


def limit(folder: Path, synchronous: str, seconds: float) -> Leg:
    """Single-row commits of 700 bytes with a unique text key, by the driver alone."""
    raw = sqlite3.connect(folder / "limit.sqlite", isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute(f"PRAGMA synchronous={synchronous}")
    raw.execute("CREATE TABLE row (id TEXT PRIMARY KEY, body TEXT)")
    keys = [new_id() for _ in range(200_000)]
    started, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < seconds:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("INSERT INTO row VALUES (?, ?)", (keys[done], "x" * 660))
        raw.execute("COMMIT")
        done += 1
    raw.close()
    return Leg(done / passed)


def leg(
    name: str, folder: Path, synchronous: str, *, connections: int, calls: list[tuple[str, str]], seconds: float
) -> Leg:
    port = free_port()
    command = [sys.executable, __file__, "--serve", name, str(folder), synchronous, str(port)]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: healthy(port), 30)
            uvloop.run(load(port, calls, connections, 0.5))
            before = cpu(process.pid)
            took, lasted = uvloop.run(load(port, calls[CALLS // 2 :], connections, seconds))
            used = cpu(process.pid) - before
        finally:
            process.terminate()
    with sqlite3.connect(folder / FILE) as raw:
        kept = raw.execute("SELECT count(*) FROM webhook_delivery").fetchone()[0]
    assert name == "floor" or kept >= len(took), f"{name}: {len(took)} answered, {kept} kept"
    cuts = statistics.quantiles(took, n=100)
    return Leg(len(took) / lasted, cuts[49] * 1e3, cuts[98] * 1e3, used / len(took) * 1e6)


def healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--only", choices=["NORMAL", "FULL"])
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        name, folder, synchronous, port = options.serve
        return serve(name, Path(folder), synchronous, int(port))
    candidates: list[tuple[str, int]] = [(name, n) for name in ("ours", "textbook", "floor") for n in CONNECTIONS]
    with tempfile.TemporaryDirectory() as home:
        calls = template(Path(home))
        for synchronous in [options.only] if options.only else ["NORMAL", "FULL"]:
            rounds = []
            for _ in range(options.rounds):
                legs = {}
                for name, connections in random.sample([*candidates, ("limit", 0)], len(candidates) + 1):
                    with tempfile.TemporaryDirectory() as fresh:
                        shutil.copy(Path(home) / FILE, fresh)
                        if name == "limit":
                            legs[name, 0] = limit(Path(fresh), synchronous, options.seconds)
                        else:
                            legs[name, connections] = leg(
                                name, Path(fresh), synchronous,
                                connections=connections, calls=calls, seconds=options.seconds,
                            )  # fmt: skip
                rounds.append(legs)
            show(synchronous, rounds)
    return None


def show(synchronous: str, rounds: list[dict[tuple[str, int], Leg]]) -> None:
    """Median (best) of each figure over the rounds."""

    def told(values: list[float], digits: int = 0, *, least: bool = False) -> str:
        best = min(values) if least else max(values)
        return f"{statistics.median(values):,.{digits}f} ({best:,.{digits}f})"

    print(f"\nsynchronous={synchronous}, {len(rounds)} rounds, median (best)")
    print(f"{'':20}{'per second':>18}{'p50 ms':>16}{'p99 ms':>18}{'CPU µs':>16}{'÷ textbook':>16}{'÷ limit':>14}")
    for key in sorted(rounds[0]):
        legs = [each[key] for each in rounds]
        name, connections = key
        line = f"{name + (f', {connections} conn.' if connections else ''):20}{told([x.per_second for x in legs]):>18}"
        if connections:
            line += f"{told([x.p50 for x in legs], 1, least=True):>16}{told([x.p99 for x in legs], 1, least=True):>18}"
            line += f"{told([x.cpu for x in legs], least=True):>16}"
            line += f"{told([x[key].per_second / x['textbook', connections].per_second for x in rounds], 1):>16}"
            line += f"{told([x[key].per_second / x['limit', 0].per_second for x in rounds], 2):>14}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
