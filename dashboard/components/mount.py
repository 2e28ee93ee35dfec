"""Mounts our browser components and hands their events to Python exactly once.

Each component is plain JavaScript beside this file, drawn in a shadow root from JSON. Events come as a queue in the
component's state, numbered and acknowledged (see `kit.js` for why); `epoch` belongs to this session of the server.
"""

import secrets
import time
import zlib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from dashboard.language import language, t
from data.shrinking import UPLOAD_MB

_HERE = Path(__file__).resolve().parent


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def code(*parts: str) -> str:
    """The module of a component that is made of these files."""
    return "\n".join(_read(f"{part}.js") for part in ("order", *parts))


_PARTS = {
    "pair": ("kit", "acts", "zoom", "beside", "films", "pair"),
    "several": ("kit", "acts", "zoom", "beside", "several"),
    "cards": ("kit", "acts", "back", "batch_card", "cards"),
    "sheet": ("kit", "acts", "closer", "offer", "sheet"),
    "gallery": ("kit", "back", "tiles", "offer", "bar", "lasso", "gallery"),
    "results": ("kit", "back", "results"), "undo": ("kit", "offer", "undo"),
}  # fmt: skip
"""Of what there is more than the kit and one file of its own."""


def _style(name: str) -> str:
    parts = _PARTS.get(name, ("kit", name))
    return "\n".join(_read(f"{part}.css") for part in parts if (_HERE / f"{part}.css").exists())


_COMPONENTS = {
    name: component(
        f"picture_desk_{name}",
        js=code(*_PARTS.get(name, ("kit", name))),
        css=_style(name),
    )
    for name in (
        "batch",
        "cards",
        "carried",
        "elsewhere",
        "families",
        "filled",
        "fold",
        "gallery",
        "keys",
        "pair",
        "picker",
        "recall",
        "remap",
        "results",
        "several",
        "sheet",
        "shelf",
        "slots",
        "templates",
        "undo",
    )
}
_COMPOSER = component("picture_desk_composer", js=code("composer"), css=_read("composer.css"), isolate_styles=False)
_LINES = component("picture_desk_lines", js=code("lines"), css=_read("kit.css") + "\n" + _read("lines.css"))
_NEWS = component("picture_desk_news", js=code("news"), css=_read("news.css"), isolate_styles=False)
_PAGE = component("picture_desk_page", js=code("page"), isolate_styles=False)
_STYLE = f"<style>{_read('page.css')}</style>"


def _draw(one: Callable[..., Any], *, key: str, data: Mapping[str, Any], **options: Any) -> None:
    """Draws a component. Whatever it has not shown before has the next number, by which a browser keeps the order."""
    drawings: dict[str, tuple[int, Mapping[str, Any]]] = st.session_state.setdefault("drawings", {})
    number, before = drawings.get(key, (0, None))
    number += data != before
    drawings[key] = number, data
    one(key=key, data={**data, "epoch": _epoch(), "drawn": number}, **options)


def mount(name: str, *, key: str, data: Mapping[str, Any], on_event: Callable[[str, str], None]) -> None:
    """Draws the component of that name. `on_event(act, id)` is called once for each thing that a person did."""
    st.session_state.setdefault("mounted", {})[key] = (name, data, on_event)
    st.session_state.get("undrawn", set()).discard(key)
    desk = {"ack": st.session_state.get(f"{key}_ack", 0), "clock": st.session_state["clock"],
            "moved": st.session_state.get("keys_read", {})}  # fmt: skip
    _draw(
        _COMPONENTS[name],
        key=key,
        data={**data, **desk},
        default={"events": []},
        on_events_change=lambda: _deliver(key, on_event),
    )


def mounted(key: str) -> object:
    """What `mount` was given under this key last; None where it was not called."""
    return st.session_state.get("mounted", {}).get(key)


def mount_as_last(key: str) -> None:
    """Draws once more what a component showed last, for a part that cannot be read now."""
    name, data, on_event = st.session_state["mounted"][key]
    mount(name, key=key, data=data, on_event=on_event)


def mount_composer(
    *, key: str, field: str, committed: str, person: str, button: Mapping[str, Any],
    on_pressed: Callable[[Mapping[str, Any]], None],
) -> None:  # fmt: skip
    """Watches the text area with the key `field` while a person types in it, and the button; see `composer.js`.

    `button`: the key of the `button` beside it (with another key it is a new one, which gets the old one's focus), how
    many presses of it we `heard` of and with which `heard_text`, a digest of the `form` beside the text, whether its
    `shortcut` is in force, and what it `asks` while it waits for a text alone. `on_pressed` is given what the browser
    says of a press that we seem not to have heard of: `button`, `heard` and `form` as they were, the `text`, and its
    `age` in seconds.
    """
    state = st.session_state.get(key) or {}
    refused = t("Not taken: not a picture that can be used, or over {most} MB.", most=UPLOAD_MB)
    data = {"field": field, "text": committed, "base": _base(committed), "seen": state.get("typed"),
            "whose": _base(person), "told": st.session_state.get(f"{key}_told"),
            "drop_words": {"choose-files": t("Choose files"), "choose-file": t("Choose a file"),
                           "drop-files": t("Drop them here"), "refused-files": refused,
                           "remove-file": t("Remove {name}", name="{name}")},
            **button}  # fmt: skip

    def pressed() -> None:
        said = (st.session_state.get(key) or {}).get("pressed") or {}
        if said.get("epoch") == _epoch() and said["at"] != st.session_state.get(f"{key}_told"):
            st.session_state[f"{key}_told"] = said["at"]
            on_pressed(said)

    _draw(_COMPOSER, key=key, data=data, default={"typed": None, "pressed": None}, on_typed_change=lambda: None,
          on_pressed_change=pressed)  # fmt: skip


