"""References that are on their way: named by an address of the web, and fetched by the callback server.

The form holds their ids and names (`awaited` in the session, and over a reload in the preferences), the database what
has become of them. While one is on its way nothing can be asked for: it would go out without it.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import news
from dashboard.components.trouble import DATABASE_ERRORS
from dashboard.retold import retold
from data.sentences import Sentence, paragraph
from data.shrinking import Fit


def waiting() -> list[list[str]]:
    """[id, name] of each, in the order in which they were asked for."""
    found: list[list[str]] = st.session_state.get("awaited", [])
    return found


def kept(value: Any) -> list[list[str]]:
    """What the preferences remember of it, as far as it makes sense."""
    return [list(one) for one in value or [] if isinstance(one, list) and len(one) == 2 and all(map(_is_text, one))]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def ask(person: str, address: str, fit: Fit) -> str:
    """Has a picture fetched; the id under which it comes. Raises InvalidRequest or NotAllowed with a sentence."""
    link_id, name = resources.desk().linked.ask(person, address, fit)
    st.session_state["awaited"] = [*waiting(), [link_id, name]]
    return link_id


def remember_typed(link_id: str, address: str) -> None:
    """This one was typed: should it not be had, that is told at the field, with the address in it to be mended.

    In the session alone, and until it is settled: an address may hold a token.
    """
    st.session_state.setdefault("typed_addresses", {})[link_id] = address


def refused_address() -> tuple[str, str]:
    """What was typed into the field and refused, and why; both empty where nothing was."""
    found: tuple[str, str] = st.session_state.get("address_refused", ("", ""))
    return found


def refuse_address(address: str, why: str) -> None:
    """Says so at the field, as its own refusals are said."""
    st.session_state["address_refused"] = (address, why)


def forget(person: str, link_id: str) -> None:
    """Nobody waits for it any more."""
    st.session_state["awaited"] = [one for one in waiting() if one[0] != link_id]
    with suppress(*DATABASE_ERRORS):  # then it comes in vain
        resources.desk().linked.forget(person, link_id)


def take_up() -> bool:
    """Puts what has come among the references, and what has not among the refused; whether anything has changed."""
    state, still = st.session_state, waiting()
    if not still:
        return False
    try:
        found = resources.desk().linked.found([link_id for link_id, _ in still])
    except DATABASE_ERRORS:
        return False
    state["awaited"] = []
    for link_id, name in still:
        one = found.get(link_id)
        if one is None:
            _refuse(link_id, _lost(name))
        elif one.image is not None:
            if all(one.image.sha256 != known.sha256 for known in state["references"]):
                state["references"] = [*state["references"], one.image]
        elif one.refusal is not None:
            _refuse(link_id, retold(one.refusal))
        else:
            state["awaited"] = [*waiting(), [link_id, name]]
    return waiting() != still


def _refuse(link_id: str, sentence: str) -> None:
    """Where it was typed; where that was not in the field, or the field holds another one by now, below the slots."""
    state = st.session_state
    address = state.get("typed_addresses", {}).pop(link_id, "")
    if address and not any(refused_address()) and not state.get("address"):
        state["address"] = address
        refuse_address(address, sentence)
    else:
        state["refused"] = [*state["refused"], (secrets.token_hex(4), sentence)]


def _lost(name: str) -> str:
    gone = Sentence("{name} is not being fetched any more.", name=name)
    return paragraph(gone, Sentence("Nothing was charged."), Sentence("Add it again."))


def watch(person: str) -> None:
    """Draws the page anew once one of them is settled; where none is waited for, nothing listens."""
    if still := waiting():
        st.fragment(_watch)(person, [link_id for link_id, _ in still])


def _watch(person: str, ids: Sequence[str]) -> None:
    seen = news.seen()
    with suppress(*DATABASE_ERRORS):
        found = resources.desk().linked.found(ids)
        if any(link_id not in found or found[link_id].settled for link_id in ids):
            st.rerun()
    news.keep_true("awaited", person, seen=seen, every=news.SLOW_SECONDS)
