"""Settings that only the callback server may know: provider keys, webhook secrets, pace, limits of a download.

The dashboard never imports this file. Each field's description is the row that README's table of settings shows.
"""

import ipaddress
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from data.model_spec import FAMILIES
from data.settings import ENV_FILE, Settings

log = logging.getLogger(__name__)

KIE, GEMINI, ARK = "kie", "gemini", "ark"
NANO_BANANA = "nano-banana"
SEEDREAM = "seedream"
PRACTICE_KEY = "practice-key"

# `https://api.kie.ai/nano-banana` never was an endpoint, and the whole createTask address is the other spelling that
# circulates (kie-api section 8). Both mean the base; so does our own webhook path pasted after the public address, and
# the path of a paid call pasted after the address of Google or Ark.
_PATH_THAT_IS_OURS_TO_ADD = re.compile(
    r"/(?:nano-banana|seedream|api/v1(?:/(?:jobs|playground)(?:/\w+)?)?|api/webhook(?:/nano-banana)?"
    r"|v1beta(?:/models)?|images/generations)/*$"
)


def base_address(text: str, *, name: str = "The address") -> str:
    """A base URL without its trailing slash; raises ValueError with a sentence for whoever wrote the setting.

    Nothing of the text is repeated in the error: an address may carry a password.
    """
    example = f"{name} must be an address such as https://host.example or http://127.0.0.1:8700"
    text = text.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it is what validates it
    except ValueError as problem:
        raise ValueError(f"{example}; this one cannot be read.") from problem
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\x00-\x1f\\]", text):
        raise ValueError(f"{example}; it needs http or https and a host.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"{example}, without user, query or fragment.")
    shorter = _PATH_THAT_IS_OURS_TO_ADD.sub("", text.rstrip("/"))
    if shorter != text.rstrip("/"):
        log.warning("%s: the path at its end is not part of the base address and is left out; using %s", name, shorter)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        log.warning("%s is plain http: what is sent there, keys included, can be read on the way", name)
    return shorter.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host, as written in a URL, names this very machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def host_and_port(text: str) -> tuple[str, int]:
    """`127.0.0.1:8700` or `[::1]:8700` as a pair, the host in lower case and without brackets; or ValueError."""
    host, _, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]").lower()
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535 or re.search(r"[\s/@]", host):
        raise ValueError("DOWNLOAD_ALLOW_HOSTS must be a comma-separated list of host:port, such as 127.0.0.1:8700.")
    return host, int(port)


def _usable_secret(value: SecretStr | None) -> SecretStr | None:
    """Without the blanks that pasting adds; an HTTP header can carry only visible ASCII."""
    text = value.get_secret_value().strip() if value else ""
    if not text:
        return None
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("A key may hold only visible ASCII characters, without blanks.")
    return SecretStr(text)


ApiKey = Annotated[SecretStr | None, AfterValidator(_usable_secret)]


@dataclass(frozen=True)
class AccountSettings:
    """How one account at the provider is reached: what `providers.registry` builds an `Account` from."""

    name: str  # names its pace and its money in the database: never rename
    provider: str
    key: SecretStr
    api_url: str
    families: frozenset[str]
    upload_url: str = ""  # where references go first, at a provider that takes them so

    @property
    def serves(self) -> frozenset[tuple[str, str]]:
        """The (provider, family) pairs whose tasks it pays for."""
        return frozenset((self.provider, family) for family in self.families)


