"""Two readings of the providers' pages, held against each other: our catalogue and validation, the sandbox's checks.

Whatever we let through, the sandbox takes, for every model and road; whatever we refuse, it would have refused too, or
the reason why we are stricter stands in `STRICTER`. Bodies are built by our adapters and checked without a network.
"""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from callback_server.providers.ark import Ark
from callback_server.providers.base import PaidCall
from callback_server.providers.gemini import Gemini
from callback_server.sandbox import ark_rules, gemini_rules, models, wire
from data.catalog import ModelSpec, ParamSpec, catalog
from data.errors import InvalidRequest
from data.images import StoredImage
from data.money import MICRO
from data.requests import GenerationRequest, validate, wire_input

pytestmark = pytest.mark.functions

PICTURE = StoredImage(sha256="0" * 64, mime="image/png", width=1024, height=1024, size=1000)
ADDRESS = "https://files.example/a.png"
INLINE = f"data:image/png;base64,{base64.b64encode(b'any bytes').decode()}"
GEMINI = Gemini(key=SecretStr("a-key"), api_url="http://127.0.0.1:9")
ARK = Ark(key=SecretStr("a-key"), api_url="http://127.0.0.1:9")

# Why we refuse what a provider would take: our code, the fields and the models that it is about ("" means any).
STRICTER = [
    ("unknown_param", "", "", "Providers ignore or drop what they do not know; a person would believe it had worked."),
    ("references_not_taken", "", "", "The pictures would be dropped on the way and the draft drawn without them."),
    ("prompt_empty", "prompt", "", "A prompt of blanks or of marks that show nothing draws what nobody asked for."),
    ("prompt_broken_characters", "prompt", "", "NUL and lone surrogates cannot be stored, and UTF-8 cannot say them."),
    ("prompt_too_long", "prompt", "veo", "Veo's limit is not documented; ours keeps a pasted book from being sent."),
    ("prompt_too_long", "prompt", "gemini", "Google counts tokens against a limit far away; ours is the gateway's."),
    ("prompt_too_long", "prompt", "ark", "Ark recommends 600 words and documents no limit; ours is the gateway's."),
    ("references_too_many", "references", "veo", "Three pictures mean the mode with references, which is an entry."),
    ("references_too_many", "", "seedream/5-pro-layer-decomposition", "The second would be dropped on the way."),
    ("out_of_range", "params.seed", "seedream", "The maker's seeds are 0 to 2147483647; the gateway says nothing."),
    ("wrong_type", "params.max_images", "seedream", "Nobody wants 1.5 pictures; the gateway types it as a number."),
    ("not_allowed", "params.aspect_ratio", "seedream", "How small the small square is, is not documented."),
    ("", "params.quality", "ark", "It chooses the pixels that are sent, and only our table has them."),
    ("", "params.aspect_ratio", "ark", "It chooses the pixels that are sent, and only our table has them."),
]  # fmt: skip


def sandbox_says(spec: ModelSpec, request: GenerationRequest) -> str | None:
    """What the sandbox answers to the body that we would send; None where it takes it."""
    pictures = len(request.references)
    flat = wire_input(spec, request, [ADDRESS if spec.provider == "kie" else INLINE] * pictures)
    if spec.provider == "kie":
        model = models.find(spec.sent_as)
        fault = model if isinstance(model, wire.Refusal) else models.check(model, flat)
        return fault and f"{fault.code} {fault.words}"
    call = PaidCall("s-1", spec.sent_as, flat, None)
    if spec.provider == "gemini":
        try:
            _, body = GEMINI.request(call)
        except ValueError as error:  # the wire has no place for it
            return str(error)
        problem = gemini_rules.check(spec.sent_as, body)
        return problem and f"{problem.code} {problem.words}"
    wrong = ark_rules.check(ARK.request(call)[1])
    return wrong and f"{wrong.code} {wrong.words}"


def unchecked(spec: ModelSpec, prompt: Any, params: dict[str, Any], pictures: int) -> GenerationRequest:
    """The request as it would be sent if nobody had looked at it."""
    demanded = {param.name: param.default for param in spec.params if param.required and param.default is not None}
    given = {name: value for name, value in params.items() if value is not None}
    return GenerationRequest(spec.id, prompt.strip(), demanded | given, (PICTURE,) * pictures)


def fitting(param: ParamSpec) -> st.SearchStrategy[Any]:
    if param.allowed:
        return st.sampled_from(param.allowed)
    if param.type == "bool":
        return st.booleans()
    if param.type == "int":
        return st.integers(int(param.min or 0), int(param.max or 2**31 - 1))
    return st.floats(float(param.min or 0), float(param.max or 1e6))


EVERY_VALUE = sorted({str(value) for spec in catalog().models for param in spec.params for value in param.allowed}
                     | {str(told) for spec in catalog().models for param in spec.params
                        for told in param.wire_values.values()} | {"square", "8K", "512"})  # fmt: skip
ODD = st.one_of(
    st.sampled_from(EVERY_VALUE), st.integers(-2, 12), st.integers(), st.booleans(), st.text(max_size=4),
    st.floats(0, 12), st.sampled_from([float("nan"), float("inf"), [1], {}, -1, 2**31, 2**53, 2**63]),
)  # fmt: skip


