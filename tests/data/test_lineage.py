"""How a request comes of a task, and where in a prompt the words of a search stand."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pictures
import pytest
from room import Room

from data import fulltext
from data.catalog import catalog
from data.glances import Glances
from data.history import Detail
from data.hits import _words, marked, words_of
from data.images import StoredImage
from data.lineage import relation
from data.query_reading import read
from data.relation import Parent, Relation
from data.requests import GenerationRequest, validate

NANO, SEEDREAM = "google/nano-banana", "seedream/4.5-text-to-image"


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Room:
    return Room(tmp_path, database_url)


def made(room: Room, prompt: str = "a red kite over dunes") -> tuple[Detail, GenerationRequest]:
    """A finished task with one reference and one picture, and what it was asked with."""
    image = room.artifacts.take_reference(pictures.png(96, 64), "mood.png")
    spec = catalog().require("google/nano-banana-edit")
    request = validate(spec, prompt, {"aspect_ratio": "16:9"}, (image,))
    task = room.tasks.create([request], person="local")[0]
    room.errands.handed_over("kie", image.sha256, "http://h/ref", room.db.now() + timedelta(hours=20))
    room.errands.handover_done(task.id)
    room.done()
    return room.history.detail(task.id), request


def test_whoever_has_a_picture_of_it_as_a_reference_edits_it(room: Room) -> None:
    parent, request = made(room)
    output = parent.outputs[0]
    own = StoredImage(output.sha256, output.mime, output.width, output.height, output.size)
    assert relation(parent, replace(request, prompt="make it blue", references=(own,))) is Relation.EDIT
    mended = replace(own, sha256="f" * 64)
    assert relation(parent, replace(request, prompt="make it blue", references=(mended,))) is None
    assert relation(parent, replace(request, prompt="make it blue", references=(mended,)), {"f" * 64}) is Relation.EDIT


def test_the_same_with_another_seed_or_model_is_a_variation_and_with_other_settings_a_remix(room: Room) -> None:
    parent, request = made(room)
    assert relation(parent, request) is Relation.VARIATION
    assert relation(parent, replace(request, params=dict(request.params) | {"seed": 7})) is Relation.VARIATION
    assert relation(parent, replace(request, model=SEEDREAM)) is Relation.VARIATION
    assert relation(parent, replace(request, params=dict(request.params) | {"aspect_ratio": "1:1"})) is Relation.REMIX
    assert relation(parent, replace(request, prompt="a red kite over dunes at dawn")) is Relation.REMIX
    assert relation(parent, replace(request, prompt="something new")) is Relation.REMIX, "its reference is left"


def test_what_has_nothing_of_it_any_more_is_nobodys_child(room: Room) -> None:
    parent, request = made(room)
    assert relation(parent, replace(request, prompt="a bowl of soup", references=())) is None


def test_another_model_is_asked_once_while_it_is_under_way(room: Room) -> None:
    failed = room.ask()
    room.fail()
    other = validate(catalog().require(SEEDREAM), failed.prompt, {}, ())
    first = room.tasks.retry(failed.id, who="local", other=other)
    assert room.tasks.retry(failed.id, who="local", other=other).id == first.id
    assert (first.model, first.parent_id, first.relation) == (SEEDREAM, failed.id, Relation.RETRY)
    assert room.tasks.retry(failed.id, who="local").id == first.id, "the same wish"
    room.tasks.cancel(first.id, who="local")
    assert room.tasks.retry(failed.id, who="local", other=other).id != first.id


def test_the_references_of_several_tasks_are_one_read(room: Room) -> None:
    parent, request = made(room)
    plain = room.ask()
    found = room.history.detail(parent.card.id).inputs
    assert Glances(room.db).inputs([parent.card.id, plain.id]) == {parent.card.id: request.references}
    assert [row.sha256 for row in found] == [image.sha256 for image in request.references]


@pytest.mark.parametrize(
    ("asked", "text", "hits"),
    [
        ("kite", "A red Kite, and KITES", ["Kite", "KITES"]),
        ('"kite"', "A red Kite, and KITES", ["Kite"]),
        ("red kite", "a red kite", ["red", "kite"]),
        ('"red kite"', "a red kite; red; kite", ["red kite", "red; kite"]),
        ("cafe", "Le Café au lait", ["Café"]),
        ("ＡＢＣ", "abc and ＡＢＣ", ["abc", "ＡＢＣ"]),
        ("熊猫", "一只熊猫和一只猫", ["熊猫"]),
        ("猫", "熊猫 猫", ["猫", "猫"]),
        ("strasse", "die Straße", ["Straße"]),
        ("ガ", "カ\u3099ラス", ["カ\u3099"]),
        ("kite -blue model:seedream", "a blue kite", ["kite"]),
        ("<b>", "a <b>bold</b>", ["b", "b"]),
        ("zebra", "a red kite", []),
        ("", "a red kite", []),
    ],
)
def test_the_words_of_a_search_are_marked_as_they_were_found(asked: str, text: str, hits: list[str]) -> None:
    pieces = marked(text, words_of(read(asked).query))
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, hit in pieces if hit] == hits


@pytest.mark.parametrize("text", ["a-b 猫 ﬁsh Ⅷ x\u0301 \u0301y 한글 \u1112\u1161\u11ab ㈱ 👩‍🚀!", "plain, ascii text"])
def test_marking_splits_a_text_as_the_index_does(text: str) -> None:
    assert " ".join(word.text for word in _words(text)) == fulltext.split(text)


def test_a_task_made_with_a_parent_knows_it(room: Room) -> None:
    parent, request = made(room)
    child = room.tasks.create([request], person="local", parents=[Parent(parent.card.id, Relation.VARIATION)])[0]
    assert [kin.card.id for kin in room.history.family(child.id)] == [parent.card.id, child.id]
