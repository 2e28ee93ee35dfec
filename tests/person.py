"""What a person does on the Generate page of a desk, by the names and roles that are on the screen."""

import re
from typing import Self

from playwright.sync_api import Locator, Page, expect
from processes import PATIENCE, Desk
from sqlalchemy import delete

from data.db import Database
from data.schema import Preference

DONE = 30_000 * PATIENCE  # ms


class Person:
    """What a person does on the Generate page."""

    def __init__(self, page: Page, desk: Desk) -> None:
        self.page = page
        self.desk = desk

    def starts_afresh(self) -> Self:
        """The form as a newcomer finds it, whatever was left in it: one person's form is remembered over visits."""
        database = Database(self.desk.database_url)
        with database.transaction() as session:
            session.connection().execute(delete(Preference))
        database.close()
        return self.opens()

    def opens(self, path: str = "/") -> Self:
        self.page.goto(f"{self.desk.url}{path}")
        self.settles()
        return self

    def settles(self) -> None:
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")

    def types(self, prompt: str) -> None:
        self.page.get_by_label("Prompt", exact=True).fill(prompt)

    def chooses(self, name: str) -> None:
        """A number of pictures ("4"), or a model by its name."""
        if name.isdecimal():
            self.page.get_by_role("radio", name=name, exact=True).click()
        else:
            self.opens_the_models()
            self.page.get_by_role("option", name=name, exact=True).click()
            picked = self.page.locator(".st-key-picker").get_by_role("button", name=re.compile(rf"^Model: .*{name}"))
            expect(picked).to_be_visible()
        self.settles()

    def wants_several(self) -> None:
        """Models at once."""
        switch = self.page.get_by_role("switch", name="Several at once")
        switch.click()
        expect(switch).to_have_attribute("aria-checked", "true")
        self.settles()

    def opens_the_models(self) -> Locator:
        """The list of models, with the keyboard on what is chosen now."""
        self.page.locator(".st-key-picker").get_by_role("button", name=re.compile("^Model: ")).click()
        models = self.page.get_by_role("listbox", name="Model")
        expect(models).to_be_visible()
        return models

    def adds(self, *files: tuple[str, str, bytes]) -> None:
        payload = [{"name": name, "mimeType": mime, "buffer": data} for name, mime, data in files]
        self.page.locator("input[type=file]").set_input_files(payload)  # type: ignore[arg-type]

    @property
    def button(self) -> Locator:
        """The one that spends. While a page is drawn, the one that it replaces may still be there, unseen."""
        return self.page.locator(".st-key-generate button:visible")

    def presses_generate(self) -> None:
        self.button.click()

    def card(self, prompt: str) -> Locator:
        return self.page.locator("li.card", has_text=prompt)

    def sees(self, prompt: str, state: str, count: int = 1) -> None:
        cards = self.page.locator(f"li.card[data-state={state}]", has_text=prompt)
        expect(cards).to_have_count(count, timeout=DONE)