def prompts(spec: ModelSpec) -> st.SearchStrategy[str]:
    lengths = sorted({0, 1, max(spec.prompt_min - 1, 0), spec.prompt_min, spec.prompt_max, spec.prompt_max + 1})
    odd = ["   ", "\u200b", "a\0b", "broken \ud83e emoji", " ab ", "one  two\n"]
    long = st.builds(lambda letter, length: letter * length, st.sampled_from("x猫🪁"), st.sampled_from(lengths))
    return st.one_of(st.just("a red kite over dunes"), long, st.sampled_from(odd), st.text(max_size=20))


@st.composite
def asked(draw: st.DrawFn, spec: ModelSpec) -> tuple[str, dict[str, Any], int]:
    """Mostly what a person may ask, with one thing or another that may not be right."""
    chosen = [param for param in spec.params if draw(st.booleans())]
    params = {param.name: draw(fitting(param)) for param in chosen}
    if spec.params and draw(st.integers(0, 2)) == 0:
        params[draw(st.sampled_from(spec.params)).name] = draw(ODD)
    if draw(st.integers(0, 9)) == 0:
        params[draw(st.sampled_from(["seed", "steps", "nsfw_checker", "quality", "image_size"]))] = draw(ODD)
    least, most = (spec.references.min, spec.references.max) if spec.references else (0, 0)
    pictures = draw(st.sampled_from([least, least, most, most + 1, max(least - 1, 0)]))
    return draw(prompts(spec)), params, pictures


def stricter(spec: ModelSpec, error: InvalidRequest) -> bool:
    about = (spec.id, spec.family, spec.provider)
    return any(code in ("", error.code) and error.field.startswith(field) and (not whose or whose in about)
               for code, field, whose, _ in STRICTER)  # fmt: skip


@pytest.mark.parametrize("spec", catalog().models, ids=lambda spec: spec.id)
def test_what_we_let_through_the_provider_takes_and_what_we_refuse_it_would_refuse(spec: ModelSpec) -> None:
    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(wanted=asked(spec))
    def hold(wanted: tuple[str, dict[str, Any], int]) -> None:
        prompt, params, pictures = wanted
        request, refused = None, None
        try:
            request = validate(spec, prompt, params, [PICTURE] * pictures)
        except InvalidRequest as error:
            refused = error
        if request is not None:
            assert sandbox_says(spec, request) is None
        elif refused is not None and not stricter(spec, refused):
            assert sandbox_says(spec, unchecked(spec, prompt, params, pictures)) is not None, str(refused)

    hold()


@pytest.mark.parametrize("spec", [each for each in catalog().models if not each.paused], ids=lambda spec: spec.id)
def test_every_single_value_that_the_form_offers_is_taken(spec: ModelSpec) -> None:
    least, most = (spec.references.min, spec.references.max) if spec.references else (0, 0)
    values: Sequence[tuple[str, Any]] = [(param.name, value) for param in spec.params for value in param.allowed]
    for pictures in {least, most}:
        for params in ({}, *({name: value} for name, value in values)):
            request = validate(spec, "a red kite", params, [PICTURE] * pictures)
            assert sandbox_says(spec, request) is None, params


CHEAPER = {
    "nano-banana-2": "Its price is unsettled: the sandbox charges the lower reading, our catalogue says the higher."
}
"""Models that the sandbox charges less for than we say; more than we say it charges nobody."""


def drawn(spec: ModelSpec, request: GenerationRequest) -> tuple[tuple[int, int], Decimal | None]:
    """The pixels that the sandbox would paint, and its price in credits; None where the tokens decide."""
    pictures = len(request.references)
    flat = wire_input(spec, request, [ADDRESS if spec.provider == "kie" else INLINE] * pictures)
    if spec.provider == "kie":
        model = models.find(spec.sent_as)
        assert isinstance(model, models.Model)
        return models.size_of(model, flat, None), Decimal(str(models.price(model, flat)))
    call = PaidCall("s-1", spec.sent_as, flat, None)
    if spec.provider == "gemini":
        return gemini_rules.size_of(gemini_rules.MODELS[spec.sent_as], GEMINI.request(call)[1], None), None
    ark = ark_rules.MODELS[spec.sent_as]
    size = ark_rules.size_of(ark, ARK.request(call)[1], None)
    return size, ark_rules.credits_for(ark, size, pictures)


@pytest.mark.parametrize("spec", [each for each in catalog().models if not each.paused], ids=lambda spec: spec.id)
def test_the_sandbox_paints_every_size_that_we_promise_at_the_price_that_we_say(spec: ModelSpec) -> None:
    named = [param for param in spec.params if param.allowed and param.name != "output_format"]
    least = spec.references.min if spec.references else 0
    for values in product(*(param.allowed for param in named)):
        params = {param.name: value for param, value in zip(named, values, strict=True)}
        for pictures in {least, least + 1 if spec.references and spec.references.max > least else least}:
            request = validate(spec, "a red kite", params, [PICTURE] * pictures)
            size, charged = drawn(spec, request)
            assert spec.output_size(request.params) in (None, size), params
            price = spec.price(request.params, datetime.now(UTC).date(), pictures)
            if price is not None and charged is not None:
                assert charged * MICRO == price or (charged * MICRO < price and spec.id in CHEAPER), params


def test_a_model_paused_here_is_paused_there() -> None:
    for spec in catalog().models:
        if spec.provider == "kie":
            assert (spec.sent_as in models.paused()) == bool(spec.paused), spec.id


def test_every_reason_for_being_stricter_is_a_sentence() -> None:
    reasons = [*(reason for *_, reason in STRICTER), *CHEAPER.values()]
    assert all(reason.endswith(".") and len(reason.split()) > 5 for reason in reasons)
