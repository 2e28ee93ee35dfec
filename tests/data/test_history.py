"""What the screens read."""

from stores import Stores

from data.status import TaskStatus


def test_pages_follow_one_another_without_gap_or_repeat(stores: Stores) -> None:
    ids = [stores.task(prompt=str(n)).id for n in range(10)][::-1]
    seen, cursor = [], None
    while True:
        page = stores.history.page(before=cursor, limit=4)
        seen += [card.id for card in page.cards]
        if page.older is None:
            break
        cursor = page.older
    assert seen == ids
    back = stores.history.page(after=page.newer, limit=4)
    assert [card.id for card in back.cards] == ids[4:8]


def test_a_page_can_be_narrowed_to_a_status(stores: Stores) -> None:
    claim = stores.running()
    stores.task()
    page = stores.history.page(statuses=[TaskStatus.RUNNING])
    assert [card.id for card in page.cards] == [claim.task.id]


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


def test_the_usual_time_needs_five_pictures(stores: Stores) -> None:
    for n in range(5):
        assert stores.history.usual_seconds(["google/nano-banana", "veo3"]) == {}
        claim = stores.running(f"p{n}")
        stores.clock.forward(seconds=10 + n)
        stores.succeed(claim, f"p{n}")
        stores.bring_home()
    assert stores.history.usual_seconds(["google/nano-banana", "veo3"]) == {"google/nano-banana": 12.0}
    assert stores.history.usual_seconds([]) == {}


def test_the_place_in_the_queue_counts_those_before(stores: Stores) -> None:
    stores.task()
    second = stores.task()
    assert stores.history.place_in_queue(second.id) == 2
