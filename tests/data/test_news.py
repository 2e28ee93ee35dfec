"""What the screens are told: whose tasks have moved, each move at least once, and nothing of before."""

import pytest
from databases import Databases
from sqlmodel import Session
from stores import Stores

from data.db import Database
from data.glances import Glances
from data.history import History
from data.links import EVERYBODY
from data.moves import move_each
from data.news import AT_ONCE, News
from data.requests import GenerationRequest
from data.schema import TaskEvent
from data.status import TaskStatus
from data.tasks import TaskStore


@pytest.fixture
def db(stores: Stores) -> Database:
    return stores.db


REQUEST = GenerationRequest("google/nano-banana", "a red kite", {}, ())


def test_of_very_many_that_ended_since_a_look_none_is_left_out(stores: Stores) -> None:
    """Whoever is told goes on from the newest news: what a look leaves out is never told."""
    before = stores.history.revision()
    asked = [task.id for _ in range(2) for task in stores.tasks.create([REQUEST] * 300, person="ann")]
    stores.task(person="ben")
    with stores.db.transaction() as session:
        move_each(session, asked, TaskStatus.FAILED, since=TaskStatus.QUEUED, now=stores.clock(), kind="failed",
                  who="server")  # fmt: skip
    assert [*Glances(stores.db).ended("ann", before).values()] == asked
    assert Glances(stores.db).ended("ben", before) == {}


def test_each_move_is_told_once_and_by_whom(db: Database) -> None:
    tasks, news = TaskStore(db), News(db)
    (task,) = tasks.create([REQUEST], person="ann")
    assert news.take() == frozenset()  # what was there before is no news
    assert news.revision == History(db).revision() > 0
    tasks.create([REQUEST], person="ben")
    tasks.create([REQUEST], person="ben")
    tasks.cancel(task.id, who="cleo")
    assert news.take() == {EVERYBODY, "ann", "ben"}
    assert news.revision == History(db).revision()
    assert news.take() == frozenset()
    tasks.create([REQUEST], person="ann")
    news.skip()
    assert (news.take(), news.revision) == (frozenset(), History(db).revision())


def test_the_very_first_move_of_a_desk_is_told(db: Database) -> None:
    news = News(db)
    assert (news.take(), news.revision, History(db).revision()) == (frozenset(), 0, 0)
    TaskStore(db).create([REQUEST], person="ann")
    assert news.take() == {EVERYBODY, "ann"}


def test_a_flood_is_told_in_parts_and_whole(db: Database) -> None:
    tasks, news = TaskStore(db), News(db)
    news.take()
    for person in ("ann", "ben"):
        (task,) = tasks.create([REQUEST], person=person)
        with db.transaction() as session:
            session.add_all(TaskEvent(task_id=task.id, kind="claimed") for _ in range(AT_ONCE))
    told = [news.take() for _ in range(4)]
    assert told[0] == {EVERYBODY, "ann"}
    assert frozenset().union(*told) == {EVERYBODY, "ann", "ben"}
    assert told[-1] == frozenset()


def test_a_number_given_out_early_and_committed_late_is_told_too(databases: Databases, db: Database) -> None:
    """Where writers do not wait for each other (PostgreSQL); on SQLite there is no such moment."""
    tasks, news = TaskStore(db), News(db)
    (slow,) = tasks.create([REQUEST], person="ann")
    news.take()
    if databases.kind == "sqlite":
        tasks.create([REQUEST], person="ben")
        assert news.take() == {EVERYBODY, "ben"}
        return
    with Session(db.engine) as late:
        late.add(TaskEvent(task_id=slow.id, kind="claimed"))
        late.flush()
        tasks.create([REQUEST], person="ben")
        assert news.take() == {EVERYBODY, "ben"}
        late.commit()
    assert news.take() == {EVERYBODY, "ann"}
    assert news.take() == frozenset()
