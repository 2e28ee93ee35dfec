"""Reads a catalogue out of TOML: expands its sets and lays an admin's entries over ours.

It holds nothing and watches nothing; `data/catalog.py` keeps what is in force.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from data.catalog_faults import Faults
from data.errors import PictureDeskError
from data.model_spec import Catalog
from data.sentences import Sentence

_TABLES = {"set": "name", "model": "id", "choice": "name"}
"""The tables of a file, and the key by which an entry of an admin's file replaces one of ours."""


class CatalogError(PictureDeskError):
    """The catalogue cannot be used. One line for each fault: file, line, entry, key and reason."""


@dataclass(frozen=True)
class _File:
    name: str
    text: str
    raw: dict[str, Any]


def load_catalog(source: str | Path, over: Path | None = None) -> Catalog:
    """Reads a catalogue from TOML text or from a file; entries of the file `over` replace those of the same name.

    Raises:
        CatalogError: where `over` is given, the faults are its own: `source` is taken to be good by itself.
    """
    file = _read(source)
    raw = dict(file.raw)
    if over is not None:
        file = _read(over)
        raw |= {table: _laid_over(raw.get(table, []), entries, _TABLES.get(table, ""))
                for table, entries in file.raw.items()}  # fmt: skip
    origins: dict[int, str] = {}
    places = _places(file.raw.get("choice"), raw.get("choice"))
    if wrong := _set_faults(raw):
        for table in ("set", "model"):
            places |= _places(file.raw.get(table), raw.get(table))
        whole = Faults(file.name, file.text, raw, {}, places)
        raise CatalogError("\n".join(map(whole.sentence, wrong)))
    sets, entries = _sets(raw.pop("set", [])), raw.get("model")
    if isinstance(entries, list):
        raw["model"] = [_expanded(entry, sets, origins) for entry in entries]
        places |= _places(file.raw.get("model"), entries, raw["model"])
    try:
        as_json = json.dumps(raw, default=str)  # strict pydantic makes dataclasses and tuples of JSON, not of Python
        return TypeAdapter(Catalog).validate_json(as_json)
    except ValidationError as error:
        faults = Faults(file.name, file.text, raw, origins, places)
        raise CatalogError("\n".join(map(faults.sentence, error.errors()))) from error


def _read(source: str | Path) -> _File:
    """Two files are called `catalog.toml`, so their folder is named too."""
    name = f"{source.parent.name}/{source.name}" if isinstance(source, Path) else "catalogue"
    try:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
        return _File(name, text, tomllib.loads(text))
    except (OSError, ValueError) as error:  # no such file, not UTF-8, not TOML
        raise CatalogError(f"{name}: cannot be read: {error}") from error


def _places(own: Any, entries: Any, now: Any = None) -> dict[int, int]:
    """Where in its own file each entry stands, by the `id()` that it has now."""
    numbers = {id(entry): number for number, entry in enumerate(own if isinstance(own, list) else [])}
    pairs = zip(entries, now or entries, strict=True) if isinstance(entries, list) else ()
    return {id(new): numbers[id(entry)] for entry, new in pairs if id(entry) in numbers}


def _laid_over(below: Any, above: Any, key: str) -> Any:
    """The entries below, each replaced by the one of the same name above, then those that are new."""
    if not isinstance(above, list) or not all(isinstance(entry, dict) for entry in above):
        return above  # which validation refuses
    rest, out = list(above), []
    for entry in below:
        new = next((each for each in rest if key in each and each[key] == entry.get(key)), None)
        out.append(entry if new is None else new)
        rest = [each for each in rest if each is not new]
    return out + rest


def _set_faults(raw: Mapping[str, Any]) -> list[ErrorDetails]:
    """What is wrong with the sets and with what uses them, in the form of pydantic's own errors."""
    sets, entries = raw.get("set", []), raw.get("model")
    if not isinstance(sets, list):
        return [_fault(("set",), Sentence("must be a list of tables"))]
    named = [each.get("name") if isinstance(each, dict) else None for each in sets]
    nameless = [number for number, name in enumerate(named) if not isinstance(name, str)]
    return [_fault(("set", number), Sentence("needs a name")) for number in nameless] or [
        _fault(("model", number, "use"), Sentence('there is no set "{name}"', name=name))
        for number, entry in enumerate(entries if isinstance(entries, list) else [])
        for name in _used(entry)
        if name not in named or not isinstance(name, str)
    ]


def _fault(loc: tuple[str | int, ...], reason: str) -> ErrorDetails:
    return ErrorDetails(type="set", loc=loc, msg=reason, input=None)


def _used(entry: Any) -> list[Any]:
    """The names of the sets that an entry uses, as they stand there."""
    names = entry.get("use", []) if isinstance(entry, dict) else []
    return names if isinstance(names, list) else [names]


def _sets(raw: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: {key: value for key, value in each.items() if key != "name"} for each in raw}


def _expanded(entry: Any, sets: Mapping[str, dict[str, Any]], origins: dict[int, str]) -> Any:
    """The entry with the sets that it uses: lists are joined, theirs first; of anything else its own counts."""
    if not isinstance(entry, dict):
        return entry
    out: dict[str, Any] = {}
    for name in _used(entry):
        parts = [part for value in sets[name].values() if isinstance(value, list) for part in value]
        origins |= {id(part): name for part in parts}
        _join(out, sets[name])
    _join(out, {key: value for key, value in entry.items() if key != "use"})
    return out


def _join(out: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        both = isinstance(value, list) and isinstance(out.get(key), list)
        out[key] = [*out[key], *value] if both else value
