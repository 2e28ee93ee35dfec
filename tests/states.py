"""The screens in their states, one after the other, for whoever looks at each of them (`Eyes`).

A walk wants a desk with a few finished and failed requests whose prompts hold `WORD`; whatever else is there does not
matter.
"""

import re

from eyes import PHONE, Eyes
from past import S, Was
from person import Person
from pictures import animated_gif, png
from playwright.sync_api import Page, expect

from data.db import Database
from data.history import History
from data.ledger import Ledger, person_scope
from data.money import MICRO
from data.preferences import Preferences
from data.query import Choice, Query
from data.removal import Removal
from data.saved_views import SavedViews
from data.schema import Batch
from data.templates import Templates

WORD = "沙丘风筝"
FINISHED = [
    Was(f"{WORD}, failed twice", S.FAILED), Was(f"{WORD}, failed", S.FAILED, cause="generation_failed"),
    Was(f"{WORD}, cancelled", S.CANCELLED), Was(f"A red one of {WORD}"), Was(f"A blue one of {WORD}", size=(480, 640)),
]  # fmt: skip
"""Of a past: whatever a desk's own workers leave alone."""


def furnish(url: str) -> None:
    """What a person has kept before the walk: a template with a blank, a view, and a budget."""
    db = Database(url)
    Templates(db).save("local", "Kites by colour", "A {colour} kite over {place}", {}, team=True)
    SavedViews(db).save("local", "What failed", Query(status=Choice(("failed",))))
    Ledger(db).set_budget(person_scope("local"), 5_000 * MICRO, who="local")
    db.close()


def show_as_one(url: str, batch: str, name: str, size: int) -> None:
    """Tasks that share this `batch` become one card, as of one that was looked through before it was started."""
    db = Database(url)
    with db.transaction() as session:
        session.add(Batch(id=batch, person="local", name=name, origin="lines", size=size, cap_micro=40 * MICRO))
    db.close()


def speaks(url: str, language: str) -> None:
    """From the next visit on."""
    db = Database(url)
    Preferences(db).remember("local", language=language)
    db.close()


def generate(eyes: Eyes, person: Person) -> None:
    """The form, and what opens over it."""
    page = person.page
    eyes.look("the form")
    person.opens_the_models()
    eyes.look("the list of models")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    eyes.look("the list of keys")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Earlier prompts").click()
    expect(page.get_by_role("menu", name="Earlier prompts")).to_be_visible()
    eyes.look("earlier prompts")
    page.keyboard.press("Escape")
    _templates(eyes, page)
    _shelf(eyes, page)
    _batch(eyes, page)
    page.get_by_role("button", name="By address").click()
    expect(page.get_by_label("Address of a picture", exact=True)).to_be_visible()
    eyes.look("a picture by its address")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Address of a picture", exact=True)).to_have_count(0)
    person.adds(*((f"{name}.png", "image/png", png(64 + n, 64)) for n, name in enumerate("ab")))
    person.adds(("dance.gif", "image/gif", animated_gif()))
    expect(page.locator(".st-key-slots").get_by_role("alert")).to_contain_text("is a GIF")
    person.types("y" * 5001)
    page.get_by_label("Prompt", exact=True).blur()
    expect(page.get_by_role("alert").filter(has_text="5,000 characters")).to_be_visible()
    eyes.look("references, refusals and an error")


def _templates(eyes: Eyes, page: Page) -> None:
    page.get_by_role("button", name="Templates").click()
    dialog = page.get_by_role("dialog", name="Templates")
    dialog.get_by_text("Save the prompt in the form").click()
    expect(dialog.get_by_role("button", name="Edit: Kites by colour").first).to_be_visible()
    eyes.look("templates")
    dialog.get_by_role("button", name="Edit: Kites by colour").first.click()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_visible()
    eyes.look("a template edited")
    dialog.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Use: Kites by colour").first.click()
    expect(dialog).to_have_count(0)
    eyes.look("the blanks of a template")
    page.get_by_role("button", name="Keep as plain text").click()
    expect(page.locator(".st-key-blanks_panel")).to_have_count(0)


