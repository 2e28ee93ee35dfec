"""A desk without processes: the pages in Streamlit's own harness, and the stores behind them, over one database."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pictures
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from data.artifacts import ArtifactStore
from data.catalog import catalog
from data.db import Database
from data.deadlines import Clock, Deadlines
from data.errands import ErrandStore
from data.health import HealthBoard
from data.history import History
from data.ledger import Ledger
from data.pace import Pace
from data.query import Query
from data.requests import validate
from data.schema import Task
from data.search import Search
from data.settling import Word
from data.storage import ObjectStorage
from data.submissions import Claim, SubmissionStore
from data.tasks import TaskStore

APP = Path(__file__).resolve().parents[1] / "dashboard" / "app.py"
MODELS = ("google/nano-banana", "google/nano-banana-edit", "seedream/4.5-text-to-image", "seedream/4.5-edit")


class Room:
    """One state folder, seen from both sides: as the person before the screen, and as the server behind it."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.db, self.practises = Database(database_url), False
        self.ledger = Ledger(self.db)
        self.tasks, self.history, self.health = TaskStore(self.db), History(self.db), HealthBoard(self.db)
        self.search = Search(self.db)
        self.submissions, self.errands = SubmissionStore(self.db), ErrandStore(self.db)
        storage = ObjectStorage(folder)
        self.artifacts = ArtifactStore(self.db, storage, max_reference_bytes=10_000_000, max_pixels=64_000_000)

    def open(self, page: str = "generate", **query: str) -> AppTest:
        """A fresh session on a page."""
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        return app if page == "generate" else app.switch_page(f"app_pages/{page}.py").run()

    def say_hello(self, *roads: str, practice: bool = False) -> None:
        """The server says that it works, and by which roads; by kie's alone where none is named."""
        roads = roads or ("kie",)
        self.practises = practice
        pairs = {(spec.provider, spec.family) for spec in catalog().models if spec.provider in roads}
        data = {"accounts": list(roads), "connected": sorted(pairs), "practice": practice}
        self.health.report("server", ok=True, message="Working.", data=data)

    def ask(self, prompt: str = "a red kite", *, person: str = "local", **params: Any) -> Task:
        return self.tasks.create([validate(catalog().require(MODELS[0]), prompt, params, ())], person=person)[0]

    def claim(self, provider: str = "kie") -> Claim:
        serves = [(provider, family) for family in ("nano-banana", "seedream", "veo")]
        practice = "sandbox" if provider == "kie" else f"sandbox-{provider}"
        claim = self.submissions.claim(practice if self.practises else provider, serves, Pace())
        assert claim is not None
        return claim

    def running(self) -> Claim:
        claim = self.claim()
        self.submissions.accepted(claim.submission_id, f"p-{claim.submission_id}")
        return claim

    def done(self, count: int = 1) -> None:
        claim = self.running()
        urls = tuple(f"http://h/{index}.png" for index in range(count))
        word = Word("succeeded", f"p-{claim.submission_id}", urls, charged_micro=4_000_000)
        self.submissions.apply(claim.submission_id, word)
        for index in range(count):
            picture = self.artifacts.store_output(pictures.png(64 + index, 64))
            self.errands.stored(claim.submission_id, index, picture)
        assert self.errands.claim_fetch(timedelta(seconds=60))
        assert self.errands.fetched(claim.submission_id)

    def doubt(self) -> Claim:
        """The next task's call was sent, and nobody knows whether it arrived."""
        claim = self.claim()
        self.submissions.in_doubt(claim.submission_id, message="timeout")
        return claim

    def fail(self, cause: str = "generation_failed") -> None:
        """The provider fails the next task, without a charge."""
        claim = self.running()
        self.submissions.apply(claim.submission_id, Word("failed", f"p-{claim.submission_id}", (), 0, cause, "no"))

    def later(self, **span: float) -> None:
        """What the clock alone does by then."""
        Clock(self.db, Deadlines(), lambda: self.db.now() + timedelta(**span)).tick()

    def all_tasks(self) -> list[Any]:
        return list(self.search.page(Query(), "", limit=100).cards)


def drawn(app: AppTest, key: str) -> dict[str, Any]:
    """What a component of ours was given to draw; empty where it is not on the page."""
    for element in app.get("bidi_component"):
        if f"-{key}-" in element.proto.id or element.proto.id.endswith(f"-{key}"):
            said = element.proto.json or element.proto.mixed.json
            return dict(json.loads(said))
    return {}


def tell(app: AppTest, key: str, act: str, name: str = "") -> AppTest:
    """What a press in a component of ours says: as the browser would, so its callback runs."""
    said = drawn(app, key)
    return say(app, key, events=[{"seq": said["ack"] + 1, "epoch": said["epoch"], "act": act, "id": name}])


def say(app: AppTest, key: str, **state: Any) -> AppTest:
    """The state of a component of ours, as the browser sends it: where it is another, its callback runs."""
    (element,) = [one for one in app.get("bidi_component") if one.key == key]
    states = app._tree.get_widget_states()
    states.widgets.add(id=element.proto.id, json_value=json.dumps(state))
    return app._run(states)


def cards(app: AppTest) -> list[dict[str, Any]]:
    return list(drawn(app, "now").get("cards", []))


def acts(card: dict[str, Any]) -> list[str]:
    return [action.get("act") or action["label"] for action in card["actions"]]


def texts(app: AppTest) -> str:
    """Everything that Streamlit itself wrote on the page."""
    parts = [*app.markdown, *app.caption, *app.error, *app.info, *app.subheader, *app.header]
    return "\n".join(str(part.value) for part in parts)


def choose(app: AppTest, *names: str) -> AppTest:
    """What the picker leaves in the session after a pick; its own clicks are tried in a browser."""
    app.session_state["chosen"] = list(names)
    app.session_state["several"] = len(names) > 1
    return app.run()


def write(app: AppTest, prompt: str) -> AppTest:
    return app.text_area(key="prompt").set_value(prompt).run()


def generate(app: AppTest) -> Button:
    """The one button that spends; its key changes with each press."""
    (button,) = [one for one in app.button if str(one.key).startswith("generate_")]
    return button


def label(app: AppTest) -> str:
    """What it says, as people read it."""
    return generate(app).label.replace("\\", "")


def press(app: AppTest) -> AppTest:
    return generate(app).click().run()
