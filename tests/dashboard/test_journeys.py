"""A person at the desk, in a real browser, from an empty state to a saved picture, by every road of the first issue."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import databases_of
from engine import KEY, Engine
from local import local
from person import Person
from pictures import phone_jpeg, transparent_png
from PIL import Image
from playwright.sync_api import Page, expect
from processes import Desk, wait_until
from sqlmodel import select

from data.catalog import catalog
from data.db import Database
from data.history import History
from data.requests import validate
from data.schema import Submission
from data.status import TERMINAL, TaskStatus
from data.tasks import TaskStore

S = TaskStatus


DROP_THE_NEXT_CLICK = """document.querySelector(".st-key-generate").addEventListener(
  "click", (event) => event.stopPropagation(), { capture: true, once: true })"""
"""As Streamlit does with the click on a button that it has just replaced."""


@pytest.fixture
def person(shared_desk: Desk, page: Page) -> Person:
    """Somebody who has just opened the desk."""
    return Person(page, shared_desk).starts_afresh()


def ledger(desk: Desk) -> list[dict[str, object]]:
    """What the sandbox charged."""
    found: list[dict[str, object]] = local.get(f"{desk.sandbox_url}/sandbox/ledger").json()["charges"]
    return found


def test_text_to_image_and_the_original_in_one_click(person: Person, tmp_path: Path) -> None:
    person.types("A paper boat on a calm sea")
    person.presses_generate()
    person.sees("A paper boat", "succeeded")
    image = person.card("A paper boat").get_by_role("img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 1000
    with person.page.expect_download() as saving:
        person.card("A paper boat").get_by_role("link", name="Download").click()
    name = saving.value.suggested_filename
    assert re.fullmatch(r"a-paper-boat-on-a-calm-sea_.*\.png", name, re.IGNORECASE), name
    saving.value.save_as(tmp_path / name)
    with Image.open(tmp_path / name) as original:
        assert original.size == (1024, 1024)


TYPES_AT_ONCE = """
    new MutationObserver((_, observer) => {
      const field = document.querySelector(".st-key-prompt textarea");
      if (!field) return;
      observer.disconnect();
      field.focus();
      Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, "typed at once");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }).observe(document, { childList: true, subtree: true });
