"""What a key is, and which key a person has given to what it does: kept like the language, and read once a session.

The JavaScript compares with the keys of the table (`keys.py`) alone: `kit.js` reads a key that was moved as the one
that it stands for, so a layout without Latin letters serves here too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import streamlit as st

from dashboard import resources
from data.errors import NotAllowed
from data.sentences import Sentence

EVERYWHERE = "keys"
"""The file of what is heard on every page."""
NOTHING = "nothing"
"""What a key is read as from which something was moved away."""
_TOGETHER = frozenset({"actions", "sheet"})
"""Files that are heard at the same time."""
_SIGNS = {"-": "−"}
_RESERVED = Sentence("C and R are Streamlit’s own, also with Ctrl or Alt. Nothing was changed. Choose another key.")
_STAYS = Sentence("This key does the same everywhere, and stays as it is.")


@dataclass(frozen=True)
class Key:
    """`shown` as it is printed on a keyboard; several stand apart by a space, and one of two held together by a +."""

    shown: str
    does: Sentence
    heard: tuple[str, ...] = ()
    """What our JavaScript compares with; nothing where the browser or Streamlit hears it."""


@dataclass(frozen=True)
class Group:
    """Keys that are heard in one place, by the file of that name."""

    title: Sentence
    file: str
    keys: tuple[Key, ...]


def name(file: str, key: Key) -> str:
    """Under which its new key is kept: "gallery F"."""
    return f"{file} {key.heard[0]}"


def movable(key: Key) -> bool:
    """Whether it may be another one: what moves, presses and closes does so everywhere, and Ctrl is the browser's."""
    alone = all(len(cap) == 1 or "+" not in cap for cap in key.shown.split())
    plain = all((len(one) == 1 and one != " ") or one in ("Delete", "Backspace") for one in key.heard)
    return bool(key.heard) and alone and plain


def caps(file: str, key: Key, moved: Mapping[str, str]) -> str:
    """What the sheet prints for it: "Z Esc", or "X Esc" once its Z was moved to X."""
    new = moved.get(name(file, key)) if movable(key) else None
    if new is None:
        return key.shown
    kept = [cap for cap in key.shown.split() if cap not in {*key.heard, *(_SIGNS.get(one, "") for one in key.heard)}]
    return " ".join([_SIGNS.get(new, new), *kept])


def readings(table: Iterable[Group], moved: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """For `kit.js`, by file: as which key of the table each key is read that is not itself any more."""
    found: dict[str, dict[str, str]] = {}
    for group in table:
        for key in group.keys:
            if movable(key) and (new := moved.get(name(group.file, key))):
                read = found.setdefault(group.file, {})
                read |= {one: NOTHING for one in key.heard if one not in read} | {new: key.heard[0]}
    return found


def fault(table: Iterable[Group], wanted: str, pressed: str, moved: Mapping[str, str]) -> Sentence | None:
    """Why what is kept under this name cannot have this key; None where it can.

    `pressed` as the browser says it: "X", "Ctrl+X", "ArrowLeft".
    """
    last = pressed[-1:] if len(pressed) == 1 or pressed[-2:-1] == "+" else pressed
    if last.upper() in ("C", "R"):
        return _RESERVED
    if last != pressed:
        return Sentence(
            "{key} is your browser’s or Streamlit’s. Nothing was changed. Choose a key without Ctrl, Alt or ⌘.",
            key=pressed,
        )
    if len(pressed) != 1 or not pressed.isprintable() or pressed == " ":
        return Sentence(
            "{key} does the same everywhere. Nothing was changed. Choose a letter, a digit or a sign.", key=pressed
        )
    file = wanted.partition(" ")[0]
    for group in table:
        if group.file != file and EVERYWHERE not in (group.file, file) and not {group.file, file} <= _TOGETHER:
            continue
        for key in group.keys:
            if key.heard and name(group.file, key) != wanted and pressed in _now(group.file, key, moved):
                return Sentence(
                    "{key} is taken: {group}, {does}. Nothing was changed. Choose another, or move that one first.",
                    key=pressed, group=group.title, does=key.does,
                )  # fmt: skip
    return None


def _now(file: str, key: Key, moved: Mapping[str, str]) -> tuple[str, ...]:
    if not movable(key):
        return key.heard if all("+" not in cap for cap in key.shown.split()) else ()
    return (moved[name(file, key)],) if name(file, key) in moved else key.heard


def moved() -> dict[str, str]:
    """This session's, by name."""
    found: dict[str, str] = st.session_state.get("keys_moved", {})
    return found


def settle(person: str, table: Iterable[Group]) -> None:
    """Once per session: what this person chose at an earlier visit counts."""
    if st.session_state.get("keys_of") != person:
        _take(person, _kept(person), table)


def give(person: str, wanted: str, pressed: str, table: tuple[Group, ...]) -> None:
    """From now on, and at this person's next visits, it is this key. Raises NotAllowed."""
    known = {name(group.file, key): key for group in table for key in group.keys if movable(key)}
    if wanted not in known:
        raise NotAllowed(_STAYS)
    kept = _kept(person)  # another open session of hers may have moved some
    others = {one: key for one, key in kept.items() if one != wanted}
    if pressed not in known[wanted].heard:
        if (why := fault(table, wanted, pressed, others)) is not None:
            raise NotAllowed(why)
        others[wanted] = pressed
    elif (why := fault(table, wanted, pressed, others)) is not None:
        raise NotAllowed(why)
    _keep(person, others, table)


def reset(person: str, wanted: str, table: tuple[Group, ...]) -> None:
    """It has the key of the table again, or all of them have (""). Raises NotAllowed where that is another's by now."""
    if not wanted:
        return _keep(person, {}, table)
    return give(person, wanted, wanted.partition(" ")[2], table)


def _kept(person: str) -> dict[str, str]:
    kept = resources.desk().preferences.all(person).get("keys")
    return dict(kept) if isinstance(kept, dict) else {}


def _keep(person: str, wanted: dict[str, str], table: Iterable[Group]) -> None:
    resources.desk().preferences.remember(person, keys=wanted)
    _take(person, wanted, table)


def _take(person: str, wanted: Mapping[str, str], table: Iterable[Group]) -> None:
    state = st.session_state
    state["keys_of"], state["keys_moved"], state["keys_read"] = person, dict(wanted), readings(table, wanted)
