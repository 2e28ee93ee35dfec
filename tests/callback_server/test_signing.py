"""kie's webhook signature and the token in our callback URLs."""

import pytest
from pydantic import SecretStr

from callback_server.signing import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    callback_url,
    sign,
    token_matches,
    verify,
)

# The worked example of the protocol reference (kie-api section 3.1).
KEY = SecretStr("test-webhook-key")
TASK = "0123456789abcdef0123456789abcdef"
TIME = "1795449993"
SIGNATURE = "QWDjcfXw/cUCVhkHkx9ws/10ihs77JgLjOT38m4HfNs="
NOW = float(TIME)


def headers(timestamp: str = TIME, signature: str = SIGNATURE) -> dict[str, str]:
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature}


def test_the_worked_example_is_reproduced() -> None:
    assert sign(KEY.get_secret_value(), TASK, TIME) == SIGNATURE
    assert verify(KEY, TASK, headers(), now=NOW)


def test_header_names_are_read_in_any_case() -> None:
    assert verify(KEY, TASK, {name.lower(): value for name, value in headers().items()}, now=NOW)


@pytest.mark.parametrize(("age", "accepted"), [(0, True), (300, True), (-300, True), (301, False), (-301, False),
                                               (86_400, False)])  # fmt: skip
def test_a_signature_is_good_for_five_minutes_in_both_directions(age: int, accepted: bool) -> None:
    assert verify(KEY, TASK, headers(), now=NOW + age) is accepted


@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_an_unset_key_never_means_accept(key: SecretStr | None) -> None:
    assert not verify(key, TASK, headers(), now=NOW)
    assert not verify(key, TASK, headers(signature=sign("", TASK, TIME)), now=NOW)
    assert not verify(key, TASK, {}, now=NOW)


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {TIMESTAMP_HEADER: TIME},
        {SIGNATURE_HEADER: SIGNATURE},
        headers(signature=""),
        headers(signature=SIGNATURE[:-1]),
        headers(signature=SIGNATURE.lower()),
        headers(signature="ключ"),
        headers(signature="\ud800"),
        headers(timestamp=""),
        headers(timestamp="now"),
        headers(timestamp="1795449993.0"),
        headers(timestamp="-1795449993"),
        headers(timestamp="1" * 400),
        headers(timestamp="١٧٩٥٤٤٩٩٩٣"),
        headers(timestamp="1795449994"),
        headers(signature=sign("another-key", TASK, TIME)),
    ],
)
def test_a_forged_or_broken_signature_is_refused(forged: dict[str, str]) -> None:
    assert not verify(KEY, TASK, forged, now=NOW)


def test_a_signature_names_one_task() -> None:
    assert not verify(KEY, TASK.replace("0", "1"), headers(), now=NOW)
    assert not verify(KEY, "", headers(signature=sign(KEY.get_secret_value(), "", TIME)), now=NOW)


def test_the_clock_is_the_real_one_unless_told() -> None:
    assert not verify(
        KEY, TASK, headers(timestamp="1000000000", signature=sign("test-webhook-key", TASK, "1000000000"))
    )


@pytest.mark.parametrize("base", ["https://desk.example", "https://desk.example/"])
def test_a_callback_url_carries_submission_and_token(base: str) -> None:
    assert callback_url(base, "s-1", "t-1") == "https://desk.example/api/webhook/nano-banana/s-1/t-1"


def test_tokens_match_only_themselves() -> None:
    assert token_matches("abc", "abc")
    for given in ("", "abd", "ab", "abcd", "ABC", "abcé", "\udfff"):
        assert not token_matches("abc", given)
    assert not token_matches("", "")
