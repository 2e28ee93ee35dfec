"""The table of keys and the files that hear them: whatever a key does is listed by `?`, and nothing else is."""

import re
from pathlib import Path

import pytest
from room import Room, drawn, tell

from dashboard import language
from dashboard.components import keymap, keys
from data.preferences import Preferences
from data.removal import Removal

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


def test_the_sheet_of_what_was_deleted_lists_what_the_grid_does_there_and_no_more(form_room: Room) -> None:
    task = form_room.ask()
    form_room.tasks.cancel(task.id, who="local")
    Removal(form_room.db).delete([task.id], who="local")
    app = form_room.open("history", view="deleted")
    grid, shown = drawn(app, "deleted"), drawn(app, "keys")["groups"]
    assert (grid["undo"], grid["newer"]) == (None, None)  # nothing for Z, and nothing for P
    of_a_list = set(re.findall(r'else if \(list .*?key === "(\w)"', (COMPONENTS / "gallery.js").read_text()))
    caps = {cap for title, rows in shown for keys_of, _ in rows if title == "Deleted" for cap in keys_of.split(" ")}
    assert of_a_list >= {"F", "T"}
    assert not caps & (of_a_list | {"Delete", "Z", "P"})
    assert {"Enter", "Space", "S", "N", "Ctrl+A", "Esc"} <= caps
    assert ["Enter", "Select or deselect"] in shown[0][1]
    assert [title for title, _ in shown] == ["Deleted", "Everywhere"]
    assert len(drawn(form_room.open("history"), "keys")["groups"]) > 2


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


STAR, TAGS, HELP = "gallery F", "gallery T", "keys ?"


def why(wanted: str, pressed: str, moved: dict[str, str] | None = None) -> str:
    return str(keymap.fault(keys.table(), wanted, pressed, moved or {}) or "")


def test_no_two_acts_that_are_heard_together_begin_with_one_key() -> None:
    for group in keys.table():
        for key in group.keys:
            if keymap.movable(key):
                assert [
                    why(keymap.name(group.file, key), one) for one in key.heard if len(one) == 1 and one != "？"
                ] == ["" for one in key.heard if len(one) == 1 and one != "？"]


@pytest.mark.parametrize(
    ("wanted", "pressed", "said"),
    [
        (STAR, "T", "T is taken: Pictures, Tags"),
        (STAR, "/", "/ is taken: Everywhere, Write"),
        (HELP, "S", "S is taken: Pictures, Select mode"),
        ("actions D", "Z", "Z is taken: The open picture, Look closer"),
        (STAR, "c", "C and R are Streamlit’s own"),
        (STAR, "Ctrl+R", "C and R are Streamlit’s own"),
        (STAR, "Ctrl+X", "without Ctrl"),
        (STAR, "Ctrl++", "without Ctrl"),
        (STAR, "ArrowLeft", "does the same everywhere"),
        (STAR, "Space", "does the same everywhere"),
    ],
)
def test_a_key_that_cannot_be_had_is_refused_with_the_reason(wanted: str, pressed: str, said: str) -> None:
    assert said in why(wanted, pressed)
    assert "Nothing was changed" in why(wanted, pressed)


def test_a_key_is_free_once_what_had_it_has_moved_away_and_not_before() -> None:
    assert why(STAR, "T", {TAGS: "X"}) == ""
    assert "taken: Pictures, Tags" in why(STAR, "X", {TAGS: "X"})
    assert why("pair S", "T") == "", "two pictures are compared on a page of their own"


def test_the_browser_reads_a_moved_key_as_that_of_the_table_and_the_old_one_as_nothing() -> None:
    assert keymap.readings(keys.table(), {}) == {}
    read = keymap.readings(keys.table(), {STAR: "T", TAGS: "X", "gallery gone": "Y"})
    assert read == {"gallery": {"F": "nothing", "T": "F", "X": "T"}}
    assert keymap.readings(keys.table(), {"actions F": "X"}) == {"actions": {"F": "nothing", "K": "nothing", "X": "F"}}


def test_a_key_that_was_moved_is_this_persons_and_the_sheet_and_the_browser_follow(form_room: Room) -> None:
    app = tell(form_room.open("settings"), "remap", "give", f"{STAR} X")
    assert Preferences(form_room.db).all("local")["keys"] == {STAR: "X"}
    tell(app, "remap", "give", f"{TAGS} X")
    assert "X is taken: Pictures, Star or unstar" in drawn(app, "remap")["list"]["fault"]
    later = form_room.open("history")
    (pictures,) = [rows for title, rows in drawn(later, "keys")["groups"] if title == "Pictures"]
    assert ["X", "Star or unstar"] in pictures
    assert drawn(later, "keys")["moved"] == {"gallery": {"F": "nothing", "X": "F"}}
    tell(app, "remap", "reset", STAR)
    assert Preferences(form_room.db).all("local")["keys"] == {}


def test_keys_that_are_moved_in_two_open_sessions_are_all_kept(form_room: Room) -> None:
    one, other = form_room.open("settings"), form_room.open("settings")
    tell(one, "remap", "give", f"{STAR} X")
    tell(other, "remap", "give", f"{TAGS} Y")
    assert Preferences(form_room.db).all("local")["keys"] == {STAR: "X", TAGS: "Y"}


@pytest.mark.parametrize(
    "group", [one for one in keys.table() if any(map(keymap.movable, one.keys))], ids=lambda group: group.file
)
def test_what_hears_a_key_that_may_be_moved_reads_it_as_its_own(group: keymap.Group) -> None:
    if group.file == "actions":  # their buttons bear the key that is pressed
        assert 'capOf("actions", first)' in (COMPONENTS / "kit.js").read_text(encoding="utf-8")
        return
    code = (COMPONENTS / f"{group.file}.js").read_text(encoding="utf-8")
    assert re.search(rf'key(?:Name|Of)\(event, "{group.file}"\)', code)
