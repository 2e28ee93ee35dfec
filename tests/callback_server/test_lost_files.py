"""Files that are gone from storage, or came only in part: what is asked of the provider again, and what is told."""

from datetime import timedelta

import pytest
from bench import Bench, rounds
from pictures import png, transparent_png
from shelf import Shelf

from callback_server.workers import fetcher as fetching
from data.errors import NotAllowed, StorageError
from data.glances import Glances
from data.lost import Kept, Lost
from data.news import News
from data.settling import Word
from data.status import TaskStatus

S = TaskStatus
LEASE = timedelta(seconds=12)


def finished(bench: Bench, shelf: Shelf, *paths: str, name: str = "p1") -> str:
    """A task whose result names these files, after its download; its id."""
    claim = bench.stores.running(name)
    bench.stores.succeed(claim, name, urls=tuple(f"http://{shelf.address}{path}" for path in paths))
    rounds(bench, shelf)
    return claim.task.id


def lose(bench: Bench, task_id: str, position: int = 0) -> str:
    """The file at this position is taken away; its SHA-256."""
    row = bench.artifacts.outputs(task_id)[position]
    bench.artifacts.original_path(row.sha256).unlink()
    return row.sha256


def lost(bench: Bench) -> Lost:
    return Lost(bench.stores.db, bench.stores.clock)


def since(bench: Bench, task_id: str, kind: str = "download_again") -> list[str]:
    """The events from the last of this kind on."""
    events = bench.stores.events(task_id)
    return events[len(events) - 1 - events[::-1].index(kind) :]


def test_a_file_that_is_gone_from_storage_comes_again_and_is_the_same(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png())]}
    task_id = finished(bench, shelf, "/1")
    (row,) = bench.artifacts.outputs(task_id)
    sha256 = lose(bench, task_id)
    assert rounds(bench, shelf) == 0, "nobody asked for it"
    lost(bench).restore(task_id, [sha256], who="ann")
    assert rounds(bench, shelf) == 1
    assert bench.artifacts.read_original(sha256) == transparent_png()
    assert (bench.artifacts.outputs(task_id), bench.stores.card(task_id).status) == ([row], S.SUCCEEDED)
    assert since(bench, task_id) == ["download_again", "file_restored"]
    assert len(bench.stores.calls(task_id)) == 1


def test_a_lost_file_is_fetched_from_a_fresh_address_once_the_old_one_has_run_out(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png()), (403, b"")], "/2": [(200, png(64, 64))],
                     "/fresh": [(200, transparent_png())]}  # fmt: skip
    task_id = finished(bench, shelf, "/1", "/2")
    sha256 = lose(bench, task_id)
    lost(bench).restore(task_id, [sha256], who="ann")
    (call,) = bench.stores.calls(task_id)
    (look,) = bench.stores.errands.claim_looks()
    assert look.submission_id == call.id, "its addresses may have run out"
    fresh = (f"http://{shelf.address}/fresh", call.outputs[1])
    assert bench.stores.submissions.apply(call.id, Word("succeeded", look.provider_task_id, fresh))
    assert rounds(bench, shelf) == 1
    assert bench.artifacts.read_original(sha256) == transparent_png()
    assert since(bench, task_id) == ["download_again", "fresh_addresses", "file_restored"]


def test_the_missing_part_of_a_result_is_fetched_from_a_fresh_address_too(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png())], "/2": [(404, b"")], "/fresh": [(200, png(64, 64))]}
    task_id = finished(bench, shelf, "/1", "/2")
    bench.stores.tasks.retry_download(task_id, who="ann")
    (call,) = bench.stores.calls(task_id)
    fresh = (call.outputs[0], f"http://{shelf.address}/fresh")
    assert bench.stores.submissions.apply(call.id, Word("succeeded", "p1", fresh))
    rounds(bench, shelf)
    assert len(bench.artifacts.outputs(task_id)) == 2
    assert since(bench, task_id) == ["download_again", "fresh_addresses", "saved_too"]


def test_a_list_that_lacks_a_file_takes_no_address_away(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png())], "/2": [(200, png(64, 64))]}
    task_id = finished(bench, shelf, "/1", "/2")
    lost(bench).restore(task_id, [lose(bench, task_id)], who="ann")
    (call,) = bench.stores.calls(task_id)
    assert not bench.stores.submissions.apply(call.id, Word("succeeded", "p1", tuple(call.outputs[1:])))
    assert bench.stores.calls(task_id)[0].outputs == call.outputs


