"""How a webhook proves itself: kie's signature, and the token in the callback URL that we handed out ourselves.

Neither says anything about the body (kie signs only the task id and a time): after verifying, the record is looked up
and only that is believed. An unset key never means "accept".
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping

from pydantic import SecretStr

TIMESTAMP_HEADER = "X-Webhook-Timestamp"
SIGNATURE_HEADER = "X-Webhook-Signature"
TOLERANCE_SECONDS = 300  # both ways, for clocks err both ways; kie documents no window, others use this one
WEBHOOK_PATH = "/api/webhook/nano-banana"


def sign(key: str, task_id: str, timestamp: str) -> str:
    """base64(HMAC-SHA256(key, task_id + "." + timestamp)), timestamp in Unix seconds as text (kie-api section 3.1)."""
    digest = hmac.new(_bytes(key), _bytes(f"{task_id}.{timestamp}"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def verify(key: SecretStr | None, task_id: str, headers: Mapping[str, str], *, now: float | None = None) -> bool:
    """Whether kie, or someone else with the key, named this task within the tolerance of `now` (Unix seconds).

    False without a key, without a task id, without either header, or with a timestamp that is not a whole number.
    """
    if key is None or not key.get_secret_value() or not task_id:
        return False
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = given.get(TIMESTAMP_HEADER.lower(), "").strip()
    signature = given.get(SIGNATURE_HEADER.lower(), "").strip()
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    fresh = abs((time.time() if now is None else now) - int(timestamp)) <= TOLERANCE_SECONDS
    return token_matches(sign(key.get_secret_value(), task_id, timestamp), signature) and fresh


def callback_url(base: str, submission_id: str, token: str) -> str:
    """The address given to the provider for one paid call: its id and its token let even an orphan be recognised."""
    return f"{base.rstrip('/')}{WEBHOOK_PATH}/{submission_id}/{token}"


def token_matches(expected: str, given: str) -> bool:
    """Compares two secrets in constant time; an empty expectation matches nothing."""
    return bool(expected) and hmac.compare_digest(_bytes(expected), _bytes(given))


def _bytes(text: str) -> bytes:
    """Any string at all, lone surrogates from a hostile URL included: `compare_digest` refuses non-ASCII text."""
    return text.encode("utf-8", "surrogatepass")
