"""Linux tells when a file of a folder is written to, so that waiting for it costs nothing. It knows no database."""

import ctypes
import os
import sys
import weakref
from pathlib import Path

_IN_MODIFY = 0x2  # linux/inotify.h
_BYTES = 65536  # more than one read ever brings


class Alarm:
    """Rings when a file in this folder is written to, by whichever process: its descriptor can then be read."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where the system has no such thing, or no more of it."""
        if sys.platform != "linux":
            raise OSError("only Linux tells")
        libc = ctypes.CDLL(None, use_errno=True)
        self.fileno: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fileno < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self.close = weakref.finalize(self, os.close, self.fileno)
        if libc.inotify_add_watch(self.fileno, os.fsencode(folder), _IN_MODIFY) < 0:
            self.close()
            raise OSError(ctypes.get_errno(), "inotify")

    def silence(self) -> bool:
        """Until the next write; whether it had rung."""
        rang = False
        try:
            while os.read(self.fileno, _BYTES):
                rang = True
        except BlockingIOError:
            return rang
        return rang