"""


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_typed_before_the_page_is_whole_counts(person: Person) -> None:
    person.page.add_init_script(TYPES_AT_ONCE)
    person.opens()
    expect(person.page.get_by_label("Prompt", exact=True)).to_have_value("typed at once")
    person.presses_generate()
    person.sees("typed at once", "succeeded")


def test_image_to_image_with_two_references(person: Person) -> None:
    person.types("Both as one travel poster")
    person.adds(("phone.jpg", "image/jpeg", phone_jpeg()), ("logo.png", "image/png", transparent_png()))
    expect(person.page.get_by_text("rotated upright")).to_be_visible()
    person.settles()
    person.presses_generate()
    person.sees("travel poster", "succeeded")
    creates = local.get(f"{person.desk.sandbox_url}/sandbox/ledger").json()["creates"]
    (made,) = [row for row in creates if "travel poster" in row["prompt"]]
    assert made["model"] == "google/nano-banana-edit"
    assert len(made["input"]["image_urls"]) == 2


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_seedream(person: Person) -> None:
    person.chooses("Seedream 4.5")
    person.types("A lighthouse by Seedream")
    person.page.set_viewport_size({"width": 390, "height": 844})  # where the cards stand far below the form
    person.presses_generate()
    card, prompt = person.card("lighthouse by Seedream"), person.page.get_by_label("Prompt", exact=True)
    expect(card).to_be_in_viewport(ratio=0.9)
    expect(person.button).to_be_in_viewport(ratio=1)
    person.sees("lighthouse by Seedream", "succeeded")
    expect(card).to_contain_text("Seedream 4.5")
    card.get_by_role("button", name="More").first.click()
    person.page.get_by_role("menuitem", name="Use again").click()
    expect(prompt).to_be_focused()
    expect(prompt).to_be_in_viewport(ratio=1)


def test_four_at_once_with_one_failing_keeps_the_other_three(person: Person) -> None:
    rule = {"fault": "fail", "value": "501", "nth": 2, "times": 1, "match": "four hills"}
    local.post(f"{person.desk.sandbox_url}/sandbox/faults", json=rule).raise_for_status()
    person.chooses("4")
    person.types("four hills")
    person.presses_generate()
    person.sees("four hills", "succeeded", 3)
    person.sees("four hills", "failed", 1)
    failed = person.page.locator("li.card[data-state=failed]", has_text="four hills")
    expect(failed).to_contain_text("The model could not make a picture of this. Nothing was charged. Try again")
    assert len([row for row in ledger(person.desk) if row["prompt"] == "four hills"]) == 3
    person.settles()
    expect(failed.locator(".figure")).to_be_visible()  # it failed under the mouse: nothing moves there
    person.page.reload()
    expect(failed.locator(".note")).to_be_visible()
    expect(failed.locator(".figure")).to_have_count(0)
    cards, page = person.page.locator("li.card", has_text="four hills"), person.page
    done = next(at for at in range(3) if cards.nth(at).get_attribute("data-state") == "succeeded")
    cards.nth(done).locator("button.figure").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Details for support")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    expect(cards.nth(done + 1).get_by_role("button").first).to_be_focused()  # the one that was seen last


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_reload_in_the_middle_shows_the_same_task(person: Person) -> None:
    person.types("slow river [[fault:slow=4]]")
    person.presses_generate()
    expect(person.card("slow river")).to_be_visible()
    person.page.reload()
    expect(person.card("slow river")).to_be_visible()
    expect(person.page.get_by_label("Prompt", exact=True)).to_have_value("slow river [[fault:slow=4]]")
    person.sees("slow river", "succeeded")


def test_a_second_browser_sees_the_same_task(person: Person, open_page: Callable[..., Page]) -> None:
    person.types("shared mountain [[fault:slow=3]]")
    person.presses_generate()
    expect(person.card("shared mountain")).to_be_visible()
    other = Person(open_page(), person.desk).opens()
    other.sees("shared mountain", "succeeded")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_form_keeps_what_was_typed_over_a_visit_to_another_page(person: Person) -> None:
    person.types("a draft about 熊猫 & <b>bold</b> $x$ {y}")
    expect(person.button).to_be_enabled()
    person.page.get_by_label("Prompt", exact=True).blur()
    person.settles()
    person.page.get_by_role("link", name="History").click()
    person.settles()
    person.page.get_by_role("link", name="Generate").click()
    expect(person.page.get_by_label("Prompt", exact=True)).to_have_value("a draft about 熊猫 & <b>bold</b> $x$ {y}")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_tap_on_a_link_leads_on_and_loses_no_text_that_was_not_sent_yet(person: Person) -> None:
    page, field = person.page, person.page.get_by_label("Prompt", exact=True)
    for text in ("a leaf", "a leaf in the wind", "a leaf in the rain"):
        person.types(text)
        page.get_by_role("link", name="History").click()  # of one tap the field tells after the link
        expect(page.locator("[data-testid=stTopNavLink][aria-current=page]")).to_contain_text("History")
        person.settles()
        expect(field).to_have_count(0)
        page.get_by_role("link", name="Generate").click()
        expect(field).to_have_value(text)


def test_an_impatient_person_pays_once(person: Person) -> None:
    person.types("double click")
    person.settles()
    person.button.dblclick()
    person.sees("double click", "succeeded")
    person.page.wait_for_timeout(1500)
    person.sees("double click", "succeeded", 1)
    person.types("a click that is dropped")
    person.settles()
    person.page.evaluate(DROP_THE_NEXT_CLICK)
    person.button.click()
    person.sees("a click that is dropped", "succeeded", 1)
    person.page.wait_for_timeout(2500)  # as long as it takes to be told again
    person.sees("a click that is dropped", "succeeded", 1)


def test_history_opens_one_and_uses_it_again(person: Person) -> None:
    person.types("an old harbour")
    person.presses_generate()
    person.sees("an old harbour", "succeeded")
    person.opens("/history")
    person.page.get_by_role("option", name=re.compile("an old harbour")).first.click()
    drawer = person.page.get_by_role("dialog")
    expect(drawer).to_contain_text("What happened")
    expect(person.page).to_have_url(re.compile(r"task=[0-9a-f-]{36}"))
    drawer.get_by_role("button", name="More").click()
    drawer.get_by_role("menuitem", name="Use again").click()
    prompt = person.page.get_by_label("Prompt", exact=True)
    expect(prompt).to_have_value("an old harbour")
    expect(prompt).to_be_focused()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_picture_is_public_only_to_whoever_has_its_link(person: Person) -> None:
    person.types("a private garden")
    person.presses_generate()
    person.sees("a private garden", "succeeded")
    link = person.card("a private garden").get_by_role("img").get_attribute("src") or ""
    assert local.get(link).status_code == 200
    assert "immutable" in local.get(link).headers["cache-control"]
    assert local.get(link.split("?")[0]).status_code == 403


def test_a_link_in_a_banner_leads_on_in_this_tab_and_back(person: Person) -> None:
    page = person.opens("/compare").page
    page.locator(".stAlert").get_by_role("link", name="Settings").click()
    expect(page.locator(".st-key-settings")).to_be_visible()
    assert len(page.context.pages) == 1
    page.go_back()
    expect(page.locator(".st-key-pair_empty")).to_be_visible()


def test_settings_tests_the_round_trip_and_shows_the_credits(person: Person) -> None:
    person.opens("/settings")
    expect(person.page.get_by_text("credits left").first).to_be_visible()
    person.page.get_by_role("button", name="Test the round trip").click()
    expect(person.page.get_by_text(re.compile(r"came home in"))).to_be_visible()


def test_a_doubt_is_given_up_and_tried_again_only_after_the_question(person: Person) -> None:
    rule = {"fault": "lost_request", "times": 1, "match": "nobody confirmed this"}
    local.post(f"{person.desk.sandbox_url}/sandbox/faults", json=rule).raise_for_status()
    person.types("nobody confirmed this")
    person.presses_generate()
    person.sees("nobody confirmed this", "unconfirmed")
    card = person.card("nobody confirmed this")
    expect(card).to_contain_text("Nothing was charged: it is practice.")
    expect(card.get_by_role("button", name="Check now")).to_have_count(0)
    question = person.page.get_by_role("dialog", name="Give up and try again?")
    for no in ("Escape", "Keep waiting"):
        card.get_by_role("button", name="Give up and try again").click()
        expect(question).to_contain_text("The first request was practice: nothing was charged for it.")
        expect(question.get_by_role("button", name="Keep waiting")).to_be_focused()
        if no == "Escape":
            person.page.keyboard.press(no)
        else:
            question.get_by_role("button", name=no).click()
        expect(question).to_have_count(0)
    person.sees("nobody confirmed this", "unconfirmed")
    card.get_by_role("button", name="Give up and try again").click()
    question.get_by_role("button", name="Give up and try again").click()
    person.sees("nobody confirmed this", "succeeded")
    assert len([row for row in ledger(person.desk) if row["prompt"] == "nobody confirmed this"]) == 1
    card.locator("button.figure").click()
    expect(person.page.get_by_role("dialog")).to_contain_text(re.compile("Given up and asked for again.*by you", re.S))


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_after_a_text_that_is_too_long_the_next_one_is_pressed_by_keyboard(person: Person) -> None:
    field, button = person.page.get_by_label("Prompt", exact=True), person.button
    person.types("y" * 5001)
    field.blur()
    error = person.page.get_by_role("alert").filter(has_text="5,000 characters")
    expect(error).to_be_visible()
    expect(button).to_be_disabled()
    field.fill("short enough now")
    expect(button).to_be_enabled()
    expect(error).to_have_count(0)
    field.press("Control+Enter")
    person.sees("short enough now", "succeeded")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_cancel_of_what_was_sent_looks_settled_and_warns_nobody_in_the_log(person: Person) -> None:
    person.types("cancelled in the middle [[fault:slow=4]]")
    person.presses_generate()
    person.sees("cancelled in the middle", "running")
    card = person.card("cancelled in the middle")
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_contain_text("Cancelling")
    expect(card.locator(".bar")).to_have_count(0)
    expect(person.page.get_by_text("It was sent already.")).to_be_visible()
    person.sees("cancelled in the middle", "succeeded")
    assert "triggered with a callback that displays" not in person.desk.log()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_an_idea_of_the_empty_page_fills_the_form_at_its_click(desk_factory: Callable[..., Desk], page: Page) -> None:
    person = Person(page, desk_factory()).opens()
    page.get_by_role("button", name="Use this").nth(2).click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(re.compile("Terraced tea fields"))
    expect(page.get_by_role("radio", name="16:9")).to_be_checked()
    person.types("a text of my own")
    person.presses_generate()
    person.sees("a text of my own", "succeeded")


def test_a_webhook_alone_brings_the_picture(desk_factory: Callable[..., Desk], page: Page) -> None:
    person = Person(page, desk_factory(env={"POLL_SECONDS": "600"})).opens()
    person.types("the poller sleeps")
    person.presses_generate()
    person.sees("the poller sleeps", "succeeded")


def turn_away(page: Page, *, hidden: bool) -> None:
    """What the browser tells a page whose tab is covered by another, or seen again."""
    page.evaluate(
        "on => { Object.defineProperty(document, 'hidden', { get: () => on, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_an_idle_page_hears_of_what_comes_also_after_nobody_looked_or_its_server_was_away(
    desk_factory: Callable[..., Desk], page: Page, tolerated: list[str]
) -> None:
    tolerated += ["WebSocket"]  # the browser says that it was refused
    person = Person(page, desk_factory()).opens()
    tasks = TaskStore(Database(person.desk.database_url))

    def elsewhere(prompt: str) -> None:
        tasks.create([validate(catalog().require("google/nano-banana"), prompt, {}, [])], person="local")

    elsewhere("from another window")
    person.sees("from another window", "succeeded")
    expect(page).to_have_title(re.compile("^Generate"))
    turn_away(page, hidden=True)
    elsewhere("while nobody looked [[fault:slow=4]]")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(person.card("while nobody looked")).to_have_count(0)
    turn_away(page, hidden=False)
    person.sees("while nobody looked", "succeeded")
    person.desk.kill("callback_server")
    elsewhere("while the server was away")
    person.sees("while the server was away", "succeeded")


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Engine]:
    """A provider somewhere else, with a key: as near to the real one as this machine has."""
    engine = Engine(tmp_path, databases_of("sqlite").fresh(tmp_path / "var"))
    engine.start("sandbox")
    yield engine
    engine.db.close()
    engine.kill("sandbox")


def test_with_a_key_and_no_public_address_polling_brings_the_picture(
    provider: Engine, desk_factory: Callable[..., Desk], page: Page
) -> None:
    names = ("NANO_BANANA_API_KEY", "NANO_BANANA_API_URL", "KIE_UPLOAD_URL", "DOWNLOAD_ALLOW_HOSTS")
    desk = desk_factory(env={name: provider.env[name] for name in names})
    person = Person(page, desk).opens()
    expect(page.get_by_text("Practice mode")).to_have_count(0)
    person.types("no public address")
    expect(person.button).to_contain_text("≈ 4 credits")
    person.presses_generate()
    person.sees("no public address", "succeeded")
    (charge,) = provider.ledger()["charges"]
    assert charge["callBackUrl"] is None
    assert KEY not in desk.log()
    environment = Path(f"/proc/{desk.pids['dashboard']}/environ").read_bytes()
    assert KEY.encode() not in environment


def test_kill_9_of_each_process_in_the_middle_of_ten_tasks_loses_nothing(desk_factory: Callable[..., Desk]) -> None:
    desk = desk_factory()
    db = Database(desk.database_url)
    history = History(db)
    request = validate(catalog().require("google/nano-banana"), "ten kites [[fault:slow=2]]", {}, [])
    for made, name in enumerate(("callback_server", "sandbox", "dashboard"), start=1):
        ids = [task.id for task in TaskStore(db).create([request] * 10, person="local")]
        wait_until(lambda ids=ids: all(history.card(i).status not in {S.QUEUED, S.SUBMITTING} for i in ids), 20)
        desk.kill(name)
        wait_until(lambda name=name: f"The {name} is back after" in desk.log(), 30, what=desk.log)
        assert f"The {name} was killed by SIGKILL; starting it again (1 of 3 within a minute)." in desk.log()
        wait_until(lambda ids=ids: all(history.card(i).status in TERMINAL for i in ids), 60)
        assert {history.card(i).status for i in ids} == {S.SUCCEEDED}
        assert len(ledger(desk)) == 10 * made
        with db.read() as session:
            assert len(list(session.exec(select(Submission)))) == 10 * made
    db.close()
