"""What only a browser can show of Generate: earlier prompts by keys and by touch, files pasted and dropped, pictures
taken from History by keyboard."""

import base64
import re

import pytest
from person import Person
from pictures import phone_jpeg, png
from playwright.sync_api import Locator, Page, expect
from processes import Desk

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the other one looks just the same

HAND_OVER = """(target, [kind, name, mime, data]) => {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0)), held = new DataTransfer();
  held.items.add(new File([bytes], name, { type: mime }));
  const about = { bubbles: true, cancelable: true, clipboardData: held, dataTransfer: held };
  if (kind === "paste") target.dispatchEvent(new ClipboardEvent("paste", about));
  else for (const step of ["dragenter", "dragover", "drop"]) target.dispatchEvent(new DragEvent(step, about));
}"""


@pytest.fixture
def person(shared_desk: Desk, page: Page) -> Person:
    """Somebody who has just opened the desk."""
    return Person(page, shared_desk).starts_afresh()


def field(page: Page) -> Locator:
    return page.get_by_label("Prompt", exact=True)


def test_walking_through_earlier_prompts_loses_no_text_of_ones_own(person: Person) -> None:
    page, prompt = person.page, field(person.page)
    for text in ("the first of mine", "the second of mine"):
        person.types(text)
        person.presses_generate()
        person.sees(text, "succeeded")
    person.types("not sent yet")
    prompt.press("Alt+ArrowUp")
    expect(prompt).to_have_value("the second of mine")
    expect(page.locator(".st-key-recall").get_by_role("status")).to_have_text(re.compile(r"^Earlier prompt 1 of \d+$"))
    prompt.press("Alt+ArrowUp")
    expect(prompt).to_have_value("the first of mine")
    prompt.press("Alt+ArrowDown")
    prompt.press("Alt+ArrowDown")
    expect(prompt).to_have_value("not sent yet")
    prompt.press("Alt+ArrowDown")
    expect(page.locator(".st-key-recall").get_by_role("status")).to_contain_text("nothing newer")
    page.get_by_role("radio", name="Isometric icon").click()  # puts its own text in place of what was typed
    expect(prompt).to_have_value(re.compile("^Isometric icon"))
    person.settles()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Earlier prompts").click()
    page.get_by_role("menuitem", name="not sent yet").click()
    expect(prompt).to_have_value("not sent yet")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(person.button).to_be_in_viewport()


def test_a_file_is_pasted_and_another_dropped(person: Person) -> None:
    page = person.page
    files = {"paste": ("pasted.png", "image/png", png()), "drop": ("phone.jpg", "image/jpeg", phone_jpeg())}
    for kind, (name, mime, data) in files.items():
        zone = page.locator(".st-key-drop_zone [data-testid=stFileUploaderDropzone]")
        zone.evaluate(HAND_OVER, [kind, name, mime, base64.b64encode(data).decode()])
        expect(page.locator(".st-key-slots li[data-slot]", has_text=name)).to_be_visible()
        person.settles()
    expect(page.locator(".st-key-slots")).to_contain_text("rotated upright")


def test_a_picture_is_taken_from_history_by_keyboard_alone(person: Person) -> None:
    page = person.page
    person.types("a lamp to take from history")
    person.presses_generate()
    person.sees("a lamp to take from history", "succeeded")
    page.get_by_role("button", name="From History", exact=True).press("Enter")
    search = page.get_by_placeholder(re.compile("Words of the prompt"))
    search.fill("lamp to take")
    shelf = page.locator(".st-key-chooser .book")
    expect(shelf).to_have_count(1)
    shelf.press("Enter")
    expect(shelf).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Done").press("Enter")
    slot = page.locator(".st-key-slots li[data-slot]")
    expect(slot).to_contain_text("a-lamp-to-take-from-history")
    expect(page.get_by_role("dialog")).to_have_count(0)
