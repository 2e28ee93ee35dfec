"""Sentences that remember how they were made, so that a screen can say them in another language. Knows no language."""

from typing import Any


class Sentence(str):
    """English text for logs, programs and whoever does not ask; `template` and `values` for whoever translates it."""

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> "Sentence":
        """`template` names its slots in braces: `Sentence("Image {number} is too large.", number=2)`."""
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # a cached sentence is pickled
        return (self.template,), self.values
