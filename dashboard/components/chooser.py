"""References from History: a dialog with the team's pictures, searched and turned by pages, to take some of them.

It stays open while pictures are taken and put back; the form behind it is drawn anew when it closes.
"""

from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import formats, trouble, words
from dashboard.components.form import keep_references
from dashboard.components.mount import mount
from dashboard.language import t
from data.history import Card, Page
from data.images import StoredImage
from data.links import download_name
from data.query import Choice

_PAGE = 24
_DONE = Choice(of=("done",))


def button(most: int) -> None:
    """Opens the dialog. `most`: how many references the chosen models take together."""
    st.button(
        t("From History"), key="from_history", icon=":material/photo_library:", disabled=not most,
        on_click=_open, help=t("Pick pictures that your team has made"),
    )  # fmt: skip


def dialog_if_open(person: str, most: int) -> None:
    """A full rerun closes dialogs, so the form calls this on every run."""
    if st.session_state.get("choosing") and "task" not in st.query_params:
        st.dialog(t("From History"), width=560, position="right", on_dismiss=_close)(_body)(person, most)


def _open() -> None:
    st.session_state["choosing"], st.session_state["chooser_edge"] = True, {}


def _close() -> None:
    st.session_state["choosing"] = False


def _anew() -> None:
    st.session_state["chooser_edge"] = {}


def _body(person: str, most: int) -> None:
    if not st.session_state.get("choosing"):
        st.rerun()
    st.text_input(
        t(words.SEARCH), key="chooser_text", type="search", live=True, icon=":material/search:", on_change=_anew,
        placeholder=t("Words of the prompt, or pick:yes, by:me, model:seedream …"), label_visibility="collapsed",
    )  # fmt: skip
    asked = st.session_state.get("chooser_text"), st.session_state["chooser_edge"]
    with trouble.live_part("chooser", of=asked):
        _shelf(person, most)
    st.button(t("Done"), key="chooser_done", type="primary", width="stretch", on_click=_close)


def _shelf(person: str, most: int) -> None:
    state, search = st.session_state, resources.desk().search
    reading = search.read(state.get("chooser_text") or "")
    for hint in reading.hints:
        st.caption(f":material/info: {formats.literal(t(hint.sentence))}")
    page = search.page(replace(reading.query, status=_DONE), person, limit=_PAGE, **state["chooser_edge"])
    shown = _pictures(page)
    taken: list[StoredImage] = state["references"]
    state["chooser_page"] = page, {image.sha256: image for image, _ in shown}
    full = len(taken) >= most
    places = {image.sha256: place for place, image in enumerate(taken, start=1)}
    data = {
        "label": t(words.HISTORY), "act": "pick", "pick": True, "older": page.older, "newer": page.newer,
        "items": [_item(image, card, places.get(image.sha256), full=full) for image, card in shown],
        "status": t("{taken} of {most} taken", taken=len(taken), most=most),
        "empty": t("No picture of your team fits these words.") if reading.query
        else t("Nothing to take yet: what your team makes appears here."),
        "words": {"older": t("Older →"), "newer": t("← Newer")},
    }  # fmt: skip
    mount("shelf", key="chooser", data=data, on_event=lambda act, name: _act(act, name, most))


def _pictures(page: Page) -> list[tuple[StoredImage, Card]]:
    """Every picture of the page once, as a reference; a video is none."""
    found: dict[str, tuple[StoredImage, Card]] = {}
    for card in page.cards:
        for index, one in enumerate(card.pictures):
            if one.duration_ms is None:
                name = download_name(card.prompt, card.model, card.id, one.mime, index)
                image = StoredImage(one.sha256, one.mime, one.width, one.height, one.size, name)
                found.setdefault(one.sha256, (image, card))
    return list(found.values())


def _item(image: StoredImage, card: Card, place: int | None, *, full: bool) -> dict[str, Any]:
    return {
        "id": image.sha256, "key": image.sha256, "prompt": card.prompt, "width": image.width, "height": image.height,
        "src": resources.picture_url(image.sha256, "320"), "picked": place is not None, "number": place,
        "off": full and place is None,
    }  # fmt: skip


def _act(act: str, name: str, most: int) -> None:
    state = st.session_state
    page, shown = state["chooser_page"]
    if act == "older" and page.older:
        state["chooser_edge"] = {"before": page.older}
    elif act == "newer" and page.newer:
        state["chooser_edge"] = {"after": page.newer}
    elif act == "pick":
        taken: list[StoredImage] = state["references"]
        rest = [image for image in taken if image.sha256 != name]
        if len(rest) == len(taken) and name in shown and len(taken) < most:
            rest.append(shown[name])
        state["references"] = rest
        keep_references()
