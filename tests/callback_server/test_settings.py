"""The server's settings: which accounts come of which keys, which addresses are taken, and no secret is shown."""

import logging

import pytest
from pydantic import ValidationError

from callback_server.settings import FAMILIES, ServerSettings, base_address, host_and_port, is_loopback
from data.settings import PROVIDER_KEY_NAMES

KEY, OTHER = "key-of-the-first-account", "key-of-the-second-account"


def settings(**values: object) -> ServerSettings:
    return ServerSettings(_env_file=None, **values)


def reached(configured: ServerSettings) -> list[tuple[str, str, str, list[str]]]:
    return [(a.name, a.key.get_secret_value(), a.api_url, sorted(a.families)) for a in configured.provider_accounts]


ALL = sorted(FAMILIES["kie"])
OTHERS = ["nano-banana", "sora", "veo"]
KIE = "https://api.kie.ai"
GOOGLE = ("gemini", OTHER, "https://generativelanguage.googleapis.com", ["nano-banana"])
ARK = ("ark", OTHER, "https://ark.ap-southeast.bytepluses.com/api/v3", ["seedream"])
ACCOUNTS = {
    "one key serves both families": ({"nano_banana_api_key": KEY}, [("kie", KEY, KIE, ALL)]),
    "the other key alone serves both too": ({"seedream_api_key": KEY}, [("kie-seedream", KEY, KIE, ALL)]),
    "the same key twice is one account": (
        {"nano_banana_api_key": KEY, "seedream_api_key": KEY},
        [("kie", KEY, KIE, ALL)],
    ),
    "two keys are two accounts": (
        {"nano_banana_api_key": KEY, "seedream_api_key": OTHER},
        [("kie", KEY, KIE, OTHERS), ("kie-seedream", OTHER, KIE, ["seedream"])],
    ),
    "an address of its own is an account of its own": (
        {"nano_banana_api_key": KEY, "seedream_api_url": "https://other.example"},
        [("kie", KEY, KIE, OTHERS), ("kie-seedream", KEY, "https://other.example", ["seedream"])],
    ),
    "a key never goes to an address it was not given for": (
        {"seedream_api_key": KEY, "seedream_api_url": "https://other.example"},
        [("kie-seedream", KEY, "https://other.example", ALL)],
    ),
    "a direct road is an account of its own": (
        {"nano_banana_api_key": KEY, "gemini_api_key": OTHER, "ark_api_key": OTHER},
        [("kie", KEY, KIE, ALL), GOOGLE, ARK],
    ),
    "a direct road needs no gateway": ({"gemini_api_key": OTHER}, [GOOGLE]),
    "Volcengine is Ark at another address": (
        {"ark_api_key": OTHER, "ark_api_url": "https://ark.cn-beijing.volces.com/api/v3/"},
        [("ark", OTHER, "https://ark.cn-beijing.volces.com/api/v3", ["seedream"])],
    ),
    "no key at all is practice, on every road": (
        {},
        [
            ("sandbox", "practice-key", "http://127.0.0.1:8700", ALL),
            ("sandbox-gemini", "practice-key", "http://127.0.0.1:8700/gemini", ["nano-banana"]),
            ("sandbox-ark", "practice-key", "http://127.0.0.1:8700/ark/api/v3", ["seedream"]),
        ],
    ),
}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_accounts_follow_from_keys_and_addresses(name: str) -> None:
    given, expected = ACCOUNTS[name]
    assert reached(settings(**given)) == expected


def test_practice_mode_reaches_the_sandbox_and_the_sandbox_reaches_us() -> None:
    practice = settings(sandbox_port=9001, callback_port=9002, nano_banana_api_url="https://gateway.example")
    assert practice.practice
    gateway, *_ = practice.provider_accounts
    assert gateway.api_url == gateway.upload_url == "http://127.0.0.1:9001"
    assert practice.callback_base == "http://127.0.0.1:9002"
    assert practice.download_exceptions == {("127.0.0.1", 9001)}


def test_with_a_key_nothing_private_is_let_through_and_without_a_public_address_results_are_polled() -> None:
    real = settings(nano_banana_api_key=KEY)
    assert not real.practice
    assert real.callback_base is None
    assert real.download_exceptions == frozenset()
    assert settings(nano_banana_api_key=KEY, webhook_base_url="https://desk.example/").callback_base == (
        "https://desk.example"
    )


SPELLINGS = [
    ("https://api.kie.ai", "https://api.kie.ai", False),
    ("https://api.kie.ai/", "https://api.kie.ai", False),
    ("  https://api.kie.ai//  ", "https://api.kie.ai", False),
    ("https://api.kie.ai/nano-banana", "https://api.kie.ai", True),
    ("https://api.kie.ai/nano-banana/", "https://api.kie.ai", True),
    ("https://api.kie.ai/api/v1/jobs/createTask", "https://api.kie.ai", True),
    ("https://api.kie.ai/api/v1/playground/createTask", "https://api.kie.ai", True),
    ("https://api.kie.ai/api/v1", "https://api.kie.ai", True),
    ("https://proxy.example/kie/api/v1/jobs/createTask", "https://proxy.example/kie", True),
    ("https://desk.example/api/webhook/nano-banana", "https://desk.example", True),
    ("http://127.0.0.1:8700", "http://127.0.0.1:8700", False),
    ("http://[::1]:8700/", "http://[::1]:8700", False),
    ("http://gateway.example", "http://gateway.example", True),  # plain http: the key can be read on the way
    ("", "", False),
]


