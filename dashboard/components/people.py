"""What people are called: tasks and events know a person by an id, screens by the name they last signed in with."""

from contextlib import suppress

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard import resources
from dashboard.auth import LOCAL, User
from dashboard.language import t

SERVER = frozenset({"server", "webhook"})
"""Parts of the server that act by themselves: not people."""


def greet(user: User) -> None:
    """Remembers the name once per session, so that others read it instead of a subject id."""
    if user.signed_in and st.session_state.get("greeted") != user.name:
        with suppress(SQLAlchemyError):  # a name that cannot be written down is no reason to show nobody anything
            resources.desk().preferences.remember(user.id, name=user.name)
            st.session_state["greeted"] = user.name


def name_of(person: str, me: str) -> str:
    """ "You", "Ann", or the id where nobody of that name has been here."""
    if person == me:
        return t("You")
    return called(person, str(resources.desk().preferences.all(person).get("name") or ""))


def called(person: str, name: str) -> str:
    """What somebody else is called, who signed in by this `name`, where that is known."""
    if person == "api":
        return t("A program")
    if person == LOCAL.id:
        return t("The local user")
    return name or person.rpartition("|")[2]


def by(person: str, me: str) -> str:
    """ "by you", "by Ann", "through the API": the end of a sentence."""
    if person == "api":
        return t("through the API")
    return t("by you") if person == me else t("by {name}", name=name_of(person, me))
