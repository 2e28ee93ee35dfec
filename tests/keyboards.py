"""Other keyboards than the American one that Playwright has: a key by what is printed on it and where it stands."""

from playwright.sync_api import Page


def strikes(page: Page, key: str, code: str, *, repeats: int = 0) -> None:
    """Presses a key that writes `key` at the place that is called `code`, and holds it while it `repeats`."""
    browser = page.context.new_cdp_session(page)
    for index in range(repeats + 1):
        browser.send("Input.dispatchKeyEvent", {
            "type": "rawKeyDown", "key": key, "code": code, "text": key, "autoRepeat": index > 0,
        })  # fmt: skip
    browser.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "code": code})
    browser.detach()