def _shelf(eyes: Eyes, page: Page) -> None:
    page.get_by_role("button", name="From History").click()
    dialog = page.get_by_role("dialog", name="From History")
    dialog.locator(".book").first.click()
    expect(dialog.locator(".book.picked")).to_have_count(1)
    eyes.look("the shelf of History")
    dialog.locator(".book.picked").click()
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_have_count(0)


def _batch(eyes: Eyes, page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Batch")).click()
    dialog = page.get_by_role("dialog", name="Batch")
    dialog.get_by_label("One prompt a line").fill("a red kite\n\na red kite\na boat\n" + "y" * 5001)
    expect(dialog.get_by_text("is left out", exact=False).first).to_be_visible()
    eyes.look("a batch from a list")
    dialog.get_by_role("radio", name="CSV file").click()
    expect(dialog.get_by_text("The first line names the columns")).to_be_visible()
    eyes.look("a batch from a file")
    dialog.get_by_role("radio", name="Paste a list").click()
    expect(dialog.get_by_label("One prompt a line")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def drawer(eyes: Eyes, person: Person, task: str, name: str, *, menu: bool = False) -> None:
    """One task whole; with its ⋯ menu open."""
    page = person.opens(f"/history?task={task}").page
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Details for support")
    eyes.look(f"the drawer of {name}")
    if menu:
        dialog.get_by_role("button", name="More").click()
        eyes.look(f"the menu of {name}")
        dialog.get_by_role("menuitem", name="Compare with…").click()
        expect(page.get_by_text("Compare with what?")).to_be_visible()
        eyes.look("the choice of a second")
        page.keyboard.press("Escape")
        expect(page.get_by_text("Compare with what?")).to_have_count(0)


def history(eyes: Eyes, person: Person) -> None:
    """The list, what is chosen of it, and what opens over it."""
    page = person.opens(f"/history?q={WORD}").page
    expect(page.locator(".tile")).to_have_count(len(FINISHED))
    eyes.look("the list")
    first, gone = page.locator(".tile").first, page.locator(".tile.gone")
    first.focus()
    page.keyboard.press("Space")
    eyes.look("one selected")
    page.keyboard.press("t")
    eyes.look("its tags")
    page.keyboard.press("Escape")
    expect(first).to_be_focused()
    page.keyboard.press("Delete")
    expect(gone).to_have_count(1)
    eyes.look("one deleted, and Undo")
    _restore(person, first.get_attribute("data-key"))  # Undo may be over by now: it is offered for seconds
    person.opens(f"/history?q={WORD}")
    expect(page.locator(".tile")).to_have_count(len(FINISHED))
    _over_the_list(eyes, page)
    page.get_by_label("Search", exact=True).fill(f"{WORD} nothing of that cost:much")
    expect(page.get_by_text(re.compile("^No match among"))).to_be_visible()
    eyes.look("a search without a match")


def _restore(person: Person, task: str | None) -> None:
    assert task is not None
    db = Database(person.desk.database_url)
    Removal(db).restore([task], who="local")
    db.close()


def _over_the_list(eyes: Eyes, page: Page) -> None:
    _fold(eyes, page)
    eyes.look("the filters unfolded")
    for name in ("Date", "Model", "Person"):
        page.get_by_role("button", name=name, exact=True).click()
        eyes.look(f"the choice of {name}")
        page.keyboard.press("Escape")
    _fold(eyes, page)
    page.get_by_role("button", name="Views").click()
    expect(page.get_by_role("button", name="What failed")).to_be_visible()
    eyes.look("saved views")
    page.get_by_role("button", name="Rename").first.click()
    expect(page.get_by_role("dialog", name="Rename the view")).to_be_visible()
    eyes.look("a new name for a view")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Save this view…").click()
    expect(page.get_by_role("dialog", name="Save this view")).to_be_visible()
    eyes.look("saving a view")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More").click()
    eyes.look("what is done with a whole list")
    page.get_by_role("menuitem", name="Export as CSV…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    eyes.look("an export")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def _fold(eyes: Eyes, page: Page) -> None:
    """Opens the filters of a phone, or closes them; a wide page has them in sight either way."""
    before = eyes.scheme, eyes.size
    eyes.turn(eyes.scheme, PHONE)
    page.get_by_role("button", name=re.compile("^Filters")).click()
    eyes.turn(*before)


def other_lists(eyes: Eyes, person: Person) -> None:
    """What failed, by cause; and what was deleted."""
    page = person.opens("/history?status=failed").page
    expect(page.locator(".cause").first).to_be_visible()
    eyes.look("what failed, by cause")
    page.locator(".tile").first.focus()
    page.keyboard.press("Delete")
    expect(page.locator(".tile.gone")).to_have_count(1)
    person.opens("/history?view=deleted")
    page.locator(".tile").first.click()
    eyes.look("what was deleted, one selected")
    page.get_by_role("button", name="Bring back").click()


def results(eyes: Eyes, person: Person, batch: str) -> None:
    """A batch as a table; one of its pictures selected."""
    page = person.opens(f"/results?batch={batch}").page
    cell = page.locator(".st-key-results .cell:has(img)").first
    expect(cell).to_be_visible()
    eyes.look("the results of a batch")
    cell.focus()
    page.keyboard.press("Space")
    eyes.look("one of the results selected")


def several(eyes: Eyes, person: Person, *tasks: str) -> None:
    """More than two beside one another."""
    named = "&".join(f"{letter}={task}" for letter, task in zip("abcdef", tasks, strict=False))
    person.opens(f"/compare?{named}")
    expect(person.page.get_by_role("img", name=re.compile(f"^{len(tasks)}: "))).to_be_visible()
    eyes.look(f"{len(tasks)} compared")


def lost(eyes: Eyes, person: Person, task: str) -> None:
    """One whose file is gone from storage: on its tile, and in the drawer, which offers to bring it back."""
    db, page = Database(person.desk.database_url), person.page
    (output,) = History(db).detail(task).outputs
    db.close()
    for copy in person.desk.state_dir.rglob(f"*{output.sha256}*"):
        copy.unlink()
    person.opens("/history")
    expect(page.get_by_text("File missing", exact=False).first).to_be_visible()
    eyes.look("a file that is missing")
    person.opens(f"/history?task={task}")
    expect(page.get_by_role("button", name="Restore from provider")).to_be_visible()
    eyes.look("the drawer of one whose file is missing")


def in_chinese(eyes: Eyes, person: Person, task: str, batch: str, pair: tuple[str, ...]) -> None:
    """Where people spend their day, in the other language; the next visit is in English again."""
    speaks(person.desk.database_url, "zh")
    named = "&".join(f"{letter}={one}" for letter, one in zip("ab", pair, strict=True))
    for path, there, state in (
        ("/", "li.batch", "the form, with a batch"),
        ("/history", ".tile", "the list"),
        ("/history?status=failed", ".cause", "what failed"),
        (f"/history?task={task}", "[role=dialog] .prompt", "the drawer"),
        (f"/compare?{named}", ".st-key-pair img", "two compared"),
        (f"/results?batch={batch}", ".st-key-results .cell", "the results of a batch"),
        ("/settings", ".st-key-settings", "the settings"),
    ):
        person.opens(path)
        expect(person.page.locator(there).first).to_be_visible()
        expect(person.page.locator("html")).to_have_attribute("lang", "zh")
        eyes.look(f"{state}, in Chinese")
    speaks(person.desk.database_url, "en")


def compare(eyes: Eyes, person: Person, a: str, b: str, modes: tuple[str, ...]) -> None:
    """One picture and what it may be compared with; then two."""
    person.opens(f"/compare?a={a}&b=nothing")
    expect(person.page.get_by_role("alert")).to_be_visible()
    eyes.look("one to compare, and a broken link")
    for mode in modes:
        person.opens(f"/compare?a={a}&b={b}&mode={mode}")
        expect(person.page.get_by_role("img", name=re.compile("^B: "))).to_be_visible()
        eyes.look(f"two compared, {mode}")
