"""Text made safe for places that read Markdown."""

import re

import pytest

from dashboard.components.formats import literal

LINKED = (
    r"[-.\w+]+@[-\w]+(?:\.[-\w]+)+",  # an e-mail address
    r"(?:https?://|www\.)[-.\w]+",
)
"""What GitHub's Markdown makes links of, once the escapes are gone (GFM 0.29, 6.9)."""


@pytest.mark.parametrize(
    "text", ["ann@example.com", "see https://example.com/a?b=c and WWW.example.com", "a@b.co@c.de"]
)
def test_no_address_becomes_a_link(text: str) -> None:
    shown = re.sub(r"\\(.)", r"\1", literal(text))
    assert not [found for rule in LINKED for found in re.findall(rule, shown, re.IGNORECASE)]
    assert shown.replace("\u2060", "") == text


@pytest.mark.parametrize("text", ["a red kite", "me @ home", "1 + 1 = *2*", "http and www"])
def test_what_is_no_address_keeps_every_sign(text: str) -> None:
    assert re.sub(r"\\(.)", r"\1", literal(text)) == text
