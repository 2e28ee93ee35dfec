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


CARRY = """(target, [kind, links]) => {
  const held = new DataTransfer(), { left, top } = target.getBoundingClientRect();
  held.setData(kind === "paste" ? "text/plain" : "text/uri-list", links);
  const at = { clientX: left + 9, clientY: top + 9 }, about = { bubbles: true, cancelable: true, ...at };
  const made = kind === "paste" ? new ClipboardEvent(kind, { ...about, clipboardData: held })
    : new DragEvent(kind, { ...about, dataTransfer: held });
  target.dispatchEvent(made);
}"""
TAKEN_ALONG = """tile => {
  const held = new DataTransfer();
  tile.dispatchEvent(new DragEvent("dragstart", { bubbles: true, composed: true, dataTransfer: held }));
  return held.getData("text/uri-list");
}"""
"""What a drag takes along: to another window of the desk, where no test can let go of it."""


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


def test_pictures_of_the_desk_are_carried_here_and_an_address_is_pasted(person: Person) -> None:
    page, slots = person.page, person.page.locator(".st-key-slots li[data-slot]")
    zone, veil = page.locator(".st-key-drop_zone"), page.get_by_text("Drop to use as reference")
    person.chooses("2")
    person.types("a kite to carry away")
    person.presses_generate()
    person.sees("a kite to carry away", "succeeded", 2)
    person.card("a kite to carry away").first.get_by_role("img").drag_to(zone)
    expect(slots).to_have_count(1)
    expect(slots.locator("b")).to_contain_text("a-kite-to-carry-away_")
    expect(slots).to_contain_text("1024 × 1024")  # the picture itself, and no file of its thumbnail
    history = page.context.new_page()
    history.goto(f"{person.desk.url}/history?q=carry")
    tiles = history.get_by_role("option", name="a kite to carry away")
    expect(tiles).to_have_count(2)
    first, second = tiles.nth(0), tiles.nth(1)
    first.locator(".tick").click()
    second.locator(".tick").click()
    expect(second).to_have_attribute("aria-selected", "true")
    links = first.evaluate(TAKEN_ALONG)
    assert len(links.split()) == 2, "whoever carries one that is selected carries all"
    history.close()
    expect(veil).to_have_count(0)
    zone.evaluate(CARRY, ["dragover", links])
    expect(veil).to_be_visible()
    zone.evaluate(CARRY, ["drop", links])
    expect(veil).to_have_count(0)
    expect(slots).to_have_count(2)  # one of them was here already
    person.settles()
    zone.evaluate(CARRY, ["paste", "http://127.0.0.1:1/cat.png?token=mine"])
    refusal = page.locator(".st-key-slots").get_by_role("alert")
    expect(refusal).to_contain_text("cat.png could not be fetched. Files are not fetched from port 1. Nothing was")
    field(page).evaluate(CARRY, ["paste", "http://127.0.0.1:1/dog.png"])
    person.settles()
    expect(page.locator(".st-key-slots")).not_to_contain_text("dog.png")


def test_a_file_is_pasted_and_another_dropped(person: Person) -> None:
    page = person.page
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()  # in our words: Streamlit has but English
    files = {"paste": ("pasted.png", "image/png", png()), "drop": ("phone.jpg", "image/jpeg", phone_jpeg())}
    for kind, (name, mime, data) in files.items():
        zone = page.locator(".st-key-drop_zone [data-testid=stFileUploaderDropzone]")
        zone.evaluate(HAND_OVER, [kind, name, mime, base64.b64encode(data).decode()])
        expect(page.locator(".st-key-slots li[data-slot]", has_text=name)).to_be_visible()
        person.settles()
    expect(page.locator(".st-key-slots")).to_contain_text("rotated upright")


def test_what_the_drop_zone_says_to_who_listens_are_our_words(person: Person) -> None:
    person.adds(("kite.png", "image/png", png()))
    zone = person.page.locator(".st-key-drop_zone section")
    expect(person.page.locator(".st-key-slots li[data-slot]")).to_have_count(1)
    for _ in range(2):  # and once more after Streamlit has made its parts anew
        person.adds(("notes.txt", "text/plain", b"no picture"))
        expect(zone.get_by_role("alert").last).to_have_text(
            "Not taken: not a picture that can be used, or over 100 MB."
        )
        names = zone.get_by_role("button").evaluate_all("all => all.map((one) => one.ariaLabel)")
        assert {*names} == {"Choose files", "Remove notes.txt"}
        person.types("a red kite")
        person.settles()


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
