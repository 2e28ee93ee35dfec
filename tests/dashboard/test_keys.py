"""The table of keys and the files that hear them: whatever a key does is listed by `?`, and nothing else is."""

import re
from pathlib import Path

import pytest
from room import Room, drawn

from dashboard import language
from dashboard.components import keys

COMPONENTS = Path(keys.__file__).parent
NAMED = r"\b(Arrow(?:Left|Right|Up|Down)|Home|End|PageUp|PageDown|Enter|Escape|Delete|Backspace|Tab)\b"
LISTENERS = sorted(file.stem for file in COMPONENTS.glob("*.js") if '"keydown"' in file.read_text(encoding="utf-8"))


def heard(file: str) -> set[str]:
    """The keys that a file compares with: named ones wherever they stand, a character behind `key ===` or alike."""
    code = re.sub(r"(?m)(^|\s)//.*$", "", (COMPONENTS / f"{file}.js").read_text(encoding="utf-8"))
    found = set(re.findall(NAMED, code)) | set(re.findall(r'\b(?:key|letter) === "(.)"', code))
    for characters in re.findall(r'"(\w+)"\.includes\((?:event\.)?key\)', code):
        found |= set(characters)
    return found


def listed() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for page in keys.GROUPS:
        for group in keys.groups(page):
            found.setdefault(group.file, set()).update(*(key.heard for key in group.keys))
    return found


@pytest.mark.parametrize("file", [name for name in LISTENERS if name != "kit"])
def test_the_sheet_lists_every_key_that_is_heard_and_no_other(file: str) -> None:
    assert listed().get(file, set()) == heard(file)


def test_the_sheet_lists_the_keys_that_press_the_buttons_of_a_picture() -> None:
    code = (COMPONENTS / "actions.py").read_text(encoding="utf-8")
    assert listed()["actions"] == set(" ".join(re.findall(r'"keys": "([A-Z ]+)"', code)).split())


def test_no_key_is_taken_from_streamlit() -> None:
    taken = {key.lower() for of in listed().values() for key in of}
    assert taken & {"c", "r"} == set()


@pytest.mark.parametrize("page", ["generate", "history", "compare", "settings"])
def test_every_page_lists_its_keys_in_the_language_of_its_reader(form_room: Room, page: str) -> None:
    app = form_room.open(page)
    english = drawn(app, "keys")["groups"]
    app.session_state["language"] = "zh"
    chinese = drawn(app.run(), "keys")["groups"]
    told = language.translations("zh")
    assert [[told[title], [[caps, told[does]] for caps, does in rows]] for title, rows in english] == chinese
