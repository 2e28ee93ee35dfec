"""The screens in English and in Chinese: nothing lacks a translation, and no translation loses a value."""

import pickle
import re
import string
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from room import Room, drawn
from sentences import said

from dashboard.language import LANGUAGES, translations
from data.sentences import Sentence

ROOT = Path(__file__).resolve().parents[2]
HAN = "[\u4e00-\u9fff]"
OTHERS = [one for one in LANGUAGES if one != "en"]


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_has_a_translation(language: str) -> None:
    assert said() - translations(language).keys() == set()


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_slots_of_its_sentence(language: str) -> None:
    wrong = {text: other for text, other in translations(language).items() if slots(text) != slots(other)}
    assert wrong == {}


def test_nothing_is_translated_that_nobody_says() -> None:
    assert translations("zh").keys() - said() == set()


def test_a_chinese_translation_is_in_chinese() -> None:
    """But for keys of a keyboard, and for what has no words of its own."""
    worded = {text: re.sub("{[a-z_]+}|Shift", "", other) for text, other in translations("zh").items()}
    assert [text for text, rest in worded.items() if re.search("[A-Za-z]{2}", rest) and not re.search(HAN, rest)] == []


def test_markup_in_chinese_ends_where_it_should() -> None:
    """Markdown takes stars for the end of bold type only where no punctuation stands before them, or a blank after."""
    wrong = r"\*\*[^*]+[，。：；？！）”]\*\*[^\s，。：；？！）”]"
    assert [other for other in translations("zh").values() if re.search(wrong, other)] == []


def test_a_chinese_translation_is_set_as_chinese_is() -> None:
    """Full-width punctuation beside Chinese, a blank between Chinese and Latin, and nobody is addressed as 您."""
    tight = rf"{HAN}[A-Za-z]|[A-Za-z]{HAN}|{HAN} ?[,;:?!]|[,;:?!] ?{HAN}|{HAN}[.](?!toml)|{HAN} {HAN}|您|［"
    assert {text: other for text, other in translations("zh").items() if re.search(tight, other)} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_translated_in_two_ways(language: str) -> None:
    """Files of two areas may both have a word like "Open", so that each can be read by itself; but the same word."""
    found = set()
    for file in (ROOT / "dashboard" / "locales" / language).glob("*.toml"):
        found |= set(tomllib.loads(file.read_text(encoding="utf-8")).items())
    assert [text for text, many in Counter(text for text, _ in found).items() if many > 1] == []


def test_a_sentence_survives_a_cache() -> None:
    sentence = Sentence("Image {number} is too large.", number=2)
    again = pickle.loads(pickle.dumps(sentence))
    assert (again, again.template, again.values) == ("Image 2 is too large.", sentence.template, {"number": 2})


def test_a_chosen_language_speaks_at_once_and_at_the_next_visit(form_room: Room) -> None:
    app = form_room.open("settings")
    app.segmented_control(key="speak").set_value("zh").run()
    assert "关于我" in [one.value for one in app.header]
    assert drawn(app, "page_frame")["lang"] == "zh"
    assert "关于我" in [one.value for one in form_room.open("settings").header]
