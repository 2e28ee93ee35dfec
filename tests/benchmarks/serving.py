"""Thumbnails and originals served: ours against nginx, and against what a textbook would use, on the same files.

Run it by hand. Every round runs each candidate once in shuffled order with the same number of requests over 16 open
connections; ratios are taken inside the round and the median counts. CPU is the server's own, by the kernel's clock for
its process; the load generator shares the cores, so believe the CPU columns before the requests per second. nginx is
asked for by `--nginx <path of the program>`, or found; where it is missing its row is missing.
"""

import argparse
import asyncio
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvicorn
import uvloop
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

sys.path.insert(0, str(Path(__file__).parents[1]))

from processes import free_port, wait_until
from thumbnails import photograph

from callback_server.app import create_app
from callback_server.settings import ServerSettings
from data.artifacts import ArtifactStore
from data.db import Database
from data.images import StoredImage
from data.links import LinkSigner, signing_key
from data.schema import utcnow
from data.storage import ObjectStorage, picture_key, thumbnail_key

CONNECTIONS = 16
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on; etag on; keepalive_requests 1000000; default_type image/webp;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


Figures = tuple[float, float, float]
"""Requests per second, CPU microseconds of the server for each, MB/s of bodies."""


@dataclass(frozen=True)
class Work:
    """What is asked for: how often, and the path of each file at the product and everywhere else."""

    name: str
    requests: int
    ours: list[str]
    plain: list[str]
    status: int = 200


def settings(folder: Path) -> ServerSettings:
    return ServerSettings(state_dir=folder, database_url=f"sqlite:///{folder / 'serving.sqlite'}")


def textbook(folder: Path) -> FastAPI:
    """The two ways of the tutorials."""
    app = FastAPI()

    @app.get("/response/{path:path}")
    async def response(path: str) -> FileResponse:
        return FileResponse(folder / path)

    app.mount("/static", StaticFiles(directory=folder))
    return app


