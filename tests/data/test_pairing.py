"""Which pictures stand beside a picture."""

from stores import Stores

from data.pairing import Pairing
from data.requests import GenerationRequest


def made(stores: Stores, *prompts: str) -> list[str]:
    """The ids of one batch, each with a picture."""
    requests = [GenerationRequest("google/nano-banana", prompt, {}, ()) for prompt in prompts]
    ids = [task.id for task in stores.tasks.create(requests, person="ann")]
    for task_id in ids:
        claim = stores.claim()
        assert stores.submissions.accepted(claim.submission_id, f"p-{task_id}")
        stores.succeed(claim, f"p-{task_id}")
    stores.bring_home()
    return ids


def test_siblings_are_the_batch_in_its_order_and_then_the_same_request_newest_first(stores: Stores) -> None:
    old, new = made(stores, "a red kite"), made(stores, "a red  kite")
    batch = made(stores, "a red kite", "a blue kite", "a red kite")
    made(stores, "a green kite")
    for task_id in (batch[0], batch[2]):
        assert Pairing(stores.db).siblings(task_id) == (*batch, *new, *old)
    assert Pairing(stores.db).siblings(batch[1]) == tuple(batch)
    assert Pairing(stores.db).siblings(old[0]) == (*old, batch[2], batch[0], *new)


def test_what_has_no_picture_is_nobodys_sibling(stores: Stores) -> None:
    (task_id,) = made(stores, "a red kite")
    waiting = stores.task(prompt="a red kite").id
    assert Pairing(stores.db).siblings(task_id) == (task_id,)
    assert Pairing(stores.db).siblings(waiting) == (task_id,)
    assert Pairing(stores.db).siblings("nothing") == ()


def test_cards_come_in_the_order_they_are_asked_for(stores: Stores) -> None:
    ids = [stores.task(prompt=str(n)).id for n in range(3)]
    wanted = [ids[2], "gone", ids[0]]
    assert [card.id for card in stores.history.cards(wanted)] == [ids[2], ids[0]]
    assert stores.history.cards([]) == ()
