"""What each model's provider is told, as golden files: `bodies/<model>.json`, compared with its pages by eye.

`plain` is a prompt and no more than the model demands; `full` sets every setting to its last value and brings as many
references as fit. To renew the files after a change of the catalogue: run this file as a program, then read the diff.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from data.catalog import ModelSpec, ParamSpec, ParamValue, catalog
from data.images import StoredImage
from data.requests import validate, wire_input

pytestmark = pytest.mark.functions

BODIES = Path(__file__).with_name("bodies")
PROMPT = "A red kite over the dunes, late light."
PICTURE = StoredImage(sha256="0" * 64, mime="image/png", width=1024, height=1024, size=1_000_000)
BEFORE_EVERY_END = date(2026, 10, 1)


def last(param: ParamSpec) -> ParamValue:
    if param.allowed:
        return param.allowed[-1]
    if param.type == "bool":
        return True
    assert param.max is not None
    return param.max


def said(spec: ModelSpec, params: dict[str, ParamValue], count: int) -> dict[str, Any]:
    request = validate(spec, PROMPT, params, [PICTURE] * count, on=BEFORE_EVERY_END)
    return wire_input(spec, request, [f"https://files.example/{number}.png" for number in range(1, count + 1)])


def golden(spec: ModelSpec) -> dict[str, Any]:
    least, most = (spec.references.min, spec.references.max) if spec.references else (0, 0)
    return {
        "model": spec.sent_as,
        "plain": said(spec, {}, least),
        "full": said(spec, {param.name: last(param) for param in spec.params}, most),
    }


def file_of(spec: ModelSpec) -> Path:
    return BODIES / f"{spec.id.replace('/', '--')}.json"


SENT = [spec for spec in catalog().models if not spec.paused]


@pytest.mark.parametrize("spec", SENT, ids=lambda spec: spec.id)
def test_the_body_is_the_one_that_was_compared_with_the_providers_page(spec: ModelSpec) -> None:
    assert golden(spec) == json.loads(file_of(spec).read_text(encoding="utf-8"))


def test_there_is_a_body_for_every_model_that_can_be_used_and_no_other() -> None:
    assert {path.name for path in BODIES.iterdir()} == {file_of(spec).name for spec in SENT}


if __name__ == "__main__":
    BODIES.mkdir(exist_ok=True)
    for each in SENT:
        file_of(each).write_text(json.dumps(golden(each), indent=1) + "\n", encoding="utf-8")
