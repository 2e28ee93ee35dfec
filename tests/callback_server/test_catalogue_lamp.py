"""The catalogue in the server: a broken change is told on its lamp, once; a start without all of it sends nothing."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from callback_server.providers.base import Accepted, Answer, PaidCall
from callback_server.providers.gemini import Gemini
from callback_server.providers.registry import Account
from callback_server.workers.dispatcher import Dispatcher
from callback_server.workers.lamps import Lamps
from callback_server.workers.pulse import Pulse
from data.artifacts import ArtifactStore
from data.catalog import OVERRIDE, catalog, follow
from data.db import Database
from data.errands import ErrandStore
from data.health import HealthBoard
from data.history import History
from data.model_spec import GEMINI_FIELDS
from data.pace import Pace
from data.requests import GenerationRequest
from data.storage import ObjectStorage
from data.submissions import SubmissionStore
from data.tasks import TaskStore

pytestmark = pytest.mark.http


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def lamps(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lamps]:
    monkeypatch.setattr("data.catalog.LOOK_SECONDS", 0.0)
    follow(tmp_path)
    yield Lamps(HealthBoard(db), History(db), ObjectStorage(tmp_path), {}, None)
    follow(tmp_path / "nowhere")


def test_a_broken_change_of_the_catalogue_is_on_the_board_with_its_line_until_it_is_mended(
    lamps: Lamps, tmp_path: Path
) -> None:
    offered = len(catalog().models)
    asyncio.run(lamps.check())
    row = lamps.board.all()["catalogue"]
    assert (row.ok, row.message) == (True, f"{offered} models on offer.")
    (tmp_path / OVERRIDE).write_text('[[model]]\nid = "next"\nlabel = 3\n', encoding="utf-8")
    asyncio.run(lamps.check())
    row = lamps.board.all()["catalogue"]
    assert not row.ok
    assert row.message.startswith("A change of the catalogue is not in force: ")
    assert f'{tmp_path.name}/catalog.toml, line 3: model "next", label: Input should be a valid string' in row.message
    assert len(catalog().models) == offered
    told = row.at
    asyncio.run(lamps.check_catalogue(again=False))
    assert lamps.board.all()["catalogue"].at == told  # said once
    (tmp_path / OVERRIDE).unlink()
    for _ in range(4):  # an editor may take it away for a moment
        asyncio.run(lamps.check_catalogue(again=False))
    assert lamps.board.all()["catalogue"].ok


@dataclass
class Counting:
    """A provider that takes whatever comes and counts it."""

    at_once: bool = False
    models: list[str] = field(default_factory=list)

    async def submit(self, call: PaidCall) -> Answer:
        self.models.append(call.model)
        return Accepted(f"p{len(self.models)}")


def sent(db: Database, lamps: Lamps, provider: Counting) -> list[str]:
    """One step of the loop that sends, and what the provider has got by then."""
    storage = lamps.storage
    dispatcher = Dispatcher(
        Account("kie", provider, frozenset({("kie", "nano-banana")})), Pace(), None, SubmissionStore(db),
        ErrandStore(db), ArtifactStore(db, storage, max_reference_bytes=1, max_pixels=1), storage, lamps,
    )  # fmt: skip

    async def step() -> None:
        await dispatcher.send()
        await asyncio.gather(*dispatcher.under_way)

    asyncio.run(step())
    return provider.models


OURS = "google/nano-banana"


def test_nothing_is_sent_by_our_entry_while_the_admins_own_cannot_be_read_since_the_start(
    db: Database, lamps: Lamps, tmp_path: Path
) -> None:
    theirs = tmp_path / "state" / OVERRIDE
    theirs.parent.mkdir()
    theirs.write_text(f'[[model]]\nid = "{OURS}"\n', encoding="utf-8")  # half written
    TaskStore(db).create([GenerationRequest(OURS, "a red kite", {}, ())], person="ann")
    follow(theirs.parent)
    provider = Counting()
    assert sent(db, lamps, provider) == []
    asyncio.run(lamps.check_catalogue(again=False))
    row = lamps.board.all()["catalogue"]
    assert not row.ok
    assert row.message.startswith(
        "Nothing is sent, because the admin's models cannot be read: state/catalog.toml, line 2"
    )
    asyncio.run(Pulse(lamps.board, {}).beat())
    assert lamps.board.all()["server"].data["halt"].startswith("state/catalog.toml, line 2: model ")
    theirs.write_text(
        f'[[model]]\nid = "{OURS}"\nwire_model = "as-the-admin-says"\nlabel = "L"\nfamily = "nano-banana"\n'
        'provider = "kie"\nmode = "text"\nprompt_max = 100\n', encoding="utf-8",
    )  # fmt: skip
    assert sent(db, lamps, provider) == ["as-the-admin-says"]
    asyncio.run(Pulse(lamps.board, {}).beat())
    assert lamps.board.all()["server"].data["halt"] == ""


def test_the_catalogue_lets_through_for_google_what_the_adapter_has_a_place_for() -> None:
    adapter = Gemini(key=SecretStr("a-key"), api_url="http://127.0.0.1:9")
    for name in GEMINI_FIELDS:
        _, body = adapter.request(PaidCall("s-1", "m", {"prompt": "kite", name: "x"}, None))
        assert f"'{name}': 'x'" in str(body)
    assert {"aspectRatio", "imageSize"} <= GEMINI_FIELDS
