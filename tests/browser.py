"""Which Chromium the tests drive, and how it is started: `python tests/browser.py --install` gets one where none is.

Order: TEST_BROWSER, Playwright's own, one on PATH; then Playwright's download; then, as root on Debian, apt. A file
that exists may still lack its libraries, so a browser counts only once it was launched. Fonts are not installed: tests
ask for text, not for glyphs (for readable Chinese in screenshots: `apt-get install fonts-noto-cjk`).
"""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

ON_PATH = (
    "chromium-headless-shell",  # half the CPU of a whole browser
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
)
ARGUMENTS = [
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers give it 64 MB
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    # Whatever a page asks for, no name but this machine's resolves.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
]
NONE_FOUND = (
    "No Chromium could be started. Install one (Debian: apt-get install chromium) or set TEST_BROWSER to its path."
)


def launch(playwright: Playwright) -> Browser:
    """Start the first browser that runs; RuntimeError with a sentence when none does (tests then fail, never skip)."""
    chosen = os.environ.get("TEST_BROWSER")
    if chosen:
        return _start(playwright, chosen)
    candidates = [None, *(path for name in ON_PATH if (path := shutil.which(name)))]
    for path in candidates:
        try:
            return _start(playwright, path)
        except Error:
            continue
    raise RuntimeError(NONE_FOUND)


def _start(playwright: Playwright, path: str | None) -> Browser:
    # chromium_sandbox=False is what lets it run as root and in containers; it only ever sees our own pages.
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS, chromium_sandbox=False)


def version() -> str | None:
    """The version of the browser that tests will drive, or None."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except (Error, RuntimeError):
            return None
        found = browser.version
        browser.close()
        return found


def install() -> str | None:
    """Get a browser by the ways that are left, each only if the one before did not help; its version or None."""
    ways = [[sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        ways += [
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium-headless-shell"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
        ]
    for command in ways:
        print("Getting a browser for the tests:", " ".join(command[-5:]), flush=True)
        try:
            done = subprocess.run(
                command,
                check=False,
                timeout=600,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except subprocess.TimeoutExpired:
            continue
        if done.returncode == 0 and "update" not in command and (found := version()):
            return found
    return None


if __name__ == "__main__":
    found = version() or (install() if "--install" in sys.argv else None)
    print(f"Browser tests drive Chromium {found}." if found else NONE_FOUND)
    sys.exit(0 if found else 1)
