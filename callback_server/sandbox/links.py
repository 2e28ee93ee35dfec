"""Signed links to the pictures of Ark: made with a date and a life, and good only as they were made."""

import hashlib
import hmac
import time
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

from fastapi import Request

LIFE = 24 * 3600  # seconds
STAMP = "%Y%m%dT%H%M%SZ"


def sign(url: str, key: str) -> str:
    """Return the URL with a signature that is good from now on."""
    date = datetime.now(UTC).strftime(STAMP)
    given = {"X-Tos-Algorithm": "TOS4-HMAC-SHA256", "X-Tos-Date": date, "X-Tos-Expires": str(LIFE)}
    return f"{url}?{urlencode(given | {'X-Tos-Signature': _signature(urlsplit(url).path, date, key)})}"


def fits(request: Request, key: str) -> str:
    """Return what is wrong with a signed request, as the store of the files says it; empty where nothing is."""
    asked = request.query_params
    date, expires = asked.get("X-Tos-Date", ""), asked.get("X-Tos-Expires", "")
    signed = asked.get("X-Tos-Signature", "").encode()
    if request.headers.get("authorization"):  # whoever sends it shows a key to a host that has no business with it
        return "<Error><Code>InvalidArgument</Code><Message>Only one way to sign in at a time.</Message></Error>"
    if not hmac.compare_digest(signed, _signature(request.url.path, date, key).encode()) or expires != str(LIFE):
        return "<Error><Code>SignatureDoesNotMatch</Code></Error>"
    made = datetime.strptime(date, STAMP).replace(tzinfo=UTC).timestamp()
    return "" if time.time() < made + LIFE else "<Error><Code>AccessDenied</Code><Message>Expired.</Message></Error>"


def _signature(path: str, date: str, key: str) -> str:
    return hmac.new(key.encode(), f"{path}\n{date}\n{LIFE}".encode(), hashlib.sha256).hexdigest()
