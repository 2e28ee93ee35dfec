"""What this person asked for before, beside the prompt field: a list, and Alt+↑/↓ in the field (`recall.js`)."""

import zlib
from contextlib import suppress

import streamlit as st

from dashboard import resources
from dashboard.components import press
from dashboard.components.mount import mount_recall
from dashboard.components.trouble import DATABASE_ERRORS
from dashboard.language import t


def recall(field: str, person: str) -> None:
    """For the text area with the key `field`."""
    prompts = _former(person)
    data = {
        "field": field, "whose": f"{zlib.crc32(person.encode()):08x}", "prompts": prompts,
        "version": f"{len(prompts)}-{zlib.crc32(repr(prompts).encode()):08x}",
        "words": {
            "open": t("Earlier prompts"), "keys": t("In the prompt field: Alt+↑ older, Alt+↓ newer"),
            "empty": t("What you ask for is found here again."), "here": t("in the field now"),
            "own": t("Your text"), "place": t("Earlier prompt {place} of {count}", place="{place}", count="{count}"),
            "oldest": t("That is the oldest."), "newest": t("That is your text: there is nothing newer."),
        },
    }  # fmt: skip
    mount_recall(key="recall", data=data)


def _former(person: str) -> list[str]:
    """Asked for once after each press: only that adds to it."""
    state, at = st.session_state, press.number()
    if state.get("earlier_prompts_at") != at:
        with suppress(*DATABASE_ERRORS):
            state["earlier_prompts"], state["earlier_prompts_at"] = list(resources.desk().prompts.former(person)), at
    found: list[str] = state.get("earlier_prompts", [])
    return found
