"""By hand (`make accessible`): every screen in every state, by day and by night, on a desktop and on a phone.

What `accessible_day.py` sees once and cheaply, and what only a desk of its own can be brought into: nothing there yet,
what is under way or in doubt, a sign-in, a catalogue that cannot be read, a database that does not answer.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import states
from eyes import Eyes
from past import Past, S, Was
from person import Person
from playwright.sync_api import Page, expect
from processes import Desk, wait_until

SIGN_IN = """
[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
server_metadata_url = "http://localhost:1/.well-known/openid-configuration"
cookie_secret = "nobody signs in here, but Streamlit asks for one"
client_id = "desk"
client_secret = "y"
"""
UNDER_WAY = (S.RUNNING, S.FETCHING, S.UNCONFIRMED)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Where the desk looks for a sign-in; there is none until a test writes one."""
    return tmp_path / "secrets.toml"


@pytest.fixture
def lone_desk(tmp_path: Path, secrets: Path) -> Iterator[Desk]:
    """A desk whose database is put together, and taken apart, by hand, so that nobody audits it at the end."""
    desk = Desk(tmp_path / "desk", {"STREAMLIT_SECRETS_FILES": str(secrets)}).start()
    yield desk
    desk.stop()


def test_nothing_is_found_in_any_state_in_any_light_in_any_size(
    lone_desk: Desk, secrets: Path, page: Page, tolerated: list[str]
) -> None:
    tolerated += ["404", "WebSocket"]  # a file that is missing, a server that is away
    eyes, person = Eyes(page, every=True), Person(page, lone_desk)
    for path in ("/", "/history", "/compare", "/history?view=deleted"):
        person.opens(path)
        eyes.look(f"{path} for the first time")
    past = Past(lone_desk.state_dir, lone_desk.database_url)
    *failed, a, b = past.write(states.FINISHED)
    states.furnish(lone_desk.database_url)
    states.generate(eyes, person.opens())
    states.history(eyes, person)
    states.other_lists(eyes, person)
    states.drawer(eyes, person, failed[0], "one that failed")
    states.drawer(eyes, person, b, "one that is done", menu=True)
    states.compare(eyes, person, a, b, ("side", "slider", "difference"))  # a flicker looks like one of the two
    grid = past.write([
        Was(f"{prompt} in a table", state, model=model, batch="of-a-table")
        for prompt in ("风筝", "A very long prompt " * 30)
        for model, state in (("google/nano-banana", S.SUCCEEDED), ("seedream/4.5-text-to-image", S.FAILED))
    ])  # fmt: skip
    states.results(eyes, person, "of-a-table")
    states.several(eyes, person, a, b, grid[0])
    states.several(eyes, person, a, b, grid[0], grid[2])
    states.lost(eyes, person, *past.write([Was("one whose file is gone", size=(800, 240))]))
    person.opens("/settings")
    eyes.look("the settings")

    states.show_as_one(lone_desk.database_url, "of-a-table", "Kites of two models", len(grid))
    person.starts_afresh()
    expect(page.locator("li.batch")).to_be_visible()
    eyes.look("a batch among the cards")
    states.in_chinese(eyes, person, b, "of-a-table", (a, b))
    working = past.write([Was(f"{state} 风筝", state) for state in UNDER_WAY])
    person.opens()
    expect(page.locator("li.card[data-state=running]")).to_be_visible()
    eyes.look("what is under way")
    page.get_by_role("button", name="Give up and try again").click()
    eyes.look("a question")
    page.keyboard.press("Escape")
    states.drawer(eyes, person, working[-1], "one in doubt")
    without_the_server(eyes, person)
    in_trouble(eyes, person, secrets)
    past.close()
    print(f"{eyes.states} states, {eyes.looks} looks")
    eyes.assert_well()


def without_the_server(eyes: Eyes, person: Person) -> None:
    """History while nobody sends and fetches: it says so, and shows what there is."""
    page, server = person.page, person.desk.pids["callback_server"]
    person.opens("/history")
    os.kill(server, signal.SIGSTOP)  # what is killed is started again

    def silent() -> bool:
        person.opens("/history")
        return page.get_by_role("alert").filter(has_text="callback server").is_visible()

    wait_until(silent, 60, every=2, what="the page says that its server is silent")
    eyes.look("the list without its server")
    os.kill(server, signal.SIGCONT)


def in_trouble(eyes: Eyes, person: Person, secrets: Path) -> None:
    """What a person meets where the desk itself is not well. In this order: nothing comes back from the last."""
    page, state = person.page, person.desk.state_dir

    def restarts(change: Callable[[], object]) -> None:
        page.goto("about:blank")  # an open page would rightly complain
        person.desk.stop()
        change()
        person.desk.start()

    restarts(lambda: (state / "catalog.toml").write_text("[[models"))
    person.opens()
    expect(page.get_by_role("alert").filter(has_text="catalog.toml").first).to_be_visible()
    eyes.look("a catalogue that cannot be read")
    (state / "catalog.toml").unlink()
    secrets.write_text(SIGN_IN)
    person.opens()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_role("link", name="History")).to_have_count(0)
    eyes.look("a sign-in")
    restarts(secrets.unlink)  # Streamlit keeps a sign-in that it has read
    person.opens()
    card = page.locator("li.card", has=page.get_by_role("button", name="Star")).first
    card.get_by_role("button", name="Star").hover()  # which scrolls to it
    page.evaluate("() => eyes.rest()")
    place = card.bounding_box()
    other = Eyes(page.context.new_page(), every=True)
    tile = Person(other.page, person.desk).opens("/history").page.locator(".tile").first
    tile.focus()
    (state / "picture-desk.sqlite").write_bytes(b"this is no database any more" * 1000)
    card.get_by_role("button", name="Star").click()
    expect(page.get_by_text("Live updates paused")).to_be_visible()
    assert card.bounding_box() == place, "nothing moves under the mouse"
    eyes.look("a page that waits for the database")
    other.page.keyboard.press("f")
    expect(other.page.get_by_text("Live updates paused")).to_be_visible()
    other.look("a list that waits for the database")
    eyes.troubles += other.troubles
    for path in ("/", "/history"):
        person.opens(path)
        expect(page.get_by_role("alert").filter(has_text="The database does not answer")).to_be_visible()
        eyes.look(f"{path} without a database")
