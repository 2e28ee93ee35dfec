"""From a webhook's arrival to SUCCEEDED on disk, with the files on a server beside it; and what an idle sidecar costs.

Run it by hand; it prints tables. The sidecar is a process of its own, as shipped; the provider is a stub that answers
the record and the file at once, so that only our own work is timed. Beside it stands what that work cannot do without:
decoding the picture, making its two thumbnails and storing the original durably, by the product's own functions.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import event, insert
from sqlmodel import select

sys.path.insert(0, str(Path(__file__).parents[1]))

from pictures import jpeg
from processes import free_port, wait_until

from callback_server.app import create_app
from callback_server.settings import ServerSettings
from data.artifacts import ArtifactStore
from data.db import Database
from data.ids import new_id
from data.pace import Pace
from data.requests import GenerationRequest
from data.schema import Task, utcnow
from data.status import TaskStatus
from data.storage import ObjectStorage
from data.submissions import Claim, SubmissionStore
from data.tasks import TaskStore

FREE = Pace(creates=10**6, window=timedelta(seconds=10), in_flight=10**6, per_person=10**6, doubts=10**6)
TICKS = os.sysconf("SC_CLK_TCK")


def stub(port: int, picture: bytes) -> tuple[uvicorn.Server, threading.Thread]:
    """A provider that has finished everything: recordInfo names one file, and the file is there."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path, query = scope["path"], dict(httpx.QueryParams(scope["query_string"].decode()))
        kind, body = b"image/jpeg", picture
        if path.endswith("recordInfo"):
            task_id = query["taskId"]
            kind = b"application/json"
            files = json.dumps({"resultUrls": [f"http://127.0.0.1:{port}/{task_id}.jpg"]})
            data = {"taskId": task_id, "state": "success", "creditsConsumed": 4, "resultJson": files}
            body = json.dumps({"code": 200, "msg": "success", "data": data}).encode()
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    server = uvicorn.Server(uvicorn.Config(answer, port=port, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    return server, thread


@dataclass
class Bench:
    """A state folder, the stub, and a database with calls that the provider has."""

    folder: Path
    provider_port: int
    port: int

    @property
    def env(self) -> dict[str, str]:
        stub_url = f"http://127.0.0.1:{self.provider_port}"
        return {
            **os.environ, "STATE_DIR": str(self.folder / "var"), "CALLBACK_PORT": str(self.port),
            "NANO_BANANA_API_KEY": "bench-key-of-the-stub", "NANO_BANANA_API_URL": stub_url, "KIE_UPLOAD_URL": stub_url,
            "WEBHOOK_BASE_URL": f"http://127.0.0.1:{self.port}", "POLL_SECONDS": "600",
            "DOWNLOAD_ALLOW_HOSTS": f"127.0.0.1:{self.provider_port}", "LOG_LEVEL": "WARNING",
        }  # fmt: skip

    def database(self) -> Database:
        db = Database(f"sqlite:///{self.folder / 'var' / 'picture-desk.sqlite'}")
        db.migrate()
        return db

    def running(self, count: int) -> list[Claim]:
        """So many tasks that the provider has already."""
        db = self.database()
        store, tasks, claims = SubmissionStore(db, first_look=timedelta(hours=1)), TaskStore(db), []
        request = GenerationRequest("google/nano-banana", "a red kite", {}, ())
        for _ in range(count):
            tasks.create([request], person="ann")
            claim = store.claim("kie", [("kie", "nano-banana")], FREE)
            assert claim is not None
            store.accepted(claim.submission_id, claim.submission_id.replace("-", ""))
            claims.append(claim)
        db.close()
        return claims

    def call(self, claim: Claim) -> tuple[str, dict[str, Any]]:
        """The webhook's address and body."""
        url = f"http://127.0.0.1:{self.port}/api/webhook/nano-banana/{claim.submission_id}/{claim.token}"
        return url, {"code": 200, "data": {"taskId": claim.submission_id.replace("-", ""), "state": "success"}}

    @contextmanager
    def sidecar(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen([sys.executable, "-m", "callback_server"], env=self.env)
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{self.port}/readyz"), 30)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def answers(url: str) -> bool:
    """Whether it is there."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def cpu_ms(pid: int) -> float:
    """User and system time of a process so far, in milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS * 1000


async def deliver(bench: Bench, claims: list[Claim], at_once: int) -> list[float]:
    """Milliseconds from each webhook's sending to its task's SUCCEEDED, `at_once` under way together."""
    db, took, gate = bench.database(), [], asyncio.Semaphore(at_once)

    def ended(task_id: str) -> bool:
        with db.read() as session:
            return session.exec(select(Task.status).where(Task.id == task_id)).one() == TaskStatus.SUCCEEDED

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=64), timeout=60) as client:

        async def one(claim: Claim) -> None:
            async with gate:
                url, body = bench.call(claim)
                start = time.perf_counter()
                (await client.post(url, json=body)).raise_for_status()
                while not await asyncio.to_thread(ended, claim.task.id):
                    await asyncio.sleep(0.004 if at_once == 1 else 0.05)
                took.append((time.perf_counter() - start) * 1e3)

        await asyncio.gather(*(one(claim) for claim in claims))
    db.close()
    return took


def commits_per_task(bench: Bench, count: int) -> float:
    """Committed writing transactions for one task, counted inside a server of this very process."""
    claims = bench.running(count)
    names = {name.lower(): value for name, value in bench.env.items() if name not in os.environ}
    app, commits = create_app(ServerSettings(**names)), 0  # type: ignore[arg-type]
    server = uvicorn.Server(uvicorn.Config(app, port=bench.port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    engine = app.state.opened.db.engine

    def begun(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal commits
        commits += statement.startswith("BEGIN IMMEDIATE")

    time.sleep(2)
    event.listen(engine, "before_cursor_execute", begun)
    start = time.perf_counter()
    asyncio.run(deliver(bench, claims, 1))
    beats = (time.perf_counter() - start) / 5  # the heartbeat is not the tasks'
    event.remove(engine, "before_cursor_execute", begun)
    server.should_exit = True
    thread.join(20)
    return (commits - beats) / count


def floor_ms(folder: Path, picture: bytes) -> float:
    """CPU milliseconds for what the work cannot do without: decode, two thumbnails, a durable original."""
    db = Database(f"sqlite:///{folder / 'floor.sqlite'}")
    store = ArtifactStore(db, ObjectStorage(folder / "floor"), max_reference_bytes=10**7, max_pixels=10**8)
    took = []
    for number in range(12):
        start = time.process_time()
        store.store_output(picture + bytes([number]))  # another file each time: a known one is not stored again
        took.append((time.process_time() - start) * 1e3)
    db.close()
    return statistics.median(took[2:])


def idle(bench: Bench, finished: int, seconds: float) -> float:
    """Percent of a core that a sidecar uses with so many finished tasks and nothing to do."""
    db, now = bench.database(), utcnow()
    with db.transaction() as session:
        connection = session.connection()
        for start in range(0, finished, 5_000):
            rows = [
                {"id": new_id(), "batch_id": "b", "position": 0, "person": f"person {n % 200}", "source": "screen",
                 "model": "google/nano-banana", "family": "nano-banana", "provider": "kie", "prompt": "a red kite",
                 "params": {}, "digest": "d", "status": TaskStatus.SUCCEEDED, "status_at": now, "created_at": now,
                 "finished_at": now, "priority": 0, "attempts": 1, "awaits_upload": False, "prepare_failures": 0,
                 "charged_micro": 4_000_000, "reserved_micro": 0, "booked_micro": 4_000_000}
                for n in range(start, min(finished, start + 5_000))
            ]  # fmt: skip
            connection.execute(insert(Task), rows)
    db.close()
    with bench.sidecar() as process:
        time.sleep(8)  # its first round of checks is over
        before, begin = cpu_ms(process.pid), time.perf_counter()
        time.sleep(seconds)
        return (cpu_ms(process.pid) - before) / 10 / (time.perf_counter() - begin)


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finished", type=int, default=100_000)
    parser.add_argument("--idle-seconds", type=float, default=30)
    asked = parser.parse_args()
    picture = jpeg(1024, 1024, quality=90)
    with tempfile.TemporaryDirectory() as folder:
        provider = free_port()
        server, thread = stub(provider, picture)
        root = Path(folder)
        need = floor_ms(root, picture)
        print(
            f"{'at once':>8} {'tasks':>6} {'p50 ms':>8} {'p95 ms':>8} {'done/s':>7} {'CPU ms/task':>12} {'÷ floor':>8}"
        )
        for at_once, count in ((1, 40), (100, 200)):
            bench = Bench(root / f"b{at_once}", provider, free_port())
            claims = bench.running(count)
            with bench.sidecar() as process:
                time.sleep(3)
                before, begin = cpu_ms(process.pid), time.perf_counter()
                took = sorted(asyncio.run(deliver(bench, claims, at_once)))
                spent, wall = (cpu_ms(process.pid) - before) / count, time.perf_counter() - begin
            print(f"{at_once:>8} {count:>6} {took[len(took) // 2]:>8.0f} {took[len(took) * 95 // 100]:>8.0f} "
                  f"{count / wall:>7.1f} {spent:>12.1f} {spent / need:>8.2f}")  # fmt: skip
        print(f"floor: {need:.1f} ms CPU for decoding, thumbnails and the durable original")
        print(f"commits per task: {commits_per_task(Bench(root / 'c', provider, free_port()), 20):.1f}")
        used = idle(Bench(root / "i", provider, free_port()), asked.finished, asked.idle_seconds)
        print(f"idle with {asked.finished:,} finished tasks: {used:.2f} % of a core")
        server.should_exit = True
        thread.join(10)


if __name__ == "__main__":
    main()
