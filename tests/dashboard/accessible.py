"""By hand (`make accessible`): every screen in every state, by day and by night, on a desktop and on a phone.

What `accessible_day.py` sees once and cheaply, and what only a desk of its own can be brought into: nothing there yet,
what is under way or in doubt, a sign-in, a catalogue that cannot be read, a database that does not answer.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import states
from eyes import Eyes
from past import Past, S, Was
from person import Person
from playwright.sync_api import Page, expect
from processes import Desk

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


def test_nothing_is_found_in_any_state_in_any_light_in_any_size(lone_desk: Desk, secrets: Path, page: Page) -> None:
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
    person.opens("/settings")
    eyes.look("the settings")

    working = past.write([Was(f"{state} 风筝", state) for state in UNDER_WAY])
    person.opens()
    eyes.look("what is under way")
    page.get_by_role("button", name="Give up and try again").click()
    eyes.look("a question")
    page.keyboard.press("Escape")
    states.drawer(eyes, person, working[-1], "one in doubt")
    in_trouble(eyes, person, secrets)
    past.close()
    print(f"{eyes.states} states, {eyes.looks} looks")
    eyes.assert_well()


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
    eyes.look("a sign-in")
    restarts(secrets.unlink)  # Streamlit keeps a sign-in that it has read
    person.opens()
    card = page.locator("li.card", has=page.get_by_role("button", name="Star")).first
    card.get_by_role("button", name="Star").hover()  # which scrolls to it
    place = card.bounding_box()
    (state / "picture-desk.sqlite").write_bytes(b"this is no database any more" * 1000)
    card.get_by_role("button", name="Star").click()
    expect(page.get_by_text("Live updates paused")).to_be_visible()
    assert card.bounding_box() == place, "nothing moves under the mouse"
    eyes.look("a page that waits for the database")
    for path in ("/", "/history"):
        person.opens(path)
        expect(page.get_by_text("The database does not answer").first).to_be_visible()
        eyes.look(f"{path} without a database")
