"""A ZIP file of 1,000 originals (2 GB): what it adds to the server's memory, and its pace against a bare route.

Run it by hand. The server is the product without its workers, as a process; the bare route hands out the same files one
after the other as an endless body, as `cat` would. Both are read by one client that throws everything away. Memory is
the server's peak resident set while an archive runs, less what it was just before; the page cache is warm for both.
"""

import argparse
import hashlib
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

sys.path.insert(0, str(Path(__file__).parents[1]))

from processes import free_port, wait_until

from callback_server.app import create_app
from callback_server.settings import ServerSettings
from data.db import Database
from data.ids import new_id
from data.links import LinkSigner, signing_key
from data.schema import Artifact, Task, utcnow
from data.status import TaskStatus
from data.storage import ObjectStorage, picture_key

PIECE = 1 << 20


def settings(folder: Path) -> ServerSettings:
    return ServerSettings(state_dir=folder, database_url=f"sqlite:///{folder / 'zip.sqlite'}")


def filled(folder: Path, count: int, size: int) -> list[str]:
    """So many tasks with an original each; returns their ids."""
    database, storage, ids = Database(settings(folder).database_address), ObjectStorage(folder), []
    database.migrate()
    with database.transaction() as session:
        for number in range(count):
            data = os.urandom(size)
            sha256, task_id = hashlib.sha256(data).hexdigest(), new_id()
            storage.put(picture_key(sha256), data, durable=False)
            session.add(Task(id=task_id, batch_id="b", person="ann", model="google/nano-banana", provider="kie",
                             family="nano-banana", prompt=f"picture {number}", digest="d",
                             status=TaskStatus.SUCCEEDED))  # fmt: skip
            session.flush()
            session.add(Artifact(task_id=task_id, role="output", position=0, sha256=sha256, mime="image/png",
                                 width=1024, height=1024, size=size))  # fmt: skip
            ids.append(task_id)
    database.close()
    return ids


def bare(folder: Path) -> FastAPI:
    """Nothing but the files."""
    app = FastAPI()

    def cat() -> Iterator[bytes]:
        for path in sorted((folder / "pictures").rglob("*")):
            if path.is_file():
                with path.open("rb", buffering=0) as file:
                    while piece := file.read(PIECE):
                        yield piece

    @app.get("/healthz")
    def healthz() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/cat")
    def everything() -> StreamingResponse:
        return StreamingResponse(cat())

    return app


class Server:
    """`ours` or `bare` as a process."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.port = free_port()
        self.process = subprocess.Popen([sys.executable, __file__, "--serve", kind, str(folder), str(self.port)])
        wait_until(self._answers, 30)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def memory(self) -> int:
        """Bytes resident now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def cpu(self) -> float:
        """CPU seconds so far, all threads."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def swallowed(port: int, request: bytes) -> int:
    """Sends the request and reads to the end of the connection; returns the bytes of the answer."""
    total, buffer = 0, bytearray(PIECE)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(request)
        while got := client.recv_into(buffer):
            total += got
    return total


def run(server: Server, request: bytes) -> tuple[float, float, int, int]:
    """Seconds, CPU seconds of the server, bytes, and how far its memory rose."""
    before, cpu, start, peak, done = server.memory, server.cpu, time.perf_counter(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], server.memory)

    watcher = threading.Thread(target=watch)
    watcher.start()
    total = swallowed(server.port, request)
    done.set()
    watcher.join()
    return time.perf_counter() - start, server.cpu - cpu, total, peak[0] - before


def compared(folder: Path, ids: list[str], rounds: int) -> None:
    form = LinkSigner(signing_key(settings(folder))).archive_form(ids, "ann", now=utcnow())
    body = urlencode(form).encode()
    post = (
        b"POST /files/archive HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    asked = {"zip": ("ours", post), "cat": ("bare", b"GET /cat HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")}
    servers = {name: Server(kind, folder) for name, (kind, _) in asked.items()}
    found: dict[str, list[tuple[float, float, int, int]]] = {name: [] for name in asked}
    try:
        for _ in range(rounds):
            for name in random.sample(list(asked), len(asked)):
                found[name].append(run(servers[name], asked[name][1]))
    finally:
        for server in servers.values():
            server.stop()
    print(f"{'':<6}{'GB':>6}{'MB/s':>8}{'CPU s':>8}{'memory +MB, first / worst of the later':>42}")
    for name, runs in found.items():
        pace = statistics.median(total / seconds / 1e6 for seconds, _, total, _ in runs)
        cpu = statistics.median(spent for _, spent, _, _ in runs)
        later = max((rise for *_, rise in runs[1:]), default=0) / 1e6
        print(f"{name:<6}{runs[0][2] / 1e9:>6.2f}{pace:>8.0f}{cpu:>8.2f}{f'{runs[0][3] / 1e6:.1f} / {later:.1f}':>42}")
    pairs = list(zip(found["zip"], found["cat"], strict=True))
    pace = statistics.median((z[2] / z[0]) / (c[2] / c[0]) for z, c in pairs)
    cpu = statistics.median(z[1] / c[1] for z, c in pairs)
    print(f"zip ÷ cat, median of the rounds: pace {pace:.2f}, CPU {cpu:.2f}")


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        _, _, kind, folder, port = sys.argv
        app = create_app(settings(Path(folder)), workers=False) if kind == "ours" else bare(Path(folder))
        uvicorn.run(app, port=int(port), log_config=None, access_log=False)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--size", type=int, default=2_100_000, help="bytes of each original")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compared(Path(folder), filled(Path(folder), asked.count, asked.size), asked.rounds)


if __name__ == "__main__":
    main()