def mount_lines(*, key: str, label: str, text: str, typed: int, on_text: Callable[[str], None]) -> None:
    """A field for a long list that tells us its text while a person types, and as it closes; see `lines.js`.

    Whatever stands there is the person's, until `typed` is another number: then it is `text` again.
    """
    data = {"label": label, "text": text, "typed": typed}

    def told() -> None:
        said = (st.session_state.get(key) or {}).get("text")
        if isinstance(said, str):
            on_text(said)

    _draw(_LINES, key=key, data=data, default={"text": None}, on_text_change=told)


def mount_recall(*, key: str, data: Mapping[str, Any]) -> None:
    """Draws the list of earlier prompts, as wide as it is; it tells Python nothing. See `recall.js`."""
    _draw(_COMPONENTS["recall"], key=key, width="content", data={**data, "ack": 0})


def mount_news(*, key: str, url: str, data: Mapping[str, Any]) -> None:
    """Has the fragment that it stands in drawn anew when the socket at `url` says so; see `news.js`.

    `data`: `revision`, what the fragment has seen, None where that is not known; and what else concerns it: `every`
    (seconds), `leisurely`, `title`.
    """
    ring = (st.session_state.get(key) or {}).get("news", 0)
    _draw(_NEWS, key=key, data={"url": url, "ring": ring, **data}, default={"news": 0}, on_news_change=lambda: None)


def style_page() -> None:
    """What `page.css` says of Streamlit's own parts, before the first of them is drawn: later it would move them."""
    st.html(_STYLE)  # styles alone, so that it takes no room on the page


def begin_page() -> None:
    """What each page draws first: an unseen mark, by which `page.js` notices that Streamlit has emptied it."""
    st.html("<i class='picture-desk-page'></i>")


def mount_page(page: str) -> None:
    """On every page, after all else of it: where it is scrolled to, and which language it has; see `page.js`.

    `found` in the session is what a page lists (`of`) and how it says how much that is, which is then said aloud.

    `filled` in the session names the last filling of the form, which is then shown. `lang` is told to the document.
    """
    data = {"page": page, "filled": st.session_state.get("filled", ""), "lang": language(),
            "found": st.session_state.pop("found", None)}  # fmt: skip
    _draw(_PAGE, key="page_frame", data=data, on_vanished_change=give_back)
    st.session_state.update(whole=False, undrawn=set())


def give_back() -> None:
    """Has every field told what stands in it. To be called before they are drawn, where the page has vanished.

    Streamlit tells a field its value once, in the drawing that the browser has thrown away; in the next the prompt
    would stand empty, and the button would buy what nobody sees. Switches are left alone: they cannot be told from
    buttons, which nobody may set.
    """
    for name, value in list(st.session_state.items()):
        each = value if isinstance(value, list | tuple) else [value]
        if each and all(isinstance(one, str | int | float | date) and not isinstance(one, bool) for one in each):
            st.session_state[name] = value


def field_now(key: str, committed: str) -> tuple[bool, bool]:
    """Whether the field is empty, and whether it differs from the text we have: what the watcher last saw.

    It speaks of the text it was given; what it said of an earlier one no longer counts. It is drawn after the button
    that asks, so that it leaves no gap above it.
    """
    seen = (st.session_state.get(key) or {}).get("typed") or {}
    if seen.get("base") != _base(committed):
        return not committed.strip(), False
    return bool(seen.get("empty")), bool(seen.get("edited"))


def text_lost(key: str, committed: str) -> str | None:
    """What was typed over the text we have and never reached us, told once; None where nothing was."""
    seen = (st.session_state.get(key) or {}).get("typed") or {}
    if "lost" not in seen or seen.get("base") != _base(committed) or seen["at"] == st.session_state.get(f"{key}_found"):
        return None
    st.session_state[f"{key}_found"] = seen["at"]
    return str(seen["lost"])


def _base(text: str) -> str:
    return f"{len(text)}-{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def start_clock() -> None:
    """Notes the server's time once per full run: browsers count seconds from it and stay right when theirs is wrong."""
    st.session_state["clock"], st.session_state["whole"] = time.time(), True


def _epoch() -> str:
    epoch: str = st.session_state.setdefault("epoch", secrets.token_hex(8))
    return epoch


def left_undrawn() -> bool:
    """Whether this run of a part shows nothing of something that was pressed in another: they came as one request, and
    Streamlit draws of it the part that was named first."""
    return bool(not st.session_state.get("whole") and st.session_state.get("undrawn"))


def _deliver(key: str, on_event: Callable[[str, str], None]) -> None:
    ack = st.session_state.get(f"{key}_ack", 0)
    for event in st.session_state[key].get("events") or []:
        if event["epoch"] == _epoch() and event["seq"] > ack:
            # Acknowledged first: an act that fails half-way must not be done twice.
            st.session_state[f"{key}_ack"] = ack = event["seq"]
            st.session_state.setdefault("undrawn", set()).add(key)
            on_event(event["act"], event["id"])
