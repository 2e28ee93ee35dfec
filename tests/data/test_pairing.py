"""Which pictures stand beside a picture."""

from stores import Stores

from data.pairing import Pairing, mates
from data.requests import GenerationRequest

NANO, DREAM = "google/nano-banana", "seedream/4.5-text-to-image"


def made(stores: Stores, *prompts: str, models: tuple[str, ...] = ()) -> list[str]:
    """The ids of one batch, each with a picture; all by one model, or each by its own."""
    by = models or (NANO,) * len(prompts)
    requests = [GenerationRequest(model, prompt, {}, ()) for model, prompt in zip(by, prompts, strict=True)]
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


def test_each_picture_of_a_model_stands_beside_the_one_of_the_other_that_counts_as_far(stores: Stores) -> None:
    ids = made(stores, "a kite", "a kite", "a kite", "a boat", models=(NANO, NANO, DREAM, DREAM))
    pairs = mates(stores.history.recent("ann"))
    assert {task: [mate.id for mate in found] for task, found in pairs.items()} == {
        ids[0]: [ids[2]], ids[2]: [ids[0]],
    }, "the second has none, nor has another prompt"  # fmt: skip


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
