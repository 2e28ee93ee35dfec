"""What a person comes for, timed in Chromium on a desk with 2,000 tasks of the past. By hand.

From the first press of a key or button to the moment at which the result is painted. A picture of the sandbox takes two
to three seconds by itself. Errands are done in one order on one page, as a person would, so that each finds what the
one before has left.
"""

import io
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import launch
from past import SIZES, Past, Was
from playwright.sync_api import Page, expect, sync_playwright
from processes import Desk

ROUNDS = 5
PROMPTS = (
    "a red kite over Lisbon",
    "an isometric greenhouse",
    "a coffee grinder on marble",
    "海边的灯塔",
    "a red panda",
)
RARE = "灯笼"
SEARCH = "Search"


def past(desk: Desk) -> None:
    """Two months of a team; a month ago, one picture of a lantern for each round."""
    was = Past(desk.state_dir, desk.database_url)
    tasks = [
        Was(f"{PROMPTS[n % len(PROMPTS)]} {n}", size=SIZES[n % len(SIZES)], ago=timedelta(minutes=45 * (2000 - n)))
        for n in range(2000)
    ]
    tasks[500] = Was(f"雨夜里的{RARE}", size=(640, 480), ago=timedelta(days=31))
    was.write(tasks)
    was.close()


def painted(page: Page, selector: str) -> None:
    """Waits until the picture is decoded and has stood in a frame."""
    page.locator(selector).first.evaluate(
        """async (picture) => {
          await picture.decode();
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        }"""
    )


def presses(page: Page) -> None:
    expect(page.locator(".st-key-generate button:visible")).to_contain_text("Generate")
    page.keyboard.press("Control+Enter")


def first_picture(page: Page, url: str, number: int) -> None:
    page.goto(url)
    page.get_by_label("Prompt", exact=True).fill(f"a paper boat {number}")
    presses(page)
    painted(page, f'li.card[data-state=succeeded] img[alt="a paper boat {number}"]')


def edit_it(page: Page, number: int) -> None:
    card = page.locator("li.card", has_text=f"a paper boat {number}").first
    card.get_by_role("button", name="Edit").click()
    expect(page.locator(".st-key-filled_from")).to_contain_text(f"a paper boat {number}")  # the form is filled
    page.get_by_label("Prompt", exact=True).fill(f"the same at night {number}")
    presses(page)
    painted(page, f'li.card[data-state=succeeded] img[alt="the same at night {number}"]')


def find_last_months(page: Page) -> None:
    page.get_by_role("link", name="History").click()
    page.get_by_label(SEARCH, exact=True).fill(RARE)
    page.keyboard.press("Enter")
    tiles = page.get_by_role("option")
    expect(tiles).to_have_count(1)
    tiles.first.click()
    painted(page, '[role=dialog] img[alt*="灯笼"]')


def history(page: Page, url: str) -> None:
    page.goto(f"{url}/history?q=kite")
    expect(page.get_by_role("option").nth(20)).to_be_visible()


def compare_two(page: Page) -> None:
    tiles = page.get_by_role("option")
    tiles.nth(0).click(modifiers=["Control"])
    tiles.nth(1).click(modifiers=["Control"])
    page.get_by_role("button", name="Compare", exact=True).click()
    painted(page, ".st-key-pair img")


def download_twenty(page: Page) -> None:
    tiles = page.get_by_role("option")
    tiles.nth(0).click(modifiers=["Control"])
    tiles.nth(19).click(modifiers=["Shift"])
    with page.expect_download() as download:
        page.get_by_role("button", name="Download ZIP").click()
        page.get_by_role("button", name="Originals").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert len(archive.namelist()) == 21, archive.namelist()
    page.keyboard.press("Escape")


def delete_and_undo(page: Page) -> None:
    tiles, gone = page.get_by_role("option"), page.locator("[data-state=deleted]")
    tiles.nth(2).click(modifiers=["Control"])
    tiles.nth(4).click(modifiers=["Shift"])
    page.keyboard.press("Delete")
    expect(gone).to_have_count(3)
    page.keyboard.press("z")
    expect(gone).to_have_count(0)


def main() -> None:
    """One table: seconds, median and longest."""
    took: dict[str, list[float]] = {}

    def timed(what: str, errand: Callable[..., None], *of: object) -> None:
        begin = time.perf_counter()
        errand(*of)
        took.setdefault(what, []).append(time.perf_counter() - begin)

    with Desk(Path(tempfile.mkdtemp())) as desk, sync_playwright() as playwright:
        past(desk)
        browser = launch(playwright)
        for number in range(ROUNDS):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            timed("first picture: page opened to picture", first_picture, page, desk.url, number)
            timed("edit that picture", edit_it, page, number)
            timed("find last month's by a Chinese word", find_last_months, page)
            history(page, desk.url)
            timed("compare two", compare_two, page)
            history(page, desk.url)
            timed("download twenty as a ZIP", download_twenty, page)
            timed("delete three and undo", delete_and_undo, page)
            page.context.close()
        browser.close()
    for what, seconds in took.items():
        print(f"{what:<40} {statistics.median(seconds):6.2f} s   longest {max(seconds):6.2f} s")


if __name__ == "__main__":
    main()
