"""The prompts that a person asked for before."""

import pytest
from sqlalchemy import text
from stores import Stores

from data.prompts import MOST, Prompts, page


def test_former_prompts_are_a_persons_own_each_once_and_the_newest_first(stores: Stores) -> None:
    for prompt in ("a kite", "ein Drachen", "a kite", "风筝"):
        stores.task(prompt=prompt)
    stores.task(prompt="somebody else's", person="bob")
    assert Prompts(stores.db).former("ann") == ("风筝", "a kite", "ein Drachen")
    assert Prompts(stores.db).former("nobody") == ()


def test_what_came_before_many_pictures_of_one_prompt_is_found(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.prompts._PAGE", 3)
    stores.task(prompt="the first")
    for _ in range(7):
        stores.task(prompt="the same")
    assert Prompts(stores.db).former("ann") == ("the same", "the first")


def test_no_more_prompts_are_found_than_a_walk_needs(stores: Stores) -> None:
    for n in range(MOST + 3):
        stores.task(prompt=f"prompt {n}")
    found = Prompts(stores.db).former("ann")
    assert (len(found), found[0], found[-1]) == (MOST, f"prompt {MOST + 2}", "prompt 3")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_former_prompts_are_read_along_the_index_by_person(stores: Stores) -> None:
    with stores.db.read() as session:
        query = page("ann", 9).compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in session.connection().execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert len(plan) == 1
    assert "ix_task_person_seq (person=? AND seq<?)" in plan[0]
