"""Runs a small program of ours on a stranger's file, in a process without our environment, and takes what it says.

Decoding is the most dangerous thing we do: FFmpeg's decoders are large and written in C. A program that is run here
takes limits on itself first; if it dies, one file could not be read. It stays under our own user, so whoever wants more
puts the whole server into a container.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

SECONDS = 60.0
"""By the clock: then it is ended, whatever it waits for."""
READY = b"ready\n"
"""What it says first, before it touches the file: without that, what comes is no word about the file."""
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")  # of our environment, where the keys are


def answer(program: Path, argument: str, file: IO[bytes], most: int) -> bytes:
    """All that it says of this file until it ends, is ended, or has said `most` bytes. OSError: it does not start."""
    command = [sys.executable, "-I", str(program), argument]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with subprocess.Popen(  # noqa: S603 - our own interpreter and file
        command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as reader:
        clock = threading.Timer(SECONDS, reader.kill)
        clock.start()
        try:
            assert reader.stdout is not None
            return reader.stdout.read(most)
        finally:
            clock.cancel()
            reader.kill()


@contextmanager
def as_file(source: bytes | Path) -> Iterator[IO[bytes]]:
    """An open file. The program jumps about in it, which moves our place too; so here nothing is read. Or OSError."""
    with source.open("rb", buffering=0) if isinstance(source, Path) else tempfile.TemporaryFile() as file:
        if isinstance(source, bytes):
            file.write(source)
            file.flush()
        yield file