def test_the_address_of_a_direct_road_is_taken_however_it_is_pasted() -> None:
    for pasted in ("https://g.example/v1beta", "https://g.example/v1beta/models/"):
        assert settings(gemini_api_url=pasted).gemini_api_url == "https://g.example"
    for pasted in ("https://a.example", "https://a.example/api/v3/", "https://a.example/api/v3/images/generations"):
        assert settings(ark_api_url=pasted).ark_api_url == "https://a.example/api/v3"


@pytest.mark.parametrize(("given", "expected", "warns"), SPELLINGS)
def test_a_base_address_loses_what_we_add_ourselves(
    given: str, expected: str, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert base_address(given, name="NANO_BANANA_API_URL") == expected
    assert bool(caplog.records) is warns


BAD_ADDRESSES = ["api.kie.ai", "ftp://api.kie.ai", "https://", "https://user:secret@api.kie.ai", "https://a.b/?x=1",
                 "https://a.b/#x", "https://a b.c", "https://a.b:notaport", "https://[::1", "file:///etc/passwd",
                 "https://a.b:99999", "https://a\\b.c"]  # fmt: skip


@pytest.mark.parametrize("url", BAD_ADDRESSES)
@pytest.mark.parametrize(
    "field",
    ["nano_banana_api_url", "seedream_api_url", "kie_upload_url", "gemini_api_url", "ark_api_url", "webhook_base_url"],
)
def test_a_bad_address_is_refused_with_a_sentence_that_names_the_setting(field: str, url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**{field: url})
    assert f"{field.upper()} must be an address such as https://host.example" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_environment_names_of_the_seed_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NANO_BANANA_API_URL", "https://api.kie.ai/nano-banana")
    monkeypatch.setenv("NANO_BANANA_API_KEY", KEY)
    monkeypatch.setenv("WEBHOOK_BASE_URL", "https://desk.example")
    monkeypatch.setenv("SEEDREAM_API_KEY", "")
    read = settings()
    assert reached(read) == [("kie", KEY, KIE, ALL)]
    assert read.callback_base == "https://desk.example"


def test_the_dashboards_list_of_key_names_is_this_files() -> None:
    ours = {name.upper() for name in ServerSettings.model_fields if name.endswith("_api_key")}
    assert ours == set(PROVIDER_KEY_NAMES)


def test_no_secret_is_ever_shown() -> None:
    secret = "do-not-show-me"
    names = [name for name in ServerSettings.model_fields if name.endswith(("_key", "_tokens"))]
    shown = settings(**dict.fromkeys(names, secret))
    assert len(names) == 7
    for text in (repr(shown), str(shown), repr(shown.provider_accounts), str(shown.model_dump())):
        assert secret not in text


def test_a_wrong_value_is_not_printed_back() -> None:
    with pytest.raises(ValidationError) as refused:
        settings(creates_per_window=KEY, nano_banana_api_key="schlüssel")
    assert KEY not in str(refused.value)
    assert "schl" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["nano_banana_api_key", "seedream_api_key", "gemini_api_key", "ark_api_key", "webhook_hmac_key"]
)
def test_a_blank_secret_is_no_secret(name: str) -> None:
    assert getattr(settings(**{name: "  \n"}), name) is None
    assert getattr(settings(**{name: f" {KEY}\n"}), name).get_secret_value() == KEY


def test_tokens_are_a_list_without_blanks() -> None:
    assert settings().tokens == ()
    assert settings(api_tokens=" , ").tokens == ()
    assert settings(api_tokens="one, two,").tokens == ("one", "two")


def test_allowed_hosts_are_pairs() -> None:
    read = settings(nano_banana_api_key=KEY, download_allow_hosts="Gateway.local:8080, [::1]:9,")
    assert read.download_exceptions == {("gateway.local", 8080), ("::1", 9)}


@pytest.mark.parametrize(
    "text", ["gateway.local", "gateway:0", "gateway:99999", ":80", "http://x:80/", "a b:80", "x:٣"]
)
def test_a_bad_allowed_host_is_refused_at_start(text: str) -> None:
    with pytest.raises(ValueError, match="DOWNLOAD_ALLOW_HOSTS must be"):
        host_and_port(text)
    with pytest.raises(ValidationError, match="DOWNLOAD_ALLOW_HOSTS must be"):
        settings(download_allow_hosts=text)


@pytest.mark.parametrize(("host", "expected"), [("127.0.0.1", True), ("127.9.9.9", True), ("[::1]", True),
                                                ("localhost", True), ("api.kie.ai", False), ("10.0.0.1", False),
                                                ("localhost.kie.ai", False)])  # fmt: skip
def test_loopback_is_recognised_as_written(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_every_field_has_one_line_for_the_readme() -> None:
    for name, field in ServerSettings.model_fields.items():
        assert field.description, name
        assert "\n" not in field.description
        assert not field.description.endswith(".")
        assert "|" not in field.description, "it would break the table"
