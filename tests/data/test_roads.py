"""A task whose road has lost its key says so while it waits, and goes on when the key is there again."""

from sqlalchemy import event
from sqlmodel import select
from stores import SERVES, Stores

from data import causes
from data.roads import EVERY, Roads, note_unserved
from data.schema import Task
from data.status import TaskStatus

DIRECT = ("gemini", "nano-banana")


def test_a_task_that_nobody_can_send_says_what_it_waits_for(stores: Stores) -> None:
    ours, theirs = stores.task(), stores.task(model="gemini-nano-banana-2.1")
    assert note_unserved(stores.db, SERVES)
    assert not note_unserved(stores.db, SERVES), "said once"
    causes = [(stores.card(task.id).status, stores.card(task.id).error_code) for task in (ours, theirs)]
    assert causes == [(TaskStatus.QUEUED, None), (TaskStatus.QUEUED, "no_account")]
    assert note_unserved(stores.db, {*SERVES, DIRECT})
    assert stores.card(theirs.id).error_code is None
    assert note_unserved(stores.db, set())
    assert {stores.card(task.id).error_code for task in (ours, theirs)} == {"no_account"}


def test_of_a_long_queue_only_what_is_new_is_looked_at_each_time(stores: Stores) -> None:
    asked: list[str] = []
    event.listen(stores.db.engine, "before_cursor_execute", lambda _c, _k, said, *_: asked.append(said))
    roads = Roads(stores.db, SERVES)
    old = stores.task(model="gemini-nano-banana-2.1")
    assert [roads.note() for _ in range(3)] == [True, False, False]
    del asked[:]
    assert not roads.note()
    assert len([said for said in asked if "error_code" in said]) == 0
    new = stores.task(model="gemini-nano-banana-2.1")
    assert roads.note()
    assert [stores.card(task.id).error_code for task in (old, new)] == ["no_account", "no_account"]
    with stores.db.transaction() as session:
        for task in session.exec(select(Task)):
            task.error_code = None
            session.add(task)
    assert True in [roads.note() for _ in range(EVERY)], "now and then all are looked at"
    assert stores.card(old.id).error_code == "no_account"


def test_only_a_road_that_can_be_asked_promises_that_a_picture_may_still_appear() -> None:
    promise = "the picture will still appear here"
    assert promise in causes.explain("unconfirmed", 0, "kie")
    for road, name in causes.DIRECT.items():
        said = causes.explain("unconfirmed", 0, road)
        assert promise not in said
        assert f"{name} cannot be asked about it afterwards. It is not known whether it was charged." in said