@pytest.mark.parametrize("early", [True, False])
def test_a_list_in_another_order_costs_no_file(bench: Bench, shelf: Shelf, early: bool) -> None:
    """Signed anew: whether or not the first file was on record when the new list came."""
    sizes = {f"/{number}.png": png(32 * number, 32) for number in (1, 2, 3)}
    shelf.answers = {path: [(200, data)] for path, data in sizes.items()}
    claim = bench.stores.running()
    old = [f"http://{shelf.address}{path}?signed=1" for path in sizes]
    bench.stores.succeed(claim, urls=tuple(old))
    errand = bench.stores.errands.claim_fetch(LEASE)
    assert errand is not None
    home, call_id = bench.artifacts.store_output(sizes["/1.png"]), claim.submission_id
    fresh = [url.replace("signed=1", "signed=2") for url in (*old[1:], old[0])]
    if early:
        bench.stores.succeed(claim, urls=tuple(fresh))
    bench.stores.errands.stored(call_id, 0, home)
    if not early:
        bench.stores.succeed(claim, urls=tuple(fresh))
    bench.stores.clock.forward(seconds=13)
    rounds(bench, shelf)
    stored = [bench.artifacts.read_original(row.sha256) for row in bench.artifacts.outputs(claim.task.id)]
    assert stored == [*sizes.values()]
    assert bench.stores.calls(claim.task.id)[0].outputs == [fresh[2], fresh[0], fresh[1]]


@pytest.mark.parametrize("days", [0, 2, 13])
@pytest.mark.parametrize("act", ["restore", "retry_download"])
def test_what_is_asked_for_again_is_tried_for_a_day_from_then_on(
    bench: Bench, shelf: Shelf, act: str, days: int
) -> None:
    """However long ago the picture was made: one answer of 503 is not the end."""
    missing = [(404, b"")] * fetching.TRIES_FOR_A_MISSING_FILE
    comes = [(503, b""), (200, transparent_png())]
    shelf.answers = {
        "/1": [(200, transparent_png()), *comes] if act == "restore" else [*missing, *comes],
        "/2": [(200, png(64, 64))],
    }
    task_id = finished(bench, shelf, "/1", "/2")
    bench.stores.clock.forward(days=days)
    if act == "restore":
        lost(bench).restore(task_id, [lose(bench, task_id)], who="ann")
    else:
        bench.stores.tasks.retry_download(task_id, who="ann")
    assert rounds(bench, shelf) == 2
    assert all(bench.artifacts.has(row.sha256) for row in bench.artifacts.outputs(task_id))
    assert len(bench.artifacts.outputs(task_id)) == 2


def test_a_download_that_breaks_off_ends_a_day_after_it_was_asked_for(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png()), (503, b"")]}
    task_id = finished(bench, shelf, "/1")
    bench.stores.clock.forward(days=2)
    began = bench.stores.clock()
    lost(bench).restore(task_id, [lose(bench, task_id)], who="ann")
    rounds(bench, shelf, limit=1000)
    assert timedelta(days=1) < bench.stores.clock() - began < timedelta(days=1, minutes=30)
    assert since(bench, task_id)[-1] == "part_missing"


def test_what_comes_in_the_place_of_a_lost_file_and_is_another_is_kept_beside_it(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png()), (200, png(64, 64))]}
    task_id = finished(bench, shelf, "/1")
    sha256 = lose(bench, task_id)
    for _ in range(2):  # asked for twice, it is kept once
        lost(bench).restore(task_id, [sha256], who="ann")
        assert rounds(bench, shelf) == 1
    gone, other = bench.artifacts.outputs(task_id)
    assert (gone.sha256, gone.replaced_by, bench.artifacts.has(sha256)) == (sha256, other.sha256, False)
    assert bench.artifacts.read_original(other.sha256) == png(64, 64)
    assert "restored_differs" in bench.stores.events(task_id)
    faces = [picture.sha256 for picture in bench.stores.card(task_id).pictures]
    assert faces == [other.sha256, sha256], "what is there stands first"
    assert [row.sha256 for row in bench.stores.history.detail(task_id).outputs] == faces


def test_what_was_replaced_is_not_downloaded_again_for_the_sake_of_another_file(bench: Bench, shelf: Shelf) -> None:
    served = [(200, transparent_png()), (200, png(64, 64)), (500, b"it was asked for again")]
    shelf.answers = {"/1": served, "/2": [(404, b"")]}
    task_id = finished(bench, shelf, "/1", "/2")
    lost(bench).restore(task_id, [lose(bench, task_id)], who="ann")
    rounds(bench, shelf)
    assert since(bench, task_id).count("restored_differs") == 1
    bench.stores.tasks.retry_download(task_id, who="ann")
    assert rounds(bench, shelf) == fetching.TRIES_FOR_A_MISSING_FILE
    assert served == [(500, b"it was asked for again")]
    assert {*since(bench, task_id)} == {"download_again", "fetch_retry", "part_missing"}, "nothing was saved"


