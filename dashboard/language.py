"""In which language the screens speak. English is the key: `locales/<language>/*.toml` say each sentence in another.

What is drawn goes through `t`, and so do sentences that `data` has made (`data.sentences`). What has no translation is
shown in English; a test holds every language to the whole list.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import resources
from data.sentences import Joined, Sentence

LANGUAGES = {"en": "English", "zh": "中文"}
_LOCALES = Path(__file__).resolve().parent / "locales"


def t(text: str, /, **values: Any) -> str:
    """`text` in this session's language, with its `{slots}` filled.

    A `Sentence` brings its own values; sentences among the values are translated too.
    """
    if isinstance(text, Joined):
        *most, last = map(t, text.parts) if text.parts else ("",)
        return t(text.last).join(filter(None, [t(text.glue).join(most), last]))
    if isinstance(text, Sentence):
        return t(text.template, **text.values)
    said = translations(language()).get(text, text)
    told = {name: t(value) if isinstance(value, Sentence) else value for name, value in values.items()}
    return said.format(**told) if told else said


def spoken(words: Any) -> Any:
    """The texts of a whole tree of dicts and lists in this session's language; what is no text stays as it is."""
    if isinstance(words, str):
        return t(words)
    if isinstance(words, Mapping):
        return {name: spoken(word) for name, word in words.items()}
    return [spoken(word) for word in words] if isinstance(words, list | tuple) else words


def tn(number: int, one: str, several: str, /, **values: Any) -> str:
    """`one` or `several`, whichever fits: `tn(3, "{n} picture", "{n} pictures")`. Fills `{n}`, as "1,284"."""
    return t(one if number == 1 else several, n=f"{number:,}", **values)


def language() -> str:
    """This session's, one of `LANGUAGES`."""
    return str(st.session_state.get("language", "en"))


def start() -> None:
    """Before anybody is known, a session speaks as its browser does, or English."""
    if "language" not in st.session_state:
        st.session_state["language"] = _spoken(st.context.locale)


def settle(person: str) -> None:
    """Once per session: what this person chose at an earlier visit counts. May run the page anew."""
    if st.session_state.get("language_of") == person:
        return
    st.session_state["language_of"] = person
    wanted = resources.desk().preferences.all(person).get("language")
    if wanted in LANGUAGES and wanted != language():
        st.session_state["language"] = wanted
        st.rerun()


def choose(person: str, wanted: str) -> None:
    """Speaks it from now on, and at this person's next visits."""
    resources.desk().preferences.remember(person, language=wanted)
    st.session_state["language"] = wanted


@cache
def translations(of: str) -> dict[str, str]:
    """By English sentence. Where it stands in two files, both say the same."""
    found: dict[str, str] = {}
    for file in sorted((_LOCALES / of).glob("*.toml")):
        found |= tomllib.loads(file.read_text(encoding="utf-8"))
    return found


def _spoken(locale: str | None) -> str:
    return next((one for one in LANGUAGES if (locale or "").startswith(one)), "en")
