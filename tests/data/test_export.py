"""The history as a table: whole, readable by a spreadsheet, and harmless to it."""

import csv
import io

from stores import Stores

from data.export import COLUMNS, to_csv
from data.marks import Marked
from data.search import Search


def rows(stores: Stores, **marks: Marked) -> list[dict[str, str]]:
    cards = Search(stores.db).page(Search(stores.db).read("").query, "ann").cards
    made = to_csv(cards, {card.id: marks[card.prompt] for card in cards if card.prompt in marks}, {"ann": "Ann"})
    assert made.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"))))


def test_a_task_is_one_line_with_its_files_and_marks(stores: Stores) -> None:
    claim = stores.running(prompt="熊猫")
    stores.succeed(claim, urls=("http://h/1.png", "http://h/2.png"))
    stores.bring_home()
    (row,) = rows(stores, 熊猫=Marked(starred=True, tags=("a", "b")))
    assert tuple(row) == COLUMNS
    wanted = {
        "person": "Ann", "prompt": "熊猫", "status": "done", "credits": "4", "pictures": "2", "bytes": "4000000",
        "starred": "yes", "tags": "a, b",
    }  # fmt: skip
    assert row.items() >= wanted.items()


def test_a_prompt_that_looks_like_a_formula_is_text(stores: Stores) -> None:
    for prompt in ("=1+1", "@x", "\uff1d1+1", "\n=1", 'two\nlines, "quoted"', "plain"):
        stores.task(prompt=prompt)
    assert [row["prompt"] for row in rows(stores)] == [
        "plain", 'two\nlines, "quoted"', "'\n=1", "'\uff1d1+1", "'@x", "'=1+1"
    ]  # fmt: skip