def test_a_replaced_file_hides_no_other_that_is_missing(bench: Bench, shelf: Shelf) -> None:
    second = [(404, b"")] * 2 * fetching.TRIES_FOR_A_MISSING_FILE
    shelf.answers = {"/1": [(200, transparent_png()), (200, png(64, 64))], "/2": [*second, (200, png(32, 32))]}
    task_id = finished(bench, shelf, "/1", "/2")
    lost(bench).restore(task_id, [lose(bench, task_id)], who="ann")
    rounds(bench, shelf)
    assert len(bench.artifacts.outputs(task_id)) == 2
    glances = Glances(bench.stores.db, bench.stores.clock)
    assert glances.calls([task_id])[task_id].missing == 1
    bench.stores.tasks.retry_download(task_id, who="ann")
    rounds(bench, shelf)
    assert png(32, 32) in [bench.artifacts.read_original(row.sha256) for row in bench.artifacts.outputs(task_id)[1:]]
    assert glances.calls([task_id])[task_id].missing == 0
    with pytest.raises(NotAllowed):
        bench.stores.tasks.retry_download(task_id, who="ann")


def test_what_stands_in_for_a_lost_file_and_is_lost_as_well_comes_again(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png()), (200, png(64, 64))]}
    task_id = finished(bench, shelf, "/1")
    sha256 = lose(bench, task_id)
    lost(bench).restore(task_id, [sha256], who="ann")
    rounds(bench, shelf)
    other = lose(bench, task_id, position=1)
    lost(bench).restore(task_id, [sha256, other], who="ann")
    rounds(bench, shelf)
    assert bench.artifacts.read_original(other) == png(64, 64)
    assert since(bench, task_id) == ["download_again", "file_restored"]
    assert len(bench.artifacts.outputs(task_id)) == 2


def test_of_a_file_that_is_here_again_nothing_that_stood_in_for_it_is_missing(bench: Bench, shelf: Shelf) -> None:
    first, second, third = transparent_png(), png(64, 64), png(32, 32)
    order = [first, second, third, first, third, second]
    shelf.answers = {"/1": [(200, data) for data in order]}
    task_id = finished(bench, shelf, "/1")
    for came in order[1:]:
        shas = [row.sha256 for row in bench.artifacts.outputs(task_id)]
        for sha256 in filter(bench.artifacts.has, shas):
            bench.artifacts.original_path(sha256).unlink()
        lost(bench).restore(task_id, shas, who="ann")
        rounds(bench, shelf)
        here, *gone = bench.stores.card(task_id).pictures
        assert bench.artifacts.read_original(here.sha256) == came
        assert (here.replaced_by, {other.replaced_by for other in gone}) == (None, {here.sha256})
    assert len(gone) == 2


def test_a_lost_file_that_the_provider_has_no_more_changes_nothing(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png()), (404, b"")]}
    task_id = finished(bench, shelf, "/1")
    (row,) = bench.artifacts.outputs(task_id)
    sha256 = lose(bench, task_id)
    ready = bench.stores.calls(task_id)[0].settled_at
    assert ready is not None
    assert lost(bench).kept([sha256], task_id) == {sha256: Kept(ready)}
    lost(bench).restore(task_id, [sha256], who="ann")
    assert lost(bench).kept([sha256], task_id) == {sha256: Kept(ready, under_way=True)}
    assert rounds(bench, shelf) == fetching.TRIES_FOR_A_MISSING_FILE
    (kept,) = bench.artifacts.outputs(task_id)
    assert (kept.id, kept.sha256, kept.replaced_by) == (row.id, row.sha256, None)
    assert bench.stores.card(task_id).status == S.SUCCEEDED
    assert since(bench, task_id)[-1] == "part_missing"
    assert lost(bench).kept([sha256], task_id) == {sha256: Kept(ready, in_vain=True)}


def test_of_a_lost_file_whose_provider_keeps_none_nobody_is_told_that_nothing_was_paid(bench: Bench) -> None:
    stores = bench.stores
    task = stores.task(model="gemini-3-pro-image")
    claim = stores.submissions.claim("google", (("gemini", "nano-banana"),), stores.pace)
    assert claim is not None
    assert stores.submissions.accepted(claim.submission_id, "p1")
    stores.succeed(claim, urls=("held:1",))
    stores.bring_home()
    (row,) = bench.artifacts.outputs(task.id)
    with pytest.raises(NotAllowed, match=r"keeps no copy of this file.* Asking cost nothing; only a backup can bring"):
        lost(bench).restore(task.id, [row.sha256], who="ann")
    assert stores.card(task.id).charged_micro > 0


