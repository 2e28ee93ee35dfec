"""Says where in a catalogue file a fault stands: file, line, entry, key and reason, in one line that an editor can use.

It reads the text only to find a line; what is wrong was found by the shapes in `data/model_spec.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic_core import ErrorDetails

from data.sentences import Sentence

_ENTRY = r"^\[\[\s*(?:model|choice|set)\s*\]\]"
_KNOWN = {
    "missing": Sentence("is missing"),
    "unexpected_keyword_argument": Sentence("is not a key of the catalogue"),
}


@dataclass(frozen=True)
class Faults:
    """A document that was validated, and the text that it came from.

    By `id()`, `origins` gives for a part that came out of a set the set's name, and `places` for an entry its number in
    the text.
    """

    name: str
    text: str
    raw: object
    origins: Mapping[int, str] = field(default_factory=dict)
    places: Mapping[int, int] = field(default_factory=dict)

    def sentence(self, error: ErrorDetails) -> str:
        """`catalog.toml, line 12: model "x", params "quality", default: must be …`, of one of pydantic's errors.

        The line is left out where it cannot be found: the entry may stand in another file.
        """
        steps: list[str] = []
        headers: list[str] = []
        keys: list[str] = []
        node = self.raw
        for step in error["loc"]:
            if isinstance(step, str):
                node = node.get(step) if isinstance(node, dict) else None
                steps.append(step)
                keys.append(step)
                continue
            node = node[step] if isinstance(node, list) and step < len(node) else None  # one may be missing
            number = self.places.get(id(node), step)
            called = (node.get("id") or node.get("name")) if isinstance(node, dict) else None
            steps[-1] += f' "{called}"' if called else f" {number + 1}"
            if isinstance(node, dict):
                headers.append(_header(keys[-1], called, number))
                keys = []
            if isinstance(node, dict) and (origin := self.origins.get(id(node))) is not None:
                steps[-1] += f' (of set "{origin}")'
                headers[0] = _header("set", origin, 0)
        reason = _KNOWN.get(error["type"], error["msg"].removeprefix("Value error, "))
        line = _line(self.text, headers, keys)
        where = self.name + (f", line {line}" if line else "")
        return ": ".join(part for part in (where, ", ".join(steps), reason) if part)


def _header(table: str, called: object, index: int) -> str:
    """Finds `[[model]]`, or `[[model.params]]`, by the name that stands right below it, or else by its number."""
    start = rf"^\[\[\s*(?:\w+\.)?{re.escape(table)}\s*\]\]"
    if called:
        return rf'{start}[^\[]*?^\s*(?:id|name)\s*=\s*"{re.escape(str(called))}"'
    return rf"(?:{start}[\s\S]*?){{{index}}}{start}"


def _line(text: str, headers: list[str], keys: list[str]) -> int | None:
    """The line of the innermost that is found, each looked for within the one before it."""
    start, end, found = 0, len(text), 0
    for header in headers:
        match = re.compile(header, re.MULTILINE).search(text, start, end)
        if match is None:
            return text.count("\n", 0, found) + 1 if found else None
        if start == 0:
            after = re.compile(_ENTRY, re.MULTILINE).search(text, match.end())
            end = after.start() if after else len(text)
        start = found = match.end()
    for key in map(re.escape, keys):
        own = _section(text, start, end)
        match = re.compile(rf'^\s*"?{key}"?\s*=', re.MULTILINE).search(text, *own)
        match = match or re.compile(rf"^\[+(?:\w+\.)*{key}\]", re.MULTILINE).search(text, start, end)
        if match is None:
            break
        start = found = match.end()
    return text.count("\n", 0, found) + 1 if found else None


def _section(text: str, start: int, end: int) -> tuple[int, int]:
    """From the header above `start` to the next one: the keys that belong to it directly."""
    begin = text.rfind("\n[", 0, start) + 1
    following = text.find("\n[", start)
    return begin, end if following < 0 else min(following, end)
