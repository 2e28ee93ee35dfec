"""Our programs as processes, without their imports at every start: those are most of what a short-lived one computes.

They are forked from a process that has imported what they need and does nothing else (the standard library's
forkserver). From the fork on each is what `python -m …` would be: its own environment, arguments, output, signals and
end. That a person's command starts the very same is held by the tests of whole desks, which start as a person does.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["nursery", "callback_server.__main__", "callback_server.sandbox.__main__"])


class Child:
    """`python -m module *arguments`, writing to `log`; asked and ended like a `subprocess.Popen`."""

    def __init__(self, module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self._process = _fork.Process(target=_be, args=(module, [*arguments], dict(env), str(log)), daemon=True)
        main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")  # or it would import ours too
        try:
            self._process.start()
        finally:
            sys.modules["__main__"] = main
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit code (minus the signal that ended it), None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """The exit code, once there is one; subprocess.TimeoutExpired after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            self._process.join(max(0.0, deadline - time.monotonic()))
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self._process), timeout)
        return code

    def send_signal(self, how: int) -> None:
        """Nothing happens to one that has ended: its id may be somebody else's by now."""
        if self.poll() is None:
            os.kill(self.pid, how)

    def terminate(self) -> None:
        """Asks it to end."""
        self._process.terminate()


def _be(module: str, arguments: list[str], env: dict[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
