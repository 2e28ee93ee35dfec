"""An entry written into the state folder while the desk runs is a model that a person can use, without a restart."""

from collections.abc import Callable

import pytest
from newcomer import ENTRY, ID, Newcomer
from playwright.sync_api import Page
from processes import Desk

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the other one looks just the same


def test_a_model_added_by_an_entry_appears_in_the_open_form_and_makes_a_picture(
    desk_factory: Callable[..., Desk], page: Page
) -> None:
    one = Newcomer(page, desk_factory())
    one.person.opens()
    one.is_offered(so=False)
    one.writes(ENTRY)
    one.is_offered()
    card, told = one.makes("the first of next month")
    assert (card.model, told["model"], card.charged_micro) == (ID, "google/nano-banana", 4_000_000)
    assert [(picture.width, picture.height) for picture in card.pictures] == [(1344, 768)]
    assert one.desk.pids == one.processes