class ServerSettings(Settings):
    """What the callback server knows beyond `Settings`."""

    # A wrong value is not printed back: it may be a key in the wrong line.
    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    nano_banana_api_key: ApiKey = Field(
        None, description="Key of kie.ai; while no key at all is set, a practice provider paints and nothing is charged"
    )
    nano_banana_api_url: str = Field("https://api.kie.ai", description="Base address of the gateway")
    seedream_api_key: ApiKey = Field(
        None, description="Key for the Seedream models, if they shall be paid from another account"
    )
    seedream_api_url: str = Field(
        "", description="Base address for the Seedream models; empty means the same as for nano-banana"
    )
    kie_upload_url: str = Field(
        "https://kieai.redpandaai.co", description="Base address that reference pictures are uploaded to"
    )
    gemini_api_key: ApiKey = Field(None, description="Google's key for Gemini: nano-banana models without the gateway")
    gemini_api_url: str = Field(
        "https://generativelanguage.googleapis.com", description="Base address of the Gemini API"
    )
    ark_api_key: ApiKey = Field(None, description="Key of BytePlus ModelArk: Seedream models without the gateway")
    ark_api_url: str = Field(
        "https://ark.ap-southeast.bytepluses.com/api/v3",
        description="Base address of ModelArk; of Volcengine, https://ark.cn-beijing.volces.com/api/v3",
    )
    webhook_base_url: str = Field(
        "", description="Public address under which the provider reaches this server; empty means results are polled"
    )
    webhook_hmac_key: ApiKey = Field(
        None, description="Webhook key made in kie's settings; while empty, no signature is ever accepted"
    )
    api_tokens: SecretStr | None = Field(
        None, description="Comma-separated tokens of programs; while empty, they may read a task by its id and no more"
    )
    creates_per_window: int = Field(20, ge=1, le=1000, description="Paid calls per window and account; kie allows 20")
    # Half a second more than kie's 10 s: kie counts arrivals, and the network may bring two calls closer together.
    window_seconds: float = Field(10.5, gt=0, le=3600, description="Length of that window, in seconds")
    in_flight: int = Field(100, ge=1, description="Tasks that one account may have at the provider at once")
    per_person: int = Field(20, ge=1, description="Tasks that one person may have at the provider at once")
    doubt_budget: int = Field(
        10, ge=1, description="Calls that may be in doubt at once; beyond it nothing is bought until a person looks"
    )
    sends_at_once: int = Field(
        4,
        ge=1,
        le=64,
        description="Paid calls of one account on their way at once; on a direct "
        "road 10 unless set, and never more than DOUBT_BUDGET",
    )
    fetches_at_once: int = Field(4, ge=1, le=64, description="Pictures downloaded at the same moment")
    submit_timeout_seconds: float = Field(
        60,
        ge=1,
        le=600,
        description="Seconds to wait for the answer to a paid call, then it is in doubt; on a direct road at least 300",
    )
    poll_seconds: float = Field(2.0, gt=0, le=600, description="Wait before the first look at a task; later ones grow")
    overdue_minutes: float = Field(
        30, gt=0, description="Age at which a running task counts as failed; it is watched on"
    )
    unconfirmed_minutes: float = Field(30, gt=0, description="Time that a call in doubt waits for evidence, in minutes")
    provider_retries: int = Field(
        1, ge=0, le=5, description="Fresh tries after the provider's own trouble, which it does not charge for"
    )
    max_output_mb: int = Field(100, ge=1, le=1000, description="Largest picture or video that is fetched, in MB")
    download_timeout_seconds: float = Field(120, ge=1, le=3600, description="Time for a file to arrive, in seconds")
    download_allow_hosts: str = Field(
        "", description="Comma-separated host:port pairs that pictures may be fetched from although they are private"
    )

    retention_days: int = Field(
        0, ge=0, description="Days after which requests that brought no picture are cleared, at least 15; 0 keeps them"
    )
    inbox_days: int = Field(90, ge=15, description="Days for which received webhooks are kept")

    @field_validator("retention_days")
    @classmethod
    def _outlasts_evidence(cls, value: int) -> int:
        """The provider keeps results for 14 days: until then a picture may still come."""
        if 0 < value < 15:
            raise ValueError("RETENTION_DAYS must be 0 or at least 15: until then a late picture may still come.")
        return value

    @field_validator(
        "nano_banana_api_url", "seedream_api_url", "kie_upload_url", "gemini_api_url", "ark_api_url", "webhook_base_url"
    )
    @classmethod
    def _is_a_base_address(cls, value: str, info: ValidationInfo) -> str:
        """Names the setting as its author knows it."""
        return base_address(value, name=(info.field_name or "").upper())

    @field_validator("nano_banana_api_url", "kie_upload_url", "gemini_api_url", "ark_api_url")
    @classmethod
    def _is_not_blank(cls, value: str, info: ValidationInfo) -> str:
        """Blanks alone mean the default, as an empty variable does."""
        default = cls.model_fields[info.field_name or ""].default
        return value or str(default)

    @field_validator("ark_api_url")
    @classmethod
    def _names_its_version(cls, value: str) -> str:
        """A bare host is what the console shows; the version belongs to the address all the same."""
        return value if urlsplit(value).path else f"{value}/api/v3"

    @field_validator("download_allow_hosts")
    @classmethod
    def _is_a_list_of_hosts(cls, value: str) -> str:
        """Fails at start, not at the first download."""
        for part in filter(str.strip, value.split(",")):
            host_and_port(part)
        return value

    @property
    def practice(self) -> bool:
        """Whether no key is set: then the sandbox stands in for every provider, and nothing costs money."""
        keys = (self.nano_banana_api_key, self.seedream_api_key, self.gemini_api_key, self.ark_api_key)
        return all(key is None for key in keys)

    @property
    def callback_base(self) -> str | None:
        """Base of the callback URLs handed out, or None when nobody could reach us and polling must do."""
        if self.webhook_base_url:
            return self.webhook_base_url
        return f"http://127.0.0.1:{self.callback_port}" if self.practice else None

    @property
    def allowed_hosts(self) -> frozenset[tuple[str, int]]:
        """The (host, port) pairs that an admin lets through the download guard, for references and results alike."""
        return frozenset(host_and_port(part) for part in filter(str.strip, self.download_allow_hosts.split(",")))

    @property
    def download_exceptions(self) -> frozenset[tuple[str, int]]:
        """The pairs that results may come from: in practice the stand-in provider's too."""
        return self.allowed_hosts | ({("127.0.0.1", self.sandbox_port)} if self.practice else frozenset())

    @property
    def tokens(self) -> tuple[str, ...]:
        """The task API's tokens; compare them with `signing.token_matches`."""
        text = self.api_tokens.get_secret_value() if self.api_tokens else ""
        return tuple(token for token in (part.strip() for part in text.split(",")) if token)

    @property
    def provider_accounts(self) -> tuple[AccountSettings, ...]:
        """One account for each key; in practice mode the sandbox three times over, once for each provider."""
        if self.practice:
            return tuple(
                _practice(provider, f"http://127.0.0.1:{self.sandbox_port}") for provider in (KIE, GEMINI, ARK)
            )
        found = [*self._gateway_accounts()]
        if self.gemini_api_key is not None:
            found.append(AccountSettings(GEMINI, GEMINI, self.gemini_api_key, self.gemini_api_url, FAMILIES[GEMINI]))
        if self.ark_api_key is not None:
            found.append(AccountSettings(ARK, ARK, self.ark_api_key, self.ark_api_url, FAMILIES[ARK]))
        return tuple(found)

    def _gateway_accounts(self) -> Iterator[AccountSettings]:
        """One for all families, or two when Seedream has a key or an address of its own."""
        banana, dream = self.nano_banana_api_key, self.seedream_api_key
        url, dream_url = self.nano_banana_api_url, self.seedream_api_url or self.nano_banana_api_url
        everything, upload = FAMILIES[KIE], self.kie_upload_url
        if banana is None:
            if dream is not None:
                # The one key goes only to the address it was given for, and its account keeps its name when another
                # joins.
                yield AccountSettings("kie-seedream", KIE, dream, dream_url, everything, upload)
        elif dream in (None, banana) and dream_url == url:
            yield AccountSettings(KIE, KIE, banana, url, everything, upload)
        else:
            yield AccountSettings(KIE, KIE, banana, url, everything - {SEEDREAM}, upload)
            yield AccountSettings("kie-seedream", KIE, dream or banana, dream_url, frozenset({SEEDREAM}), upload)


def _practice(provider: str, sandbox: str) -> AccountSettings:
    """The sandbox in this provider's place."""
    name, path = {KIE: ("sandbox", ""), GEMINI: ("sandbox-gemini", "/gemini"), ARK: ("sandbox-ark", "/ark/api/v3")}[
        provider
    ]
    url, key = sandbox + path, SecretStr(PRACTICE_KEY)
    return AccountSettings(name, provider, key, url, FAMILIES[provider], url if provider == KIE else "")