class Server:
    """A process that serves the folder; `cpu` is what it has used."""

    def __init__(self, kind: str, folder: Path, nginx: str | None) -> None:
        self.port = free_port()
        if kind == "nginx":
            (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=self.port))
            command = [str(nginx), "-e", f"{folder}/error.log", "-p", str(folder), "-c", f"{folder}/nginx.conf"]
        else:
            command = [sys.executable, __file__, "--serve", kind, str(folder), str(self.port)]
        self.process = subprocess.Popen(command)
        wait_until(self._answers, 30)

    def _answers(self) -> bool:
        try:
            uvloop.run(asked(self.port, ["/"], {}, 1, None))
        except OSError:
            return False
        return True

    @property
    def cpu(self) -> float:
        """CPU seconds so far, all threads."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Asking(asyncio.Protocol):
    """One connection that asks for the next as soon as the last answer is whole; little work, for it shares the cores.

    `requests` gives what is sent; `status` is what each answer must say, if anything.
    """

    def __init__(self, requests: Iterator[bytes], status: int | None) -> None:
        self.requests, self.status, self.total = requests, status, 0
        self.head, self.left = b"", 0  # of the answer: what of its head is there, and bytes of its body to come
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.following()

    def following(self) -> None:
        request = next(self.requests, None)
        if request is None:
            self.transport.close()
        else:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not self.left:
            self.head += data
            if b"\r\n\r\n" not in self.head:
                return
            head, data = self.head.split(b"\r\n\r\n", 1)
            self.head = b""
            if self.status is not None and int(head[9:12]) != self.status:
                self.done.set_exception(RuntimeError(head))
                self.transport.close()
                return
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            self.left = int(length[1]) if length and head[9:12] != b"304" else 0
            self.total += self.left
        self.left -= len(data)
        if not self.left:
            self.following()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def asked(port: int, paths: list[str], headers: dict[str, str], count: int, status: int | None) -> int:
    """So many requests over all connections; returns the bytes of all bodies."""
    known = {path: f"If-None-Match: {tag}\r\n" for path, tag in headers.items()}
    texts = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{known.get(path, '')}\r\n".encode() for path in paths]
    requests = (texts[number % len(texts)] for number in range(count))
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Asking(requests, status), "127.0.0.1", port))[1]
        for _ in range(min(CONNECTIONS, count))
    ]
    await asyncio.gather(*(each.done for each in made))
    return sum(each.total for each in made)


async def tags(port: int, paths: list[str]) -> dict[str, str]:
    """The ETag of each."""
    found = {}
    for path in paths:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        found[path] = head.split("etag:")[1].split("\r\n")[0].strip()
        writer.close()
    return found


def filled(folder: Path, count: int) -> list[StoredImage]:
    """Pictures as the product keeps them, with their thumbnails: PNGs of 2.4 MB or so."""
    database = Database(settings(folder).database_address)
    database.migrate()
    store = ArtifactStore(database, ObjectStorage(folder), max_reference_bytes=10**7, max_pixels=10**8)
    made = []
    for _ in range(count):
        picture = folder / "draft.png"
        photograph(1100).save(picture)
        made.append(store.store_output(picture.read_bytes()))
    database.close()
    return made


def works(folder: Path, made: list[StoredImage], scale: float) -> list[Work]:
    signer, now = LinkSigner(signing_key(settings(folder))), utcnow()
    small = [signer.path(each.sha256, "320", now=now) for each in made]
    large = [signer.path(each.sha256, "original", now=now, mime=each.mime) for each in made]
    thumbnails = [thumbnail_key(each.sha256, 320) for each in made]
    originals = [picture_key(each.sha256) for each in made]
    return [
        Work("thumbnail", int(6000 * scale), small, thumbnails),
        Work("304", int(6000 * scale), small, thumbnails, 304),
        Work("original", int(300 * scale), large, originals),
    ]


def compared(folder: Path, options: argparse.Namespace) -> None:
    rounds, nginx = options.rounds, options.nginx
    todo = [
        each
        for each in works(folder, filled(folder, options.pictures), options.scale)
        if each.name in (options.only or each.name)
    ]
    servers = {kind: Server(kind, folder, nginx) for kind in ("ours", "textbook", *(["nginx"] if nginx else []))}
    candidates = {
        "ours": ("ours", ""),
        "FileResponse": ("textbook", "/response"),
        "StaticFiles": ("textbook", "/static"),
    }
    candidates |= {"nginx": ("nginx", "")} if nginx else {}
    try:
        for work in todo:
            found: dict[str, list[Figures]] = {name: [] for name in candidates}
            for number in range(rounds + 1):
                for name, (kind, prefix) in random.sample(list(candidates.items()), len(candidates)):
                    if work.status == 304 and name == "FileResponse":
                        continue  # it never says so
                    server = servers[kind]
                    paths = work.ours if kind == "ours" else [f"{prefix}/{path}" for path in work.plain]
                    known = asyncio.run(tags(server.port, paths)) if work.status == 304 else {}
                    cpu, start = server.cpu, time.perf_counter()
                    total = uvloop.run(asked(server.port, paths, known, work.requests, work.status))
                    seconds, spent = time.perf_counter() - start, server.cpu - cpu
                    if number:  # the first round warms up
                        found[name].append(
                            (work.requests / seconds, spent / work.requests * 1e6, total / seconds / 1e6)
                        )
            told(work, found)
    finally:
        for server in servers.values():
            server.stop()


def told(work: Work, found: dict[str, list[Figures]]) -> None:
    print(f"\n{work.name:<14}{'req/s':>9}{'CPU µs':>9}{'MB/s':>8}   ours ÷ it: pace, CPU")
    for name, runs in found.items():
        if runs:
            rate, cpu, pace = (statistics.median(column) for column in zip(*runs, strict=True))
            pairs = list(zip(found["ours"], runs, strict=True))
            ratios = [statistics.median(our[at] / its[at] for our, its in pairs) for at in (0, 1)]
            print(f"{name:<14}{rate:>9.0f}{cpu:>9.0f}{pace:>8.0f}   {ratios[0]:.2f}, {ratios[1]:.2f}")


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        _, _, kind, folder, port = sys.argv
        app = create_app(settings(Path(folder)), workers=False) if kind == "ours" else textbook(Path(folder))
        # As `callback_server/__main__.py` does it.
        uvicorn.run(
            app, port=int(port), log_config=None, access_log=False, server_header=False, proxy_headers=kind != "ours"
        )
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of requests")
    parser.add_argument("--nginx", default=shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"))
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--only", choices=["thumbnail", "304", "original"], nargs="*")
    asked_for = parser.parse_args()
    if not asked_for.nginx:
        print("nginx is not installed here: its row is missing.")
    with tempfile.TemporaryDirectory() as folder:
        compared(Path(folder), asked_for)


if __name__ == "__main__":
    main()
