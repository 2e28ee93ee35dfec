"""The screens in a made-up language, in which every text of ours stands in ⟦…⟧: what does not was never translated.

Prompts, names, models, settings of the machine and what a provider said are not ours, and stay as they are.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from room import MODELS, Room
from sentences import said
from streamlit.testing.v1 import AppTest

from dashboard import language, retold
from data.catalog import catalog
from data.requests import validate
from data.settling import Word

PROMPT = "七 red kites"
THEIRS = {"no"}
"""What the provider says here."""
READ = {"label", "help", "placeholder", "body", "value", "options", "content", "text", "title", "caption", "alt"}
"""Fields of Streamlit's elements that people read."""
FOR_PROGRAMS = {
    "ack", "act", "base", "button", "clock", "draw", "epoch", "field", "filled", "full", "href", "icon", "id", "key",
    "kind", "lang", "mode", "name_of", "page", "picture", "pieces", "prompt", "ref", "seen", "src", "state", "sha256",
    "task", "thumb", "tone", "url", "version", "value", "whose", "ids", "revision", "at", "box", "details", "view",
    "keys", "write", "form", "of",
}  # fmt: skip
"""Fields of our components' data that are not, or are the person's own words."""
OTHERS = ("Google", "ByteDance", "kie.ai", "local", "PNG", "JPEG", "WebP", "Made up", "English", "kB", "MB", "timeout",
          "Seedream", "Veo", "Sora", "Ctrl", "Alt", "Shift", "Enter", "Esc", "Space", "Tab", "Home", "End", "Delete",
          "Backspace")  # fmt: skip
"""Names and units, which are alike in every language, and what the provider said here."""


@pytest.fixture
def made_up(form_room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    words = {text: f"⟦{text}⟧" for text in said()}
    monkeypatch.setitem(language.LANGUAGES, "xx", "Made up")
    monkeypatch.setattr(language, "_spoken", lambda _: "xx")
    for module in (language, retold):
        monkeypatch.setattr(module, "translations", lambda of: words if of == "xx" else {})
    return form_room


def in_every_state(room: Room) -> dict[str, str]:
    """A task in each, by what it is."""
    made = {"done": room.ask(PROMPT, output_format="png").id}
    room.done(2)
    for cause in ("generation_failed", "policy"):
        made[cause] = room.ask(PROMPT).id
        room.fail(cause)
    made["doubt"] = room.ask(PROMPT).id
    room.doubt()
    made["sending"] = room.ask(PROMPT).id
    room.claim()
    made["fetching"] = room.ask(PROMPT).id
    claim = room.running()
    word = Word("succeeded", f"p-{claim.submission_id}", ("http://h/1.png",), charged_micro=4_000_000)
    room.submissions.apply(claim.submission_id, word)
    made["running"] = room.ask(PROMPT).id
    room.running()
    made["cancelled"] = room.ask(PROMPT).id
    room.tasks.cancel(made["cancelled"], who="local")
    made["queued"] = room.ask(PROMPT).id
    return made


def shown(app: AppTest) -> Iterator[str]:
    """Every text on the page that a person reads or hears."""
    for node in _nodes(app._tree):
        proto = getattr(node, "proto", None)
        if proto is None or not hasattr(proto, "DESCRIPTOR"):
            continue
        told = MessageToDict(proto)
        if node.type == "bidi_component":
            text = proto.json or proto.mixed.json
            yield from _strings(json.loads(text) if text else {})
        elif "json" not in told:
            yield from _strings(told, read=False)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _nodes(child)


def _strings(value: Any, *, read: bool = True) -> Iterator[str]:
    """The texts of an element, or with `read` off those of its fields alone that people read."""
    if isinstance(value, str) and read:
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one, read=read)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in FOR_PROGRAMS and not (name == "text" and value.get("act") == "copy"):
                yield from _strings(one, read=read or name in READ)


def left_over(text: str) -> str:
    """What stands outside of every ⟦…⟧ and is a word of ours, as far as its looks tell."""
    # Of markup, what is read; names of settings and anchors are nobody's words.
    text = re.sub(r"(?s)<style>.*?</style>|<dt>.*?</dt>|<[^>]+>|\]\(#\w+\)", " ", text)
    before = ""
    while before != text:
        before, text = text, re.sub("⟦[^⟦⟧]*⟧", " ", text)
    models = [spec.label for spec in catalog().models] + [choice.name for choice in catalog().choices]
    ids = [spec.id for spec in catalog().models]
    for name in sorted([*models, *ids, *OTHERS, PROMPT], key=len, reverse=True):
        text = text.replace(name, " ")
    text = re.sub(
        r"`[^`]*`|:material/\w+:|:[a-z]+(-badge)?\[|https?://\S+|\b[0-9a-z]{20,}\b|\b[a-z]-[0-9a-z]{20,}\b", " ", text
    )
    return " ".join(re.findall(r"[A-Za-z]{2}[A-Za-z’' ]*", text)).strip()


def english(app: AppTest) -> list[str]:
    assert not app.exception
    return [text for text in shown(app) if text not in THEIRS and left_over(text)]


def all_english(room: Room, visits: list[tuple[str, dict[str, str]]]) -> dict[str, list[str]]:
    """By page, what is not translated."""
    found = {f"{page} {query}": english(room.open(page, **query)) for page, query in visits}
    return {where: texts for where, texts in found.items() if texts}


def test_no_page_shows_a_word_that_is_not_translated(made_up: Room) -> None:
    made_up.say_hello()
    made = in_every_state(made_up)
    made_up.ledger.set_budget("team", 500_000_000, who="local")
    for name, ok, message in (
        ("storage", True, "12 GB free."), ("webhook", True, "A call to http://h came home in 0.12 s."),
        ("provider:kie", False, "The provider account is out of credits. It waits; an admin can top up the account."),
        ("pictures", False, "2 stored pictures are missing or damaged. What the provider still keeps is restored free, "
         "where its picture is open in History; else bring it back from a backup. Nothing is deleted, and nothing is "
         "paid again."), ("catalogue", True, "49 models on offer."),
    ):  # fmt: skip
        made_up.health.report(name, ok=ok, message=message)
    visits: list[tuple[str, dict[str, str]]] = [
        ("generate", {}), ("history", {}), ("history", {"status": "failed"}), ("history", {"view": "deleted"}),
        ("history", {"q": "cost:x model:nope by:me xyz"}), ("compare", {}),
        ("compare", {"a": made["done"]}), ("compare", {"a": made["done"], "b": f"{made['done']}.2"}),
        ("compare", {"a": made["queued"]}), ("settings", {}), ("results", {}),
    ]  # fmt: skip
    visits += [("history", {"task": made[state]}) for state in ("done", "policy", "doubt", "running", "queued")]
    grid = [validate(catalog().require(model), PROMPT, {}, ()) for model in MODELS[::2] for _ in range(2)]
    tasks = made_up.tasks.create(grid, person="local")
    for end in (made_up.fail, made_up.done, made_up.doubt):
        end()
    visits += [
        ("results", {"batch": tasks[0].batch_id}),
        ("compare", {"a": made["done"], "b": f"{made['done']}.2", "c": tasks[1].id}),
    ]
    assert all_english(made_up, visits) == {}


def test_a_practice_desk_without_a_server_speaks_too(made_up: Room) -> None:
    assert all_english(made_up, [(page, {}) for page in ("generate", "history", "settings")]) == {}
    made_up.say_hello(practice=True)
    made_up.ask(PROMPT)
    made_up.done()
    assert all_english(made_up, [(page, {}) for page in ("generate", "settings")]) == {}
