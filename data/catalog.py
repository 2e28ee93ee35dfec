"""Which models exist, what each takes and what it costs: the catalogue in force, as everybody asks for it.

It is hot: a changed file is in force within a second, without a restart; one that cannot be used leaves what was. The
shapes of an entry are in `data/model_spec.py`, the reading of files in `data/catalog_file.py`; requests are held
against it in `data/requests.py`.
"""

import re
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from data.catalog_file import CatalogError, load_catalog
from data.model_spec import ROADS, Catalog, Choice, Family, ModelSpec, ProviderName
from data.sentences import Sentence
from data.spec_parts import ParamSpec, ParamValue, Price, ReferenceSpec, SizeTable, TokenRates

__all__ = [
    "OVERRIDE",
    "ROADS",
    "Catalog",
    "CatalogError",
    "Choice",
    "Family",
    "LiveCatalog",
    "ModelSpec",
    "ParamSpec",
    "ParamValue",
    "Price",
    "ProviderName",
    "ReferenceSpec",
    "SizeTable",
    "TokenRates",
    "catalog",
    "catalog_halt",
    "catalog_incomplete",
    "catalog_trouble",
    "follow",
    "load_catalog",
]

OVERRIDE = "catalog.toml"
"""The admin's own file in the state folder."""
LOOK_SECONDS = 1.0
_FAULTS_TOLD = 3
_GONE_LOOKS = 3
_BETWEEN = " · "
"""Between two faults: the sentence is drawn as prose, and logged, where a line break would not last."""

_Stamp = tuple[int, int, int, int] | None


@dataclass(frozen=True)
class _InForce:
    catalog: Catalog
    faults: str = ""  # of the files as they stand; of the catalogue in force there are none
    incomplete: bool = False  # without the admin's entries, though there are some

    @property
    def trouble(self) -> str:
        if self.incomplete and self.faults:
            return Sentence("Nothing is sent, because the admin's models cannot be read: {faults}", faults=self.faults)
        return (
            Sentence("A change of the catalogue is not in force: {faults}", faults=self.faults) if self.faults else ""
        )


class LiveCatalog:
    """A catalogue file, an admin's entries over it, and what is in force of the two. Any number of threads may ask.

    A change that cannot be used leaves in force what was. Only a start has nothing to keep: then our own entries count
    without the admin's, and `incomplete` says so, because a task of theirs would be taken for one of ours.
    """

    def __init__(self, shipped: Path, override: Path | None = None) -> None:
        """Reads nothing yet. `override` need not exist."""
        self._shipped, self._override = shipped, override
        self._lock = threading.Lock()
        self._next_look = 0.0
        self._patience = 0  # for how many looks an admin's file that has vanished is waited for
        self._seen: tuple[_Stamp, _Stamp] | None = None
        self._in_force: _InForce | None = None

    def now(self) -> Catalog:
        """The catalogue in force. Raises CatalogError if the shipped file was broken from the start."""
        return self._looked_up().catalog

    def trouble(self) -> str:
        """Why the files are not in force as they stand: a sentence with file, line and entry; empty where they are."""
        return self._looked_up().trouble

    def incomplete(self) -> bool:
        """Whether the admin's file could not be used since the start, so that what it says of a model is unknown."""
        return self._looked_up().incomplete

    def halt(self) -> str:
        """What is wrong with the admin's file where it could not be used since the start; empty where it could."""
        held = self._looked_up()
        return held.faults if held.incomplete else ""

    def follow(self, override: Path) -> None:
        """Has read this file for the admin's entries when it returns, and watches it from now on; until then all wait.

        Raises CatalogError if the shipped file is broken.
        """
        with self._lock:
            if override != self._override:
                self._override, self._patience, self._seen, self._in_force = override, 0, None, None
                self._look()

    def _looked_up(self) -> _InForce:
        held = self._fresh()
        if held is not None:
            return held
        held = self._in_force
        if self._lock.acquire(blocking=held is None):  # while one thread reads, the others go on with what there is
            try:
                held = self._fresh() or self._look()
            finally:
                self._lock.release()
        assert held is not None
        return held

    def _fresh(self) -> _InForce | None:
        return self._in_force if time.monotonic() < self._next_look else None

    def _look(self) -> _InForce:
        self._next_look = time.monotonic() + LOOK_SECONDS
        self._in_force = self._looked(self._in_force)
        return self._in_force

    def _looked(self, held: _InForce | None) -> _InForce:
        """What is in force from now on. Whatever a file holds, nobody who asks for a model is to hear of it."""
        last, self._seen = self._seen, None  # looked at again, unless the end below is reached
        seen: tuple[_Stamp, _Stamp] | None = None
        try:
            # The stamps are taken before the files are read: what changes meanwhile is seen at the next look.
            seen = _stamp(self._shipped), _stamp(self._override)
            if held is None or seen != last:
                self._wait_for_override(seen[1])
                held = _InForce(load_catalog(self._shipped, self._override if seen[1] is not None else None))
        except Exception as error:  # noqa: BLE001 - see above
            if isinstance(error, _GoneError) or isinstance(error.__cause__, OSError):
                seen = None  # which may pass without a change of the file
            held = self._kept(held, error)
        self._seen = seen
        return held

    def _wait_for_override(self, stamp: _Stamp) -> None:
        """An editor may take a file away for a moment before it puts the new one there."""
        if stamp is not None:
            self._patience = _GONE_LOOKS
        elif self._override is not None and self._patience > 0:
            self._patience -= 1
            raise _GoneError(f"{_called(self._override)} is gone. Its entries are dropped if it does not come back.")

    def _kept(self, held: _InForce | None, error: Exception) -> _InForce:
        if held is None:  # if it is ours that is broken, this raises again
            held = _InForce(load_catalog(self._shipped), incomplete=True)
        return replace(held, faults=_faults_of(error))


class _GoneError(CatalogError):
    """A file that was there is not there."""


def _called(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _stamp(path: Path | None) -> _Stamp:
    """What changes when a file does, or who may read it; None where there is none. CatalogError: nobody can say."""
    if path is None:
        return None
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CatalogError(f"{_called(path)}: cannot be read: {error.strerror}") from error
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


def _faults_of(error: Exception) -> str:
    if not isinstance(error, CatalogError):
        return f"it cannot be understood ({type(error).__name__}: {error})."
    first, *rest = str(error).splitlines()
    file = re.match(r"[^:,]*", first)  # all are of one file, which is named once
    told = [first, *(fault.removeprefix(file[0] if file else "").lstrip(",: ") for fault in rest)]
    more = [f"and {len(told) - _FAULTS_TOLD} more"] if len(told) > _FAULTS_TOLD else []
    return _BETWEEN.join([*told[:_FAULTS_TOLD], *more])


_LIVE = LiveCatalog(Path(__file__).with_name("catalog.toml"))


def catalog() -> Catalog:
    """The catalogue of this installation as it is now. Cheap. Raises CatalogError if it was broken from the start."""
    return _LIVE.now()


def catalog_trouble() -> str:
    """Why the files are not in force as they stand: a sentence with file, line and entry; empty where they are."""
    return _LIVE.trouble()


def catalog_incomplete() -> bool:
    """Whether this process never could read the admin's entries: then no task may be sent by what ours say."""
    return _LIVE.incomplete()


def catalog_halt() -> str:
    """Why no task may be sent: what is wrong with the admin's file, by line; empty where this process has read it."""
    return _LIVE.halt()


def follow(state_dir: Path) -> None:
    """Each process says at its start where the admin's entries may lie: `catalog.toml` in the state folder."""
    _LIVE.follow(state_dir.resolve() / OVERRIDE)
