"""README promises what the code does: its settings table, its commands and its links are compared with the house."""

import re
from pathlib import Path

from callback_server.settings import ServerSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings_rows() -> dict[str, tuple[str, str]]:
    """Name → (default, description) of every setting, as the table must print them."""
    rows = {}
    for name, field in ServerSettings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows[f"`{name.upper()}`"] = (default, field.description or "")
    return rows


def test_the_settings_table_is_the_settings() -> None:
    table = re.findall(r"^\| (`[A-Z_]+`) \| (.*?) \| (.*?) \|$", README, flags=re.MULTILINE)
    assert {name: (default, text) for name, default, text in table} == settings_rows()


def test_the_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        if not link.startswith(("http://", "https://")):
            assert (ROOT / link).exists(), link
