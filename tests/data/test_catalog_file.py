"""Catalogue files: what a broken one is told, what sets and an admin's entries do, how a change comes into force."""

import os
import threading
import time
from datetime import date
from pathlib import Path

import pytest

from data.catalog import CatalogError, LiveCatalog, load_catalog
from data.errors import PictureDeskError

pytestmark = pytest.mark.functions
ROOT = Path(__file__).resolve().parents[2]

GOOD = """[[model]]
id = "m"
label = "M"
family = "seedream"
provider = "kie"
mode = "edit"
prompt_max = 100
[model.references]
wire = "image_urls"
min = 1
max = 2
max_mb = 10
mimes = ["image/png"]
[[model.params]]
name = "quality"
wire = "q"
label = "Quality"
type = "enum"
allowed = ["a", "b"]
labels = { a = "A" }
default = "a"
[[model.prices]]
credits = "6.5"
as_of = 2026-01-01
source = "test"
when = { quality = "a" }
[[model.sizes]]
by = "quality"
pixels = { a = [1, 1] }
[[choice]]
name = "C"
edit = "m"
"""

BROKEN = [
    ('id = "m"\n', "", "model 1, id: is missing"),
    ('family = "seedream"', "family = 3", "model \"m\", family: Input should be 'nano-banana', 'seedream'"),
    ('mode = "edit"', 'mode = "video"', "model \"m\", mode: Input should be 'text', 'edit' or 'both'"),
    ("prompt_max = 100", "prompt_max = true", 'model "m", prompt_max: Input should be a valid integer'),
    ("prompt_max = 100", "prompt_max = 100.0", 'model "m", prompt_max: Input should be a valid integer'),
    ("prompt_max = 100", "prompt_max = 1\nprompt_min = 2", 'model "m": prompt_min is larger than prompt_max'),
    ("prompt_max = 100", "prompt_max = 1\nspeeed = 2", 'model "m", speeed: is not a key of the catalogue'),
    ('mode = "edit"', 'mode = "text"', 'model "m": references: none for text'),
    ("min = 1\n", "min = 3\n", 'model "m", references: min is larger than max'),
    ("max_mb = 10", "max_mb = 10\nsingle = true", 'model "m", references: single = true needs max = 1'),
    ("max_mb = 10", 'max_mb = 10\nroles = ["First"]', 'model "m", references: roles must be as many as max'),
    ('wire = "q"', 'wire = "prompt"', 'model "m": wire field "prompt" stands there twice'),
    ('wire = "q"', 'wire = "image_urls"', 'model "m": wire field "image_urls" stands there twice'),
    ('default = "a"', 'default = "z"', 'model "m", params "quality": default must be one of: a, b'),
    ('default = "a"', "default = [1]", 'model "m", params "quality", default: must be a text, a number, true or false'),
    ('allowed = ["a", "b"]', "allowed = [1, true]", 'model "m", params "quality": an allowed value has another type'),
    ('allowed = ["a", "b"]\n', "", 'model "m", params "quality": an enum must list its allowed values'),
    ('labels = { a = "A" }', 'labels = { c = "C" }', "labels for values that are not allowed: c"),
    ('credits = "6.5"', "credits = 6.5", 'model "m", prices 1, credits: must be a decimal number in quotes'),
    ('credits = "6.5"', 'credits = "six"', 'model "m", prices 1, credits: Input should be a valid decimal'),
    ('credits = "6.5"', 'credits = "NaN"', 'model "m", prices 1, credits: Input should be a finite number'),
    ('credits = "6.5"', 'credits = "0"', 'model "m", prices 1, credits: Input should be greater than 0'),
    ('credits = "6.5"', 'credits = "1.1234567"', 'model "m", prices 1, credits: Decimal input should have no more'),
    ("as_of = 2026-01-01", 'as_of = "soon"', 'model "m", prices 1, as_of: Input should be a valid date'),
    ('{ quality = "a" }', '{ size = "a" }', 'model "m": a price or size speaks of "size", which is no setting'),
    ('{ quality = "a" }', '{ quality = "z" }', 'model "m": a price or size has a value for "quality"'),
    ('by = "quality"', 'by = "shape"', 'model "m": a price or size speaks of "shape", which is no setting'),
    ("{ a = [1, 1] }", "{ z = [1, 1] }", 'model "m": a price or size has a value for "quality"'),
    ("[1, 1]", "[1, 0]", 'model "m", sizes 1, pixels, a 2: Input should be greater than or equal to 1'),
    ('edit = "m"', 'edit = "n"', 'choice "C", edit: there is no model "n"'),
    ('edit = "m"', 'text = "m"', 'choice "C", text: "m" is a model of mode edit'),
    ('edit = "m"\n', "", 'choice "C": names neither a text nor an edit model'),
    ('edit = "m"\n', 'edit = "m"\n[[choice]]\nname = "C"\nedit = "m"\n', 'choice "C" stands there twice'),
    ('wire = "q"', 'wire = ""', 'model "m": a setting without a wire field needs size_wire'),
    ('wire = "q"', 'wire = ""\nrequired = true', 'model "m": a setting without a wire field needs size_wire'),
    ('default = "a"', 'default = "a"\nwire_values = { c = "x" }', "wire_values for values that are not allowed: c"),
    ("prompt_max = 100", "prompt_max = 100\nfixed = { q = 1 }", 'model "m": wire field "q" stands there twice'),
    ("prompt_max = 100", 'prompt_max = 100\nsize_wire = "q"', 'model "m": wire field "q" stands there twice'),
    ("prompt_max = 100", "prompt_max = 100\nsize_pixels = [4, 9]", 'model "m": size 1x1 is not within size_pixels'),
    ('provider = "kie"', 'provider = "fal"', "model \"m\", provider: Input should be 'kie', 'gemini' or 'ark'"),
    ("prompt_max = 100", 'prompt_max = 100\nkind = "sound"', "model \"m\", kind: Input should be 'image' or 'video'"),
    ('credits = "6.5"', 'credits = "6.5"\nusd = "1"', 'model "m", prices 1: needs either credits or usd'),
    ('credits = "6.5"\n', "", 'model "m", prices 1: needs either credits or usd'),
    ('credits = "6.5"', 'credits = "6.5"\ntimes = "quality"', 'multiplied by "quality", which is no whole number'),
    (
        'credits = "6.5"',
        'credits = "1e999"',
        'model "m", prices 1, credits: Input should be less than or equal to 100000',
    ),
    ("prompt_max = 100", "prompt_max = 100\nsize_pixels = [1]", 'model "m", size_pixels 2: is missing'),
    ('"kie"', '"gemini"', 'model "m": gemini does not run seedream, only nano-banana'),
    ('"seedream"\nprovider = "kie"', '"veo"\nprovider = "ark"', 'model "m": ark does not run veo, only seedream'),
    (
        '"seedream"\nprovider = "kie"',
        '"nano-banana"\nprovider = "gemini"\nfixed = { thinkingBudget = 1 }',
        'model "m": gemini has no place for q, thinkingBudget, only for aspectRatio, imageSize, thinkingLevel',
    ),
    (
        "[[model.prices]]",
        '[[model.params]]\nname = "n"\nwire = "n"\nlabel = "N"\ntype = "int"\n[[model.prices]]\ntimes = "n"',
        'model "m": a price is to be multiplied by "n", which has no max',
    ),
    (
        "[model.references]",
        'size_wire = "size"\n[[model.params]]\nname = "steps"\nwire = ""\nlabel = "Steps"\n'
        'type = "int"\n[model.references]',
        '"steps" chooses a size that is sent, so it must list its allowed values',
    ),
    ("prompt_max = 100", 'prompt_max = 100\nsize_wire = "size"', "size_wire is set, but there is no size for: b"),
    ("prompt_max = 100", 'prompt_max = 100\nuse = ["s"]', 'model "m", use: there is no set "s"'),
    ("prompt_max = 100", "prompt_max = 100\nuse = 3", 'model "m", use: there is no set "3"'),
    ("[[model]]", "[[set]]\n[[model]]", "line 1: set 1: needs a name"),
    ("[[model]]", "set = 3\n[[model]]", "line 1: set: must be a list of tables"),
    ("[[choice]]", "[[choices]]", "choice: is missing"),
    ("[[model]]", "[[model", "cannot be read"),
]


