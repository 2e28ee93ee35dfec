"""Every model by every road, made once by the task API and once by clicks; every documented failure of every road.

Run it by hand (`make roads`, or `python tests/roads.py 2` for one table alone): it prints three tables and fails if
anything in them is off. Table 2 is `misfortunes.py`, table 3 `newcomer.py`; what a model must make is in `offers.py`.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path

from browser import launch
from misfortunes import misfortunes
from newcomer import newcomer
from offers import REFERENCE, TOKEN, Made, Offer, Program, offers
from person import Person
from playwright.sync_api import Error, Page, expect, sync_playwright
from processes import Desk

from data.db import Database
from data.query import Query
from data.requests import MAX_COUNT
from data.search import Search

SHAPES = {"image": "3:4", "video": "16:9"}
"""What the person chooses; the program asks for 9:16."""
Key = tuple[str, str]
"""A model's id, and text or edit."""


def by_api(program: Program, every: list[Offer]) -> dict[Key, Made]:
    """Asks for everything at once, as a program would."""
    asked = [(offer, offer.thrifty("9:16")) for offer in every]
    ids = [program.asks(offer, f"{offer.spec.id} for a program", params) for offer, params in asked]
    records, charges = program.ended(ids), program.charges()
    return {
        (offer.spec.id, offer.mode): program.judges(offer, params, records[task_id], charges)
        for (offer, params), task_id in zip(asked, ids, strict=True)
    }


