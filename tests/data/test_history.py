"""What the screens read."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from stores import MODELS, Stores

from data.errors import NotFound
from data.family import DEEPEST, MOST
from data.relation import Parent, Relation
from data.removal import Removal
from data.requests import GenerationRequest
from data.usual import Usual, newest_done


def test_what_is_under_way_is_never_pushed_out_by_what_is_new(stores: Stores) -> None:
    old = stores.running()
    for _ in range(5):
        task = stores.task()
        stores.tasks.cancel(task.id, who="ann")
    assert old.task.id in {card.id for card in stores.history.recent("ann", limit=3)}


def test_a_detail_tells_everything_that_happened_in_order(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim)
    stores.bring_home()
    detail = stores.history.detail(claim.task.id)
    assert [event.kind for event in detail.events] == ["created", "claimed", "accepted", "succeeded_there", "saved"]
    assert len(detail.outputs) == 1


def taken(stores: Stores, seconds: float, name: str) -> None:
    """One more picture is here, so many seconds after its call went out."""
    claim = stores.running(name)
    stores.clock.forward(seconds=seconds)
    stores.succeed(claim, name)
    stores.bring_home()


def test_the_usual_time_needs_twenty_pictures_and_nine_of_ten_took_no_longer_than_is_said(stores: Stores) -> None:
    for n in range(19):
        taken(stores, 10 + n, f"p{n}")
    assert stores.history.usual(["google/nano-banana", "veo3"]) == {}
    taken(stores, 60, "slow")
    assert stores.history.usual(["google/nano-banana", "veo3"]) == {"google/nano-banana": Usual(20.0, 27.0)}
    assert stores.history.usual([]) == {}


def test_an_outage_that_made_a_whole_press_late_is_not_told_as_usual(stores: Stores) -> None:
    for n in range(4):
        taken(stores, 9, f"first {n}")
    for n in range(8):
        taken(stores, 30, f"late {n}")
    assert stores.history.usual(["google/nano-banana"]) == {}, "too few to tell an outage from work"
    for n in range(8):
        taken(stores, 9, f"then {n}")
    assert stores.history.usual(["google/nano-banana"])["google/nano-banana"].seconds == 9.0


def test_what_could_not_be_fetched_at_once_is_no_measure_of_the_work(stores: Stores) -> None:
    for n in range(30):
        claim = stores.running(f"p{n}")
        stores.clock.forward(seconds=9)
        stores.succeed(claim, f"p{n}")
        if n % 3:
            assert stores.errands.claim_fetch(timedelta(seconds=60))
            stores.errands.fetch_failed(claim.submission_id, cause="fetch_failed", message="", permanent=False)
            stores.clock.forward(seconds=21)
        stores.bring_home()
    assert stores.history.usual(["google/nano-banana"]) == {}, "ten of them went straight"
    for n in range(10):
        taken(stores, 9, f"straight {n}")
    assert stores.history.usual(["google/nano-banana"]) == {"google/nano-banana": Usual(9.0, 9.0)}


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_usual_time_is_read_along_an_index_and_nothing_is_sorted(stores: Stores) -> None:
    with stores.db.read() as session:
        connection = session.connection()
        query = newest_done("google/nano-banana").compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert [line for line in plan if "ix_task_model_seq (model=?)" in line], plan
    assert not [line for line in plan if "SCAN task" in line or "SCAN submission" in line], plan


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_under_way_is_found_without_a_walk_along_all_that_ended(stores: Stores) -> None:
    said = list[tuple[str, Any]]()
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append((told[2], told[3])))
    assert stores.history.recent("ann") == ()
    with stores.db.read() as session:
        connection = session.connection()
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said[0][0]}", said[0][1])]
    assert any("ix_task_person_status_seq (person=? AND status=?)" in line for line in plan), plan


def test_the_place_in_the_queue_counts_those_before(stores: Stores) -> None:
    stores.task()
    second = stores.task()
    assert stores.history.place_in_queue(second.id) == 2


def child(stores: Stores, parent: str, relation: Relation = Relation.EDIT, *, count: int = 1) -> list[str]:
    """The ids of tasks that come of this one."""
    requests = [GenerationRequest(MODELS[0], "a child", {}, ())] * count
    tasks = stores.tasks.create(requests, person="bob", parents=[Parent(parent, relation)] * count)
    return [task.id for task in tasks]


def test_a_family_is_ancestors_and_descendants_with_what_joins_them(stores: Stores) -> None:
    root = stores.task().id
    (me,), (aunt,) = child(stores, root, Relation.VARIATION), child(stores, root)
    (one,), (other,) = child(stores, me, Relation.REMIX), child(stores, me)
    (grandchild,) = child(stores, one)
    child(stores, aunt)
    family = stores.history.family(me)
    assert [(kin.card.id, kin.depth) for kin in family] == [(root, -1), (me, 0), (one, 1), (other, 1), (grandchild, 2)]
    assert [kin.parent for kin in family[:3]] == [None, Parent(root, Relation.VARIATION), Parent(me, Relation.REMIX)]
    assert stores.history.detail(one).parent == Parent(me, Relation.REMIX)
    with pytest.raises(NotFound):
        stores.history.family("no such task")


def test_a_retry_is_a_child_of_what_it_repeats(stores: Stores) -> None:
    claim = stores.running()
    stores.fail(claim)
    again = stores.tasks.retry(claim.task.id, who="bob")
    assert [kin.card.id for kin in stores.history.family(again.id)] == [claim.task.id, again.id]
    assert stores.history.detail(again.id).retry_of == claim.task.id
    child(stores, claim.task.id)
    assert stores.tasks.retry(claim.task.id, who="bob").id == again.id, "an edit is no retry"


def test_a_family_goes_on_behind_a_deleted_task(stores: Stores) -> None:
    root = stores.task().id
    (middle,) = child(stores, root)
    (leaf,) = child(stores, middle)
    stores.tasks.cancel(middle, who="ann")
    Removal(stores.db, stores.clock).delete([middle], who="ann")
    assert [kin.card.id for kin in stores.history.family(leaf)] == [root, leaf]
    with pytest.raises(NotFound):
        stores.history.family(middle)


def test_a_large_family_is_cut_off_and_the_nearest_are_kept(stores: Stores) -> None:
    root = stores.task().id
    line = [root]
    for _ in range(DEEPEST + 3):
        line += child(stores, line[-1])
    child(stores, root, count=MOST)
    family = stores.history.family(root)
    assert len(family) == MOST
    assert [kin.depth for kin in family] == [0] + [1] * (MOST - 1)
    assert len(stores.history.family(line[-1])) == DEEPEST + 1