def test_the_unbroken_file_is_accepted() -> None:
    assert load_catalog(GOOD).require("m").price({}, on=date(2026, 11, 23)) == 6_500_000


@pytest.mark.parametrize(("before", "after", "sentence"), BROKEN)
def test_a_broken_file_is_told_where_and_why(before: str, after: str, sentence: str) -> None:
    assert before in GOOD
    with pytest.raises(CatalogError) as caught:
        load_catalog(GOOD.replace(before, after, 1))
    assert str(caught.value).startswith("catalogue")
    assert sentence in str(caught.value)


def test_a_number_setting_refuses_a_default_outside_its_bounds() -> None:
    number = GOOD.replace(
        'type = "enum"\nallowed = ["a", "b"]\nlabels = { a = "A" }', 'type = "number"\nmin = 1\nmax = 10'
    )
    for wrong in ("11", "nan"):
        with pytest.raises(CatalogError, match='params "quality": default must be a number from 1 to 10'):
            load_catalog(number.replace('default = "a"', f"default = {wrong}"))


def test_every_set_that_is_not_there_is_told_with_the_line_that_wants_it(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text(SHARED + GOOD, encoding="utf-8")
    model = GOOD.partition("[[choice]]")[0].replace("prompt_max = 100", 'prompt_max = 100\nuse = ["shared", "a", "b"]')
    with pytest.raises(CatalogError) as caught:
        load_catalog(ours, admins(tmp_path, "# by hand\n" + model.replace('"m"', '"n"')))
    told = f'{tmp_path.name}/catalog.toml, line 9: model "n", use: there is no set '
    assert str(caught.value).splitlines() == [f'{told}"a"', f'{told}"b"']


def test_a_number_where_an_entry_should_be_is_told_as_its_own_fault() -> None:
    numbers = 'choice = []\nmodel = [{ id = "m", use = "s" }, 1]\n[[set]]\nname = "s"\nodd = [1]\n'
    with pytest.raises(CatalogError, match="line 2: model 2: "):
        load_catalog(numbers)


def test_two_models_of_one_id_are_refused() -> None:
    twice = GOOD + GOOD.partition("[[choice]]")[0]
    with pytest.raises(CatalogError, match='model id "m" stands there twice'):
        load_catalog(twice)


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(GOOD.replace('label = "M"\n', "").replace('source = "test"\n', ""), encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        load_catalog(file)
    assert str(caught.value).splitlines() == [
        f'{tmp_path.name}/models.toml, line 2: model "m", label: is missing',
        f'{tmp_path.name}/models.toml, line 21: model "m", prices 1, source: is missing',
    ]


LINES = [
    ('family = "seedream"', "family = 3", 4),
    ("max_mb = 10", 'max_mb = "ten"', 12),
    ('default = "a"', "default = [1]", 21),
    ('default = "a"', 'default = "z"', 15),  # what is wrong with a setting as a whole stands where it is named
    ('credits = "6.5"', "credits = 6.5", 23),
    ("[1, 1]", "[1, 0]", 29),
    ('edit = "m"\n', "", 31),
    ("prompt_max = 100", "prompt_max =", 7),
    ("prompt_max = 100", 'prompt_max = 100\nuse = ["s"]', 8),
]


@pytest.mark.parametrize(("before", "after", "line"), LINES)
def test_a_fault_is_told_with_its_line(before: str, after: str, line: int) -> None:
    with pytest.raises(CatalogError, match=rf"\bline {line}\b"):
        load_catalog(GOOD.replace(before, after, 1))


def test_a_line_is_that_of_the_entry_at_fault_and_not_of_one_like_it() -> None:
    second = (
        GOOD.partition("[[choice]]")[0].replace('id = "m"', 'id = "n"').replace("prompt_max = 100", "prompt_max = 0")
    )
    with pytest.raises(CatalogError, match=f'^catalogue, line {GOOD.count(chr(10)) + 7}: model "n", prompt_max: '):
        load_catalog(GOOD + second)


def test_a_file_that_is_missing_or_no_text_is_a_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'x = "\xff"')
    for name in ("latin.toml", "absent.toml"):
        with pytest.raises(PictureDeskError, match=f"{name}: cannot be read"):
            load_catalog(tmp_path / name)


# Sets and an admin's file

SHARED = """[[set]]
name = "shared"
speed = "fast"
[[set.params]]
name = "seed"
wire = "seed"
label = "Seed"
type = "int"
min = 0
"""


def test_a_set_brings_its_settings_first_and_the_entrys_own_word_counts() -> None:
    text = SHARED + GOOD.replace("prompt_max = 100", 'prompt_max = 100\nuse = ["shared"]')
    spec = load_catalog(text).require("m")
    assert [param.name for param in spec.params] == ["seed", "quality"]
    assert spec.speed == "fast"
    slow = load_catalog(text.replace("prompt_max = 100", 'prompt_max = 100\nspeed = "slow"')).require("m")
    assert slow.speed == "slow"


def test_a_fault_in_a_set_is_told_with_the_sets_name_and_line() -> None:
    text = GOOD.replace("prompt_max = 100", 'prompt_max = 100\nuse = ["shared"]') + SHARED.replace(
        "min = 0", "min = []"
    )
    with pytest.raises(CatalogError) as caught:
        load_catalog(text)
    line = text[: text.index("min = []")].count("\n") + 1
    assert f'catalogue, line {line}: model "m", params "seed" (of set "shared"), min' in str(caught.value)


def admins(folder: Path, text: str) -> Path:
    file = folder / "catalog.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_admins_entries_replace_ours_by_id_and_join_them_otherwise(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text(SHARED + GOOD, encoding="utf-8")
    model = GOOD.partition("[[choice]]")[0]
    theirs = model.replace('label = "M"', 'label = "Mine"')
    theirs += model.replace('id = "m"', 'id = "n"\nuse = ["shared"]')
    theirs += '[[choice]]\nname = "D"\nedit = "n"\n'
    merged = load_catalog(ours, admins(tmp_path, theirs))
    assert [(spec.id, spec.label) for spec in merged.models] == [("m", "Mine"), ("n", "M")]
    assert [choice.name for choice in merged.choices] == ["C", "D"]
    assert merged.require("n").param("seed") is not None
    assert load_catalog(ours, admins(tmp_path, "")) == load_catalog(ours)


@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        ('[[choice]]\nname = "D"\nedit = "gone"\n', 'catalog.toml: choice "D", edit: there is no model "gone"'),
        ('[[model]]\nid = "n"\nlabel = 3\n', 'catalog.toml, line 3: model "n", label: Input should be a valid string'),
        ("model = 3\n", "catalog.toml, line 1: model: Input should be a valid array"),
        ("[[modell]]\n", "catalog.toml, line 1: modell: is not a key of the catalogue"),
        ('[[model]]\nid = "m"\n[[model]]\nid = "m"\n', 'catalog.toml, line 2: model "m", label: is missing'),
        ("[[model]\n", "catalog.toml: cannot be read: "),
    ],
)
def test_a_fault_in_an_admins_file_is_told_as_its_own(tmp_path: Path, theirs: str, sentence: str) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text(GOOD, encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        load_catalog(ours, admins(tmp_path, theirs))
    assert f"{tmp_path.name}/{sentence}" in str(caught.value)


def test_the_entry_that_the_readme_shows_is_a_model_of_its_own(tmp_path: Path) -> None:
    shown = (ROOT / "README.md").read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    merged = load_catalog(ROOT / "data" / "catalog.toml", admins(tmp_path, shown))
    spec = merged.require("seedream/6-pro")
    assert [param.name for param in spec.params] == ["aspect_ratio", "output_format"]
    assert spec.price({}, on=date(2026, 12, 1)) == 8_000_000
    assert merged.choices[-1].name == "Seedream 6 Pro"


# A catalogue that changes while it is used


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveCatalog:
    """Two files that do not wait a second between looks: the first holds GOOD, the second is not there."""
    monkeypatch.setattr("data.catalog.LOOK_SECONDS", 0.0)
    ours = tmp_path / "ours.toml"
    ours.write_text(GOOD, encoding="utf-8")
    return LiveCatalog(ours, tmp_path / "catalog.toml")


NEW = GOOD.replace('"m"', '"next-month"').replace('name = "C"', 'name = "Next month"')


def test_a_model_is_added_by_an_entry_alone_and_without_a_restart(live: LiveCatalog, tmp_path: Path) -> None:
    assert live.now().get("next-month") is None
    admins(tmp_path, NEW)
    assert live.now().require("next-month").price({}, on=date(2025, 12, 31)) is None
    assert [choice.name for choice in live.now().choices] == ["C", "Next month"]
    (tmp_path / "catalog.toml").unlink()
    assert [live.now().get("next-month") is None for _ in range(5)] == [False, False, False, True, True]
    assert live.trouble() == ""


def test_a_file_that_an_editor_takes_away_for_a_moment_stays_in_force(live: LiveCatalog, tmp_path: Path) -> None:
    file = admins(tmp_path, NEW)
    before = live.now()
    for _ in range(5):
        file.rename(tmp_path / "aside")
        assert live.now() == before
        assert f"{tmp_path.name}/catalog.toml is gone. Its entries are dropped if it does not come " in live.trouble()
        (tmp_path / "aside").rename(file)
        assert live.trouble() == ""
        assert live.now() == before


def test_a_file_that_cannot_be_looked_at_is_trouble_and_not_a_file_that_is_not_there(
    live: LiveCatalog, tmp_path: Path
) -> None:
    file = admins(tmp_path, NEW)
    before = live.now()
    file.rename(tmp_path / "aside")
    file.symlink_to(file)  # every look ends in an error of the system
    assert {id(live.now()) for _ in range(9)} == {id(before)}
    assert f"{tmp_path.name}/catalog.toml: cannot be read: " in live.trouble()
    started = LiveCatalog(tmp_path / "ours.toml", file)
    assert started.incomplete()
    assert not live.incomplete()
    (tmp_path / "aside").rename(file)
    assert [each.now().get("next-month") is None for each in (live, started)] == [False, False]
    assert [each.trouble() for each in (live, started)] == ["", ""]
    assert not started.incomplete()


def test_a_broken_change_leaves_the_old_one_in_force_and_says_where_it_is_broken(
    live: LiveCatalog, tmp_path: Path
) -> None:
    admins(tmp_path, NEW)
    before = live.now()
    admins(tmp_path, NEW.replace('label = "M"', "label = 3"))
    assert live.now() is before
    assert live.trouble() == (
        f"A change of the catalogue is not in force: {tmp_path.name}/catalog.toml, line 3: "
        'model "next-month", label: Input should be a valid string'
    )
    admins(tmp_path, NEW.replace('label = "M"', 'label = "Mended"'))
    assert live.trouble() == ""
    assert live.now().require("next-month").label == "Mended"


def test_a_start_with_a_broken_admins_file_is_one_with_our_own_entries(live: LiveCatalog, tmp_path: Path) -> None:
    admins(tmp_path, "[[model]]\n")
    assert [spec.id for spec in live.now().models] == ["m"]
    faults = live.trouble().partition(": ")[2].split(" · ")
    assert faults[:2] == [
        f"{tmp_path.name}/catalog.toml, line 1: model 1, id: is missing", "line 1: model 1, label: is missing",
    ]  # fmt: skip
    assert faults[3:] == ["and 3 more"]  # than one wants to read at once


def test_a_start_without_the_admins_entries_is_incomplete_until_they_are_in_force_once(
    live: LiveCatalog, tmp_path: Path
) -> None:
    file = admins(tmp_path, "[[model]]\n")
    assert live.incomplete()
    assert live.trouble() == f"Nothing is sent, because the admin's models cannot be read: {live.halt()}"
    file.write_text("[[model]\n", encoding="utf-8")  # another fault
    assert live.incomplete()
    file.write_text(NEW, encoding="utf-8")
    assert (live.incomplete(), live.halt()) == (False, "")
    file.write_text("[[model]\n", encoding="utf-8")  # what is in force now is what the tasks were made of
    assert (live.incomplete(), live.halt()) == (False, "")
    assert live.trouble().startswith("A change of the catalogue is not in force: ")
    assert live.now().get("next-month") is not None


def test_a_start_without_an_admins_file_is_complete(live: LiveCatalog, tmp_path: Path) -> None:
    assert not live.incomplete()
    admins(tmp_path, "[[model]]\n")
    assert not live.incomplete()


@pytest.mark.parametrize("odd", ["size_pixels = [1]", f"seconds = 0x{'f' * 5000}"], ids=["short", "long"])
def test_whatever_a_changed_file_holds_nobody_who_asks_for_a_model_hears_of_it(
    live: LiveCatalog, tmp_path: Path, odd: str
) -> None:
    before = live.now()
    admins(tmp_path, NEW.replace("prompt_max = 100", f"prompt_max = 100\n{odd}"))
    assert [live.now() is before for _ in range(3)] == [True, True, True]
    assert live.trouble()
    started = LiveCatalog(tmp_path / "ours.toml", tmp_path / "catalog.toml")
    assert started.now() == before
    assert started.incomplete()


def test_a_start_with_a_broken_catalogue_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        LiveCatalog(tmp_path / "absent.toml").now()


def test_another_state_folder_brings_its_own_entries(live: LiveCatalog, tmp_path: Path) -> None:
    admins(tmp_path, NEW)
    assert live.now().get("next-month") is not None
    live.follow(tmp_path / "elsewhere" / "catalog.toml")
    assert live.now().get("next-month") is None


def test_nobody_sees_the_catalogue_without_the_admins_entries_while_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.catalog.LOOK_SECONDS", 60.0)
    ours, pipe = tmp_path / "ours.toml", tmp_path / "catalog.toml"
    ours.write_text(GOOD, encoding="utf-8")
    live = LiveCatalog(ours)
    assert live.now().get("next-month") is None  # a program looks at our own entries before it knows its state folder
    os.mkfifo(pipe)  # a file that takes as long to read as we like
    seen: list[bool] = []
    workers = [
        threading.Thread(target=lambda: seen.append(live.now().get("next-month") is not None), daemon=True)
        for _ in range(2)
    ]

    def start() -> None:
        live.follow(pipe)
        for worker in workers:
            worker.start()

    program = threading.Thread(target=start, daemon=True)
    program.start()
    with pipe.open("w", encoding="utf-8") as admin:  # somebody reads it from here on
        time.sleep(0.2)
        early = list(seen)
        admin.write(NEW)
    for thread in (program, *workers):
        thread.join(5)
    assert (early, seen) == ([], [True, True])


def test_asking_is_cheap_and_looks_at_the_files_at_most_once_a_second(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text(GOOD, encoding="utf-8")
    live = LiveCatalog(ours)
    live.now()
    looked = time.monotonic()
    ours.write_text(GOOD.replace('label = "M"', 'label = "Later"'), encoding="utf-8")
    started = time.process_time()
    labels = {live.now().require("m").label for _ in range(10_000)}
    assert time.process_time() - started < 0.5
    assert labels == {"M"} or time.monotonic() - looked > 1
    deadline = time.monotonic() + 5
    while live.now().require("m").label == "M" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert live.now().require("m").label == "Later"


def test_no_thread_ever_sees_half_a_change(live: LiveCatalog, tmp_path: Path) -> None:
    """Every catalogue that is seen is whole: the model and the choice that names it come and go together."""
    odd: list[object] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen = live.now()
            if (seen.get("next-month") is None) != (len(seen.choices) == 1):
                odd.append(seen)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        fresh = tmp_path / "fresh"
        fresh.write_text(NEW, encoding="utf-8")
        fresh.replace(tmp_path / "catalog.toml")
        live.now()
        (tmp_path / "catalog.toml").unlink()
    stop.set()
    for thread in threads:
        thread.join()
    assert odd == []
