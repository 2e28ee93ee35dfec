"""What people really type and drop, and what they read when it cannot be used; nothing of it is charged by accident."""

import pytest
from local import local
from person import DONE, Person
from pictures import (
    animated_gif,
    cmyk_jpeg,
    huge_header_png,
    large_jpeg,
    phone_jpeg,
    png,
    text_named_png,
    transparent_png,
    truncated_png,
    webp,
)
from playwright.sync_api import Page, expect
from processes import Desk

PROMPTS = {
    "Chinese": "一只熊猫在竹林里喝茶，水彩画",
    "Arabic": "قارب أزرق صغير في البحر عند الغروب",
    "emoji": "🦊 in the 🌧️, 👩‍👩‍👧 watching",
    "one character": "猫",
    "quotes and newlines": "She said \"hello\" and 'bye'\nthen\ttwo lines: `x` \\ end",
    "HTML": "<script>alert(1)</script><b>bold</b> &amp; <img src=x onerror=alert(2)>",
    "dollars and braces": "$x^2$ costs $5 {name} {{y}} %s :smile: **not bold** [a](http://b)",
    "5,000 characters": "a very long story " * 277 + "the end.......",
}

FILES = {
    "phone": ("phone.jpg", "image/jpeg", phone_jpeg, "rotated upright"),
    "transparent": ("logo.png", "image/png", transparent_png, "logo.png"),
    "webp": ("shot.webp", "image/webp", webp, "shot.webp"),
    "over the limit": ("big.jpg", "image/jpeg", large_jpeg, " → "),
    "cmyk": ("print.jpg", "image/jpeg", cmyk_jpeg, "CMYK converted to RGB"),
}
REFUSED = {
    "gif": (
        "dance.gif",
        "image/gif",
        animated_gif,
        "is a GIF, which cannot be used here. Nothing was charged. Save the picture",
    ),
    "text": ("notes.png", "image/png", text_named_png, "is text, not a picture. Nothing was charged."),
    "truncated": ("half.png", "image/png", truncated_png, "is damaged or was not copied completely."),
    "giant": ("giant.png", "image/png", huge_header_png, "million pixels"),
}


@pytest.fixture
def person(shared_desk: Desk, page: Page) -> Person:
    """Somebody who has just opened the desk, with an empty form."""
    return Person(page, shared_desk).starts_afresh()


def test_prompts_are_sent_and_shown_to_the_letter(person: Person) -> None:
    assert len(PROMPTS["5,000 characters"]) == 5000
    first = person.page.locator("li.card").first
    for prompt in PROMPTS.values():
        person.types(prompt)
        person.presses_generate()
        expect(first.locator("p.prompt")).to_have_text(prompt)
        person.settles()
    for card in person.page.locator("li.card").all()[: len(PROMPTS)]:
        expect(card).to_have_attribute("data-state", "succeeded", timeout=DONE)
    creates = local.get(f"{person.desk.sandbox_url}/sandbox/ledger").json()["creates"]
    assert set(PROMPTS.values()) <= {row["prompt"] for row in creates}


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_prompt_over_the_models_limit_is_refused_before_anything_is_spent(person: Person) -> None:
    person.types("x" * 5001)
    person.page.get_by_label("Prompt", exact=True).blur()
    expect(person.page.get_by_role("alert").filter(has_text="5,000 characters")).to_contain_text(
        "Nothing was charged. Shorten it by 1."
    )
    expect(person.button).to_be_disabled()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the files never meet the database
def test_each_reference_is_taken_and_says_what_was_done_to_it(person: Person) -> None:
    person.adds(*((name, mime, make()) for name, mime, make, _ in FILES.values()))
    slots = person.page.locator(".st-key-slots li.slot")
    for slot, (_, _, _, note) in enumerate(FILES.values()):
        expect(slots.nth(slot)).to_contain_text(note)
        image = slots.nth(slot).get_by_role("img").first
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


COPY = """async () => {
  const painted = new OffscreenCanvas(300, 300);
  painted.getContext("2d").fillRect(0, 0, 300, 300);
  const picture = await painted.convertToBlob();
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
}"""


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the files never meet the database
def test_a_picture_that_is_pasted_while_somebody_writes_is_a_reference_and_a_text_is_a_text(person: Person) -> None:
    person.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    prompt, slots = person.page.get_by_label("Prompt", exact=True), person.page.locator(".st-key-slots li.slot img")
    person.page.evaluate("navigator.clipboard.writeText('a kite')")
    prompt.press("ControlOrMeta+v")
    expect(prompt).to_have_value("a kite")
    person.page.evaluate(COPY)
    prompt.press("ControlOrMeta+v")
    expect(slots).to_have_count(1)
    expect(prompt).to_have_value("a kite")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the files never meet the database
def test_references_that_cannot_be_used_are_refused_with_a_sentence_each(person: Person) -> None:
    person.adds(*((name, mime, make()) for name, mime, make, _ in REFUSED.values()))
    refusals = person.page.locator(".st-key-slots").get_by_role("alert")
    for name, _, _, sentence in REFUSED.values():
        expect(refusals.filter(has_text=name)).to_contain_text(sentence)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_ten_references_at_once_are_taken_and_an_eleventh_is_named_as_too_many(person: Person) -> None:
    files = [(f"n{n}.png", "image/png", png(64 + n, 64)) for n in range(10)]
    person.adds(*files)
    expect(person.page.locator(".st-key-slots li.slot")).to_have_count(10)
    person.settles()
    person.adds(("n10.png", "image/png", png(90, 64)))
    person.types("eleven")
    person.page.get_by_label("Prompt", exact=True).blur()
    expect(person.page.get_by_role("alert").filter(has_text="at most 10 reference images")).to_be_visible()
    expect(person.button).to_be_disabled()
