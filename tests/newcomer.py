"""A model that is added by an entry alone, while the desk runs: shown, used, and kept in force beside a broken file.

`tests/roads.py` prints it as a table, `tests/dashboard/test_roads.py` holds its first half as a promise.
"""

import re
from collections.abc import Callable
from typing import Any

from local import local
from person import Person
from playwright.sync_api import Error, Page, expect
from processes import Desk, wait_until

from data.catalog import LOOK_SECONDS, OVERRIDE
from data.db import Database
from data.history import Card
from data.query import Query
from data.search import Search

NAME, ID, LABEL = "Next Month", "next/month", "Next Month 1"
ENTRY = f"""
[[choice]]
name = "{NAME}"
text = "{ID}"

[[model]]
id = "{ID}"
wire_model = "google/nano-banana"
label = "{LABEL}"
family = "nano-banana"
provider = "kie"
mode = "text"
use = ["kie shape of nano-banana", "kie format of nano-banana", "google 1K of the first nano-banana"]
prompt_max = 400

[[model.prices]]
credits = "4"
as_of = 2026-01-01
source = "test"
"""
BROKEN = ENTRY.replace(f'label = "{LABEL}"', "label = 3")
LINE = BROKEN.splitlines().index("label = 3") + 1


class Newcomer:
    """One person with the form open, and an admin with an editor."""

    def __init__(self, page: Page, desk: Desk) -> None:
        self.page, self.desk, self.person = page, desk, Person(page, desk)
        self.processes = desk.pids

    def writes(self, text: str) -> None:
        """The admin saves the file, in one act, as an editor does."""
        draft = self.desk.state_dir / "draft"
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.desk.state_dir / OVERRIDE)
        self.page.wait_for_timeout(LOOK_SECONDS * 1000 + 200)

    def is_offered(self, *, so: bool = True) -> None:
        """The list of models of the open page has it, or has not, once somebody has done anything on that page."""
        self.page.get_by_role("radio", name="Isometric icon").click()
        expect(self.page.get_by_label("Prompt", exact=True)).to_have_value(re.compile("^Isometric icon"))
        self.person.settles()
        models = self.person.opens_the_models()
        expect(models.get_by_role("option", name=NAME, exact=True)).to_have_count(int(so))
        self.page.keyboard.press("Escape")
        expect(models).to_be_hidden()

    def makes(self, prompt: str) -> tuple[Card, dict[str, Any]]:
        """Asks the new model for a picture; its card, and what the provider was told."""
        self.person.chooses(NAME)
        self.page.get_by_role("radio", name="16:9").click()
        self.person.settles()
        self.person.types(prompt)
        self.person.presses_generate()
        self.person.sees(prompt, "succeeded")
        db = Database(self.desk.database_url)
        (card,) = [card for card in Search(db).page(Query(), "", limit=100).cards if card.prompt == prompt]
        db.close()
        creates = local.get(f"{self.desk.sandbox_url}/sandbox/ledger").raise_for_status().json()["creates"]
        (told,) = [row for row in creates if row["prompt"] == prompt]
        return card, told

    def lamp(self, sought: str) -> str:
        """What the lamp of the models says on the Settings page, once it says this."""

        def said() -> str:
            self.person.opens("/settings")
            text = self.page.locator("[class*=st-key-lamp_]", has_text=re.compile("^Models")).first.inner_text()
            return " ".join(text.split()) if sought in text else ""

        text = wait_until(said, 15, every=1, what=f"the lamp says: {sought}")
        self.person.opens()
        return text


def newcomer(page: Page, desk: Desk) -> bool:
    """Prints table 3; whether all of it is so."""
    one = Newcomer(page, desk)
    one.person.starts_afresh()
    print("\n3. A model that is added by an entry alone, while the desk runs\n")

    def drawn(prompt: str) -> str:
        card, told = one.makes(prompt)
        (picture,) = card.pictures
        assert (card.model, told["model"], card.charged_micro) == (ID, "google/nano-banana", 4_000_000)
        assert (picture.width, picture.height) == (1344, 768)
        return f"task of {card.model}, sent as {told['model']}: {picture.width}x{picture.height}, 4 credits"

    def offered(*, so: bool) -> str:
        one.is_offered(so=so)
        return "in the list of the page that was open all the time" if so else "not in the list"

    def written(text: str) -> str:
        one.writes(text)
        assert one.desk.pids == one.processes, "a process was started anew"
        return "no process was started anew"

    steps: list[tuple[str, Callable[[], str]]] = [
        ("before", lambda: offered(so=False)),
        ("an entry is written", lambda: written(ENTRY)),
        ("the form", lambda: offered(so=True)),
        ("a picture", lambda: drawn("the first of next month")),
        ("the file is broken", lambda: written(BROKEN)),
        ("the lamp", lambda: one.lamp(f"line {LINE}")),
        ("the form", lambda: offered(so=True)),
        ("a picture", lambda: drawn("the second of next month")),
        ("the file is mended", lambda: written(ENTRY)),
        ("the lamp", lambda: one.lamp("models on offer")),
    ]
    well = True
    for name, step in steps:
        try:
            print(f"{name:<20} ok   {step()}", flush=True)
        except (AssertionError, Error) as error:
            well = False
            print(f"{name:<20} OFF  {error}", flush=True)
    print("Nothing is off." if well else "Something is off.")
    return well