def test_who_presses_again_while_it_is_fetched_asks_for_nothing_more(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png())], "/2": [(404, b"")]}
    task_id = finished(bench, shelf, "/1", "/2")
    sha256 = lose(bench, task_id)
    for _ in range(3):
        lost(bench).restore(task_id, [sha256], who="ann")
        bench.stores.tasks.retry_download(task_id, who="ann")
    assert bench.stores.events(task_id).count("download_again") == 1


def test_a_file_that_is_sought_while_another_is_fetched_comes_as_well(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png())], "/2": [(404, b""), (404, b""), (200, png(64, 64))]}
    claim = bench.stores.running()
    bench.stores.succeed(claim, urls=tuple(f"http://{shelf.address}{path}" for path in ("/1", "/2")))
    rounds(bench, shelf, limit=1)
    errand = bench.stores.errands.claim_fetch(LEASE)
    assert errand is not None
    sha256 = lose(bench, claim.task.id)
    lost(bench).restore(claim.task.id, [sha256], who="ann")
    bench.stores.errands.stored(errand.submission_id, 1, bench.artifacts.store_output(png(64, 64)))
    assert bench.stores.errands.fetched(errand.submission_id, attempt=errand.attempt)
    assert rounds(bench, shelf) == 1
    assert bench.artifacts.has(sha256)


def test_of_two_tasks_with_the_same_file_only_the_one_that_was_asked_for_is_fetched(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png())]}
    one, other = finished(bench, shelf, "/1"), finished(bench, shelf, "/1", name="p2")
    sha256 = lose(bench, one)
    assert [row.sha256 for row in bench.artifacts.outputs(other)] == [sha256]
    lost(bench).restore(one, [sha256], who="ann")
    fetching_now = [bench.stores.calls(task_id)[0].fetch_at is not None for task_id in (one, other)]
    assert fetching_now == [True, False]
    assert "download_again" not in bench.stores.events(other)
    assert lost(bench).kept([sha256], other)[sha256].under_way is False


@pytest.mark.parametrize("killed", [False, True])
def test_a_restored_file_is_told_of_although_its_server_was_killed(bench: Bench, shelf: Shelf, killed: bool) -> None:
    shelf.answers = {"/1": [(200, transparent_png())]}
    task_id = finished(bench, shelf, "/1")
    sha256 = lose(bench, task_id)
    lost(bench).restore(task_id, [sha256], who="ann")
    news = News(bench.stores.db)
    news.take()
    if killed:
        assert bench.stores.errands.claim_fetch(LEASE)
        bench.artifacts.store_output(transparent_png())  # the file lies there, and nothing else was done
        bench.stores.clock.forward(seconds=13)
    rounds(bench, shelf)
    assert since(bench, task_id) == ["download_again", "file_restored"]
    assert news.take()
    assert lost(bench).kept([sha256], task_id)[sha256].under_way is False


@pytest.mark.parametrize("killed", [False, True])
def test_a_second_paid_result_is_told_of_although_its_server_was_killed(
    bench: Bench, shelf: Shelf, killed: bool
) -> None:
    shelf.answers = {"/1": [(200, transparent_png())], "/2": [(200, png(64, 64))]}
    stores = bench.stores
    stores.task()
    first = stores.claim()
    assert stores.submissions.in_doubt(first.submission_id, message="no answer")
    stores.tasks.write_off(first.task.id, who="ann", again=True)
    second = stores.claim()
    assert stores.submissions.accepted(second.submission_id, "p2")
    stores.succeed(second, "p2", urls=(f"http://{shelf.address}/1",))
    rounds(bench, shelf)
    stores.succeed(first, "p1", urls=(f"http://{shelf.address}/2",))
    news = News(stores.db)
    news.take()
    if killed:
        errand = stores.errands.claim_fetch(LEASE)
        assert errand is not None
        stores.errands.stored(errand.submission_id, 0, bench.artifacts.store_output(png(64, 64)))
        assert news.take(), "told in the transaction that wrote its row"
        stores.clock.forward(seconds=13)
    rounds(bench, shelf)
    assert since(bench, first.task.id, "second_result") == ["second_result", "saved_too"]
    assert len(stores.card(first.task.id).pictures) == 2


def test_storage_that_cannot_be_read_is_not_taken_for_a_lost_file(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png())]}
    task_id = finished(bench, shelf, "/1")
    sha256 = bench.artifacts.outputs(task_id)[0].sha256
    folder = bench.storage.root / "pictures"
    folder.rename(folder.with_name("aside"))
    assert not bench.artifacts.has(sha256), "no such folder, so no such file"
    folder.symlink_to(folder)  # a name that no system call can follow: ELOOP, as EIO or EACCES would be
    with pytest.raises(StorageError, match="Look at the disk"):
        bench.artifacts.has(sha256)
    with pytest.raises(StorageError):
        bench.artifacts.original_path(sha256)
