"""Who is at the desk: OIDC through `st.login` where `[auth]` is configured, else the one local user.

Streamlit keeps its login cookie for 30 days and never looks at the token's `exp`; this file does.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.components import words
from dashboard.language import t


@dataclass(frozen=True)
class User:
    """`id` is what tasks and preferences are kept under, `name` what people read."""

    id: str
    name: str
    signed_in: bool  # through OIDC, so signing out makes sense


LOCAL = User("local", "You", signed_in=False)


def current_user() -> User:
    """The person of this session. Where sign-in is configured and missing or expired, shows it and ends the run."""
    if not auth_is_configured():
        return LOCAL
    if not st.user.is_logged_in:
        _sign_in()
    claims = st.user.to_dict()
    if _has_run_out(claims):
        st.logout()
        st.stop()
    # The subject, not the address: an address may be given to somebody else. Within one issuer it is unique.
    subject = claims["sub"]
    name = claims.get("name") or claims.get("email") or subject
    return User(f"{claims.get('iss', '')}|{subject}", str(name), signed_in=True)


def auth_is_configured() -> bool:
    """Whether `.streamlit/secrets.toml` has an `[auth]` section; no such file is the usual, local case."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def is_here() -> bool:
    """Whether anybody is: before that, every page is the sign-in, and no link leads anywhere."""
    return not auth_is_configured() or (st.user.is_logged_in and not _has_run_out(st.user.to_dict()))


def _has_run_out(claims: Mapping[str, Any]) -> bool:
    expiry = claims.get("exp")
    return isinstance(expiry, int | float) and expiry < time.time()


def _sign_in() -> None:
    with st.container(width=420, key="signing_in"):
        st.title(t(words.APP))
        st.write(t(words.SIGN_IN_WHY))
        st.button(t(words.SIGN_IN), type="primary", key="sign_in", on_click=st.login)
    st.stop()
