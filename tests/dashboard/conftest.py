"""The room that the tests of the pages share: a fresh database, and a Streamlit that has forgotten the last one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st
from databases import databases_of
from room import APP, Room


@pytest.fixture
def room(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """A desk on each database in turn."""
    with furnished(tmp_path, database_url, monkeypatch) as room:
        yield room


@pytest.fixture
def form_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """A desk on SQLite alone, for what the screens do whichever database is behind them."""
    databases = databases_of("sqlite")
    url = databases.fresh(tmp_path)
    with furnished(tmp_path, url, monkeypatch) as room:
        yield room
    databases.give_back(url)


@contextmanager
def furnished(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.chdir(APP.parent.parent)
    monkeypatch.setenv("STATE_DIR", str(folder))
    monkeypatch.setenv("DATABASE_URL", url)
    _forget()
    room = Room(folder, url)
    yield room
    _forget()
    room.db.close()


def _forget() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()