class Clicks:
    """A person who asks for everything by the form: as many models in one press as show the same settings."""

    def __init__(self, page: Page, desk: Desk, program: Program) -> None:
        self.person, self.page, self.desk, self.program = Person(page, desk), page, desk, program

    def make(self, every: list[Offer]) -> dict[Key, Made]:
        """One press after the other; what came of each. One that goes wrong is told in the table, and the next made."""
        made: dict[Key, Made] = {}
        self.person.starts_afresh()
        for number, press in enumerate(presses(every), 1):
            begin = time.monotonic()
            try:
                made |= self.press(number, press)
            except (AssertionError, Error) as error:
                off = Made("off", faults=(str(error).partition("\n")[0],))
                made |= {(offer.spec.id, offer.mode): off for offer in press}
                self.person.starts_afresh()
            print(f"press {number}: {len(press)} models, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        return made

    def press(self, number: int, press: list[Offer]) -> dict[Key, Made]:
        """Fills the form for these, presses once, and waits for the pictures to stand on the page."""
        prompt, first = f"press {number}, a harbour at dawn", press[0]
        self.references(first.references)
        self.pick([offer.choice for offer in press])
        settings = first.settings(SHAPES[first.spec.kind])
        if "aspect_ratio" in settings:
            self.page.get_by_role("radio", name=settings["aspect_ratio"]).click()
            self.person.settles()
        if "output_format" in settings:
            self.format("JPEG")
            settings["output_format"] = "jpeg"
        self.person.types(prompt)
        expect(self.person.button).to_be_enabled()
        self.person.presses_generate()
        self.person.sees(prompt, "succeeded", len(press))
        for image in self.person.card(prompt).get_by_role("img").all():
            assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0, "a broken picture"
        assert self.page.locator("[data-testid=stException]").count() == 0, "an exception on the page"
        tasks = self.tasks(prompt)
        assert sorted(tasks) == sorted(offer.spec.id for offer in press), f"the press asked {sorted(tasks)}"
        records, charges = self.program.ended([*tasks.values()]), self.program.charges()
        return {
            (offer.spec.id, offer.mode): self.program.judges(offer, settings, records[tasks[offer.spec.id]], charges)
            for offer in press
        }

    def tasks(self, prompt: str) -> dict[str, str]:
        """The tasks of a press: model → id."""
        db = Database(self.desk.database_url)
        found = {card.model: card.id for card in Search(db).page(Query(), "", limit=100).cards if card.prompt == prompt}
        db.close()
        return found

    def references(self, wanted: int) -> None:
        slots = self.page.locator(".st-key-slots li[data-slot]")
        if wanted and not slots.count():
            self.person.adds(("harbour.jpg", "image/jpeg", REFERENCE))
            expect(slots).to_have_count(wanted)
        elif slots.count() > wanted:
            self.page.get_by_role("button", name=re.compile("^Remove")).click()
            expect(slots).to_have_count(wanted)
        self.person.settles()

    def pick(self, names: list[str]) -> None:
        """The first alone, which decides between pictures and videos; then the others beside it."""
        several = self.page.get_by_role("switch", name="Several at once")
        if several.get_attribute("aria-checked") == "true":
            several.click()
            expect(several).to_have_attribute("aria-checked", "false")
        self.person.settles()
        models = self.person.opens_the_models()
        models.get_by_role("option", name=names[0], exact=True).click()
        expect(models).to_be_hidden()
        self.person.settles()
        several.click()
        expect(several).to_have_attribute("aria-checked", "true")
        models = self.person.opens_the_models()
        for name in names[1:]:
            option = models.get_by_role("option", name=name, exact=True)
            option.click()
            expect(option).to_have_attribute("aria-selected", "true")
        self.page.keyboard.press("Escape")
        expect(models).to_be_hidden()
        self.person.settles()

    def format(self, wanted: str) -> None:
        choice = self.page.get_by_role("radio", name=wanted, exact=True)
        if not choice.is_visible():
            self.page.get_by_text("Advanced", exact=True).click()
        choice.click()
        self.person.settles()


def presses(every: list[Offer]) -> Iterator[list[Offer]]:
    """Models of one kind and mode that have the same of shape and file format, so that the form shows these for all."""

    def likeness(offer: Offer) -> tuple[str, str, list[str]]:
        return offer.spec.kind, offer.mode, sorted(offer.settings(SHAPES[offer.spec.kind]))

    for _, alike in groupby(sorted(every, key=likeness), likeness):
        group = list(alike)
        yield from (group[at : at + MAX_COUNT] for at in range(0, len(group), MAX_COUNT))


def table(every: list[Offer], api: dict[Key, Made], clicks: dict[Key, Made]) -> bool:
    """Prints table 1; whether all is well."""
    print("1. Every model by every road, by the task API and by clicks\n")
    head = ("model", "road", "mode", "API", "size", "format", "credits", "s", "clicks", "size", "format", "credits")
    line = "{:<38} {:<6} {:<4}  {:<4} {:<11} {:<6} {:<14} {:>4}  {:<6} {:<11} {:<6} {:<7}"
    print(line.format(*head))
    bad, cheaper = [], set()
    for offer in every:
        key = offer.spec.id, offer.mode
        one, two = api[key], clicks[key]
        print(line.format(offer.spec.id, offer.spec.provider, offer.mode, said(one), size(one), form(one),
                          price(one), f"{one.seconds:.1f}", said(two), size(two), form(two),
                          f"{two.charged.normalize():f}"))  # fmt: skip
        bad += [f"  {offer.spec.id}, {offer.mode}, {how}: {fault}" for how, made in (("API", one), ("clicks", two))
                for fault in made.faults]  # fmt: skip
        if one.price is not None and one.charged < one.price:
            cheaper.add(offer.spec.id)
    print(
        "\nA size or format in brackets is promised by nobody. Credits: charged, and (what was said before) if other."
    )
    print(f"Charged less than was said: {', '.join(sorted(cheaper)) or 'none'}.")
    print("\n".join(bad) if bad else f"{len(every)} lines, each made twice and charged once each time. Nothing is off.")
    return not bad


def said(made: Made) -> str:
    return "ok" if not made.faults else "OFF"


def size(made: Made) -> str:
    """The size that came; in brackets where the catalogue promises none."""
    text = f"{made.size[0]}x{made.size[1]}" if made.size else "-"
    return text if made.size_promised or not made.size else f"({text})"


def form(made: Made) -> str:
    return made.form if made.form_promised or not made.form else f"({made.form})"


def price(made: Made) -> str:
    charged = f"{made.charged.normalize():f}"
    if made.price == made.charged:
        return charged
    return f"{charged} ({'unknown' if made.price is None else f'{made.price.normalize():f}'})"


def main() -> int:
    """The tables, all of them or those that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", type=int, default=[1, 2, 3])
    wanted = parser.parse_args().tables
    folder = Path(tempfile.mkdtemp(prefix="roads-"))
    well = []
    if 1 in wanted:
        with desk_and_page(folder / "first") as (desk, page):
            every = offers()
            with closing(Program(desk.callback_url, desk.sandbox_url)) as program:
                api = by_api(program, every)
                well.append(table(every, api, Clicks(page, desk, program).make(every)))
    if 2 in wanted:
        well.append(misfortunes(folder))
    if 3 in wanted:
        with desk_and_page(folder / "third") as (desk, page):
            well.append(newcomer(page, desk))
    if not all(well):
        print(f"The state and the logs are in {folder}.")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


@contextmanager
def desk_and_page(folder: Path) -> Iterator[tuple[Desk, Page]]:
    """The whole product in practice mode, with a token for the program, and a person's browser."""
    with sync_playwright() as playwright, Desk(folder, {"API_TOKENS": TOKEN, "PER_PERSON": "100"}) as desk:
        browser = launch(playwright)
        yield desk, browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
