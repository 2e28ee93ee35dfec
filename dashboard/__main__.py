"""The launcher, `python -m dashboard`: the callback server, the sandbox while no provider key is set, and Streamlit.

It says everything that is wrong with the settings before anything starts, holds the state folder for itself, and lets
`children.py` run the rest. It must not hold a provider key, nor hand one to Streamlit.
"""

import fcntl
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from dashboard.children import Child, address, run, trouble_with_ports
from data.settings import PROVIDER_KEY_NAMES, Settings, provider_key_is_set

ROOT = Path(__file__).resolve().parent.parent
SERVER_ONLY = frozenset({*PROVIDER_KEY_NAMES, "WEBHOOK_HMAC_KEY", "API_TOKENS"})
LOCK = "launcher.lock"


def plan(settings: Settings, environ: Mapping[str, str], *, practice: bool) -> list[Child]:
    """The programs that make up the product. A relative `STATE_DIR` is meant from where the person stands."""
    python, here, state_dir = sys.executable, Path.cwd(), settings.state_dir.resolve()
    base = with_bytecode(environ) | {"STATE_DIR": str(state_dir), "PYTHONUNBUFFERED": "1"}
    server = (python, "-m", "callback_server")
    sandbox = (
        *(python, "-m", "callback_server.sandbox", "--port", str(settings.sandbox_port)),
        *("--state-dir", str(state_dir / "sandbox")),
    )
    desk = (
        *(python, "-m", "streamlit", "run", str(ROOT / "dashboard" / "app.py")),
        *("--server.port", str(settings.dashboard_port), "--server.address", settings.listen_host),
    )
    host = settings.listen_host
    port = settings.callback_port  # with time for the last answers to paid calls, which it bounds itself
    children = [Child("callback_server", server, host, port, "CALLBACK_PORT", "/readyz", base, here, patience=130.0)]
    if practice:  # it speaks to our own server only, so it listens to this machine only
        port, open_env = settings.sandbox_port, without_secrets(base)
        children.append(Child("sandbox", sandbox, "127.0.0.1", port, "SANDBOX_PORT", "/healthz", open_env, here))
    # Streamlit finds .streamlit/config.toml only from the project's folder, where another .env may lie: it is told all
    # settings as the launcher understood them.
    told = without_secrets(base, keep=False) | as_environment(settings) | {"ENV_FILE": os.devnull}
    port = settings.dashboard_port
    children.append(Child("dashboard", desk, host, port, "DASHBOARD_PORT", "/_stcore/health", told, ROOT))
    return children


def with_bytecode(environ: Mapping[str, str]) -> dict[str, str]:
    """Without bytecode each start would cost three times the CPU."""
    return {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def without_secrets(environ: Mapping[str, str], *, keep: bool = True) -> dict[str, str]:
    """The environment less what only the callback server may know; with `keep=False` also less our own settings."""
    ours = {name.upper() for name in Settings.model_fields}

    def allowed(name: str) -> bool:
        return keep if name in ours else name not in SERVER_ONLY and not name.endswith(("_API_KEY", "_SECRET"))

    return {name: value for name, value in environ.items() if allowed(name.upper())}


def as_environment(settings: Settings) -> dict[str, str]:
    """Every setting that has a value, as environment variables that say the same from any folder."""
    values = {name.upper(): getattr(settings, name) for name in Settings.model_fields}
    database = re.sub(r"^(sqlite[^:]*:///)(?=[^/:?])", rf"\g<1>{Path.cwd()}/", settings.database_address)
    values |= {"STATE_DIR": settings.state_dir.resolve(), "DATABASE_URL": database}
    plain = {name: v.get_secret_value() if isinstance(v, SecretStr) else v for name, v in values.items()}
    return {name: str(value) for name, value in plain.items() if value not in (None, "")}


def faults_of_the_settings() -> list[str]:
    """One line for each setting that cannot be used, from a child: the launcher itself must not read a secret."""
    asked = subprocess.run(
        (sys.executable, "-m", "callback_server.check"), env=with_bytecode(os.environ), capture_output=True, text=True,
        errors="replace", check=False,
    )  # fmt: skip
    said = [line for line in asked.stdout.splitlines() if line.strip()]
    if asked.returncode and not said:  # it could not even look
        said = [f"The settings cannot be checked: {asked.stderr.strip()[-500:] or 'no reason is known'}."]
    return said


class Folder:
    """The state folder, held for this launcher alone as long as it runs; the kernel lets go of it with the process.

    Two desks over one SQLite file would be two of everything for one team: servers that take each other's work, and
    two sandboxes over one set of books. Where the database is PostgreSQL, several desks are meant to run: then the
    folder is only tried, not held.
    """

    def __init__(self, path: Path, *, alone: bool) -> None:
        self.path = path
        self.alone = alone
        self.file: IO[str] | None = None

    def take(self, where: str) -> str | None:
        """Makes and holds the folder; or a sentence about what stands in the way. `where` is told to the next."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as probe:
                probe.write(b"x")
                probe.flush()
            if self.alone:
                return self._hold((self.path / LOCK).open("a+", encoding="utf-8"), where)
        except OSError as error:
            return f"STATE_DIR cannot be used: {self.path} cannot be written ({error.strerror or error})."
        return None

    def _hold(self, file: IO[str], where: str) -> str | None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                file.seek(0)
                pid, _, there = file.read().strip().partition(" ")
            who = f" (process {pid}, {there})" if pid else ""
            return (
                f"Picture Desk runs on {self.path} already{who}. Open that one, stop it, or set STATE_DIR to another "
                "folder."
            )
        self.file = file
        file.truncate(0)
        file.write(f"{os.getpid()} {where}\n")
        file.flush()
        return None


def main() -> int:
    """Look at everything that may be wrong, say all of it in sentences, or start."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr] # an ASCII terminal is no reason to stop
    faults = faults_of_the_settings()
    try:
        settings = Settings()
    except (ValidationError, SettingsError, OSError, UnicodeError) as error:
        faults = faults or [f"The settings cannot be used: {error}"]
    else:
        practice = not provider_key_is_set()
        children = plan(settings, os.environ, practice=practice)
        folder = Folder(settings.state_dir.resolve(), alone=settings.database_address.startswith("sqlite"))
        trouble = folder.take(address(children[-1])) or trouble_with_ports(children)
        faults += [trouble] if trouble else []
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 2
    return run(children, "practice mode, nothing is charged" if practice else "kie.ai is connected")


if __name__ == "__main__":
    sys.exit(main())
