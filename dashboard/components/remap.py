"""The section of Settings where a person gives what they do another key: all of the table, and the sheet follows."""

from typing import Any

import streamlit as st

from dashboard.components import keymap, keys, trouble
from dashboard.components.keymap import Group, Key
from dashboard.components.mount import mount
from dashboard.language import t
from data.errors import NotAllowed
from data.sentences import Sentence

_KEPT = Sentence("Kept. It counts at once, here and at your next visits.")


def remap(person: str) -> None:
    """Every key that there is; those that may be another one are buttons. What was refused is said at its place."""
    said = st.session_state.get("keys_said", ("", "", ""))
    data = {
        "groups": [(t(group.title), [_row(group, key) for key in group.keys]) for group in keys.table()],
        "moved": bool(keymap.moved()), "at": said[0], "fault": t(said[1]), "done": t(said[2]),
        "words": {"press": t("Press the new key"), "reset": t("Reset"), "reset_all": t("Reset all keys"),
                  "change": t("{what}: {key}. Change it", what="{what}", key="{key}")},
    }  # fmt: skip
    mount("remap", key="remap", data={"list": data}, on_event=lambda act, name: _act(act, name, person))


def _row(group: Group, key: Key) -> dict[str, Any]:
    name = keymap.name(group.file, key) if keymap.movable(key) else ""
    caps = keymap.caps(group.file, key, keymap.moved())
    return {"id": name, "caps": caps, "does": t(key.does), "moved": name in keymap.moved()}


def _act(act: str, said: str, person: str) -> None:
    wanted, pressed = said, ""
    if act == "give":
        file, first, pressed = said.split(" ", 2)
        wanted = f"{file} {first}"
    state, table = st.session_state, keys.table()
    with trouble.callback():
        try:
            if act == "give":
                keymap.give(person, wanted, pressed, table)
            else:
                keymap.reset(person, wanted, table)
        except NotAllowed as refused:
            state["keys_said"] = (wanted, refused.sentence, "")
        else:
            state["keys_said"] = (wanted, "", _KEPT)
