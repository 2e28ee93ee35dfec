"""Fixtures of the ground floor."""

from collections.abc import Iterator

import pytest
from stores import Stores


@pytest.fixture
def stores(database_url: str) -> Iterator[Stores]:
    """A fresh database and its stores."""
    made = Stores(database_url)
    yield made
    made.close()
