"""Search where the index is read in parts: the answers are those of a look at every prompt, however far they lie."""

import pytest
from stores import MODELS, Stores

from data import fulltext
from data.query_reading import read
from data.requests import GenerationRequest
from data.search import Search


def who(number: int) -> str:
    return ("ann", "ben")[number // 50 % 2]


def asked(stores: Stores, prompts: list[str]) -> None:
    requests = [GenerationRequest(MODELS[0], prompt, {}, ()) for prompt in prompts]
    for start in range(0, len(requests), 50):
        stores.tasks.create(requests[start : start + 50], person=who(start))


def walked(search: Search, typed: str, limit: int) -> tuple[list[str], list[str]]:
    """Every prompt, page by page from the newest; and the same back from the oldest."""
    query, down, up = read(typed).query, list[str](), list[str]()
    page = search.page(query, "ann", limit=limit)
    down += [card.prompt for card in page.cards]
    while page.older is not None:
        page = search.page(query, "ann", before=page.older, limit=limit)
        down += [card.prompt for card in page.cards]
    up = [card.prompt for card in reversed(page.cards)]
    while page.newer is not None:
        page = search.page(query, "ann", after=page.newer, limit=limit)
        up += [card.prompt for card in reversed(page.cards)]
    return down, up


@pytest.mark.parametrize("typed", ["-猫", "-猫 -kite", "-猫 by:ann", "-猫 by:ann by:ben"])
def test_what_lacks_a_frequent_word_is_found_beyond_all_its_hits(stores: Stores, typed: str) -> None:
    """Ten cats to each dog: a page of dogs lies far beyond the hits that are read beside it."""
    prompts = ["kite", *(f"狗 {n}" if n % 11 == 0 else f"猫 {n}" for n in range(400)), "狗 400"]
    asked(stores, prompts)
    mine = [prompt for n, prompt in enumerate(prompts) if "ben" in typed or "ann" not in typed or who(n) == "ann"]
    wanted = [prompt for prompt in mine if "猫" not in prompt and not ("-kite" in typed and prompt == "kite")]
    search = Search(stores.db)
    assert walked(search, typed, 3) == (wanted[::-1], wanted)
    assert search.count(read(typed).query, "ann") == len(wanted)


@pytest.mark.parametrize("words", [1, fulltext.BEGUN, fulltext.BEGUN + 1, 3 * fulltext.BEGUN])
def test_a_beginning_is_found_of_few_words_and_of_many(stores: Stores, words: int) -> None:
    begun = [f"kite{n}" for n in range(words)]
    asked(stores, [f"a {word} over a kit" for word in begun] + ["kit", "ki", "a kettle"])
    search = Search(stores.db)
    assert search.count(read("kite").query, "ann") == words
    assert search.count(read("a kite").query, "ann") == words
    down, up = walked(search, "over a ki -kettle", 50)
    assert (down, up) == ([], [])
    down, _ = walked(search, "kite", 50)
    assert down == [f"a {word} over a kit" for word in reversed(begun)]
