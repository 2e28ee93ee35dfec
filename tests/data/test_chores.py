"""A regular duty is done by one at a time, goes on when its worker dies, and waits until it is due again."""

import threading
from datetime import datetime, timedelta

import pytest
from stores import Stores

from data.chores import Chores
from data.db import Database
from data.deadlines import AHEAD

HOUR, LEASE = timedelta(hours=1), timedelta(minutes=10)


@pytest.fixture
def chores(stores: Stores) -> Chores:
    return Chores(stores.db, stores.clock)


def other(stores: Stores) -> Chores:
    """Another sidecar."""
    return Chores(stores.db, stores.clock)


def due_again(stores: Stores) -> datetime:
    return stores.clock.now + HOUR


def test_a_duty_is_one_workers_until_it_ends_it(stores: Stores, chores: Chores) -> None:
    assert chores.claim("tidy", HOUR, LEASE)
    assert not other(stores).claim("tidy", HOUR, LEASE)
    assert chores.done("tidy", {"went": 3}, due_again(stores))
    assert not other(stores).claim("tidy", HOUR, LEASE)
    assert other(stores).report("tidy") == {"went": 3}
    stores.clock.forward(minutes=59)
    assert not other(stores).claim("tidy", HOUR, LEASE)
    stores.clock.forward(minutes=1)
    assert other(stores).claim("tidy", HOUR, LEASE)


def test_two_duties_do_not_wait_for_each_other(stores: Stores, chores: Chores) -> None:
    assert chores.claim("tidy", HOUR, LEASE)
    assert chores.claim("compare", HOUR, LEASE)


def test_a_new_duty_begins_when_it_is_first_due(stores: Stores, chores: Chores) -> None:
    assert not chores.claim("tidy", HOUR, LEASE, first=stores.clock.now + timedelta(minutes=10))
    stores.clock.forward(minutes=10)
    assert chores.claim("tidy", HOUR, LEASE, first=stores.clock.now + timedelta(minutes=10))


def test_the_lease_of_a_dead_worker_runs_out_and_the_next_goes_on_from_its_report(
    stores: Stores, chores: Chores
) -> None:
    assert chores.claim("tidy", HOUR, LEASE)
    stores.clock.forward(minutes=9)
    assert chores.keep("tidy", LEASE, report={"cursor": 7})
    stores.clock.forward(minutes=9)
    heir = other(stores)
    assert not heir.claim("tidy", HOUR, LEASE)
    stores.clock.forward(minutes=1)
    assert heir.claim("tidy", HOUR, LEASE)
    assert heir.report("tidy") == {"cursor": 7}
    # The one that was thought dead wakes: it can neither keep nor end what is another's now.
    assert not chores.keep("tidy", LEASE, report={"cursor": 0})
    assert not chores.done("tidy", {}, due_again(stores))
    assert heir.keep("tidy", LEASE)
    assert heir.report("tidy") == {"cursor": 7}


def test_a_person_may_begin_early_but_not_beside_another(stores: Stores, chores: Chores) -> None:
    assert chores.claim("tidy", HOUR, LEASE)
    assert not other(stores).claim("tidy", HOUR, LEASE, early=True)
    assert chores.done("tidy", {}, due_again(stores))
    assert other(stores).claim("tidy", HOUR, LEASE, early=True)


def test_a_clock_set_back_does_not_stop_a_duty_for_years(stores: Stores, chores: Chores) -> None:
    stores.clock.forward(days=4000)
    assert chores.claim("tidy", HOUR, LEASE)
    stores.clock.forward(days=-4000)
    assert other(stores).claim("tidy", HOUR, LEASE)
    assert chores.row("tidy") is not None


def test_clocks_that_differ_a_little_do_not_break_a_lease(stores: Stores, chores: Chores) -> None:
    assert chores.claim("tidy", HOUR, LEASE)
    stores.clock.now -= AHEAD / 2
    assert not other(stores).claim("tidy", HOUR, LEASE)
    assert not other(stores).claim("tidy", HOUR, LEASE, early=True)


def test_of_many_sidecars_at_once_one_begins(stores: Stores, database_url: str) -> None:
    sidecars = [Database(database_url) for _ in range(6)]
    together, took = threading.Barrier(len(sidecars)), []

    def claim(db: Database) -> None:
        together.wait()
        took.append(Chores(db, stores.clock).claim("tidy", HOUR, LEASE))

    threads = [threading.Thread(target=claim, args=(db,)) for db in sidecars]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for db in sidecars:
        db.close()
    assert sorted(took) == [False] * 5 + [True]
