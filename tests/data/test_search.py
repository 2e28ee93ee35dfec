"""Search finds exactly what a person would call a match, in any language, on both databases; and nothing deleted."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from databases import Databases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, event, text, update
from sqlmodel import select
from stores import MODELS, Stores

from data import fulltext
from data.filters import lengths, narrowed
from data.marks import Marks
from data.projects import Projects
from data.query import Choice, Query, Word
from data.query_reading import read
from data.removal import Removal
from data.requests import GenerationRequest
from data.schema import Task, utcnow
from data.search import COUNTED, Hides, Neighbours, Search, Spent
from data.ways import STEPS

CHINESE = "红色风筝熊猫赛博朋克的"
LATIN = ("kite", "kites", "Red", "café", "neon", "city", "of", "x")
PUNCTUATION = (",", "，", "-", "!")
PIECES = st.one_of(st.text(CHINESE, min_size=1, max_size=6), st.sampled_from(LATIN), st.sampled_from(PUNCTUATION))
PROMPTS = st.lists(PIECES, min_size=1, max_size=8).map(" ".join)
SOUGHT = st.one_of(st.text(CHINESE, min_size=1, max_size=4), st.sampled_from((*LATIN, "kit", "cafe", "ci", "red kite")))


def is_in(sought: str, prompt: str, *, begins: bool) -> bool:
    """As a person would look: letters without accents, whole words, the last one perhaps unfinished."""
    plain, sought = (text.lower().replace("é", "e") for text in (prompt, sought))
    if not sought.isascii():
        return re.search(r"\W*".join(sought), plain) is not None
    end = "" if begins and len(sought.split()[-1]) >= 3 else r"(?![a-z])"
    return re.search(rf"(?<![a-z]){sought.replace(' ', chr(92) + 'W+')}{end}", plain) is not None


@pytest.fixture(scope="module")
def languages(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    """A task in each of several languages, which nobody changes."""
    with kept(databases, tmp_path_factory) as stores:
        for prompt in (
            "红色的熊猫",
            "a 猫",
            "Crème, café",
            "The Red-Car park",
            "한국어",
            "がくせい",
            "สวัสดี",
            "🐼 roll",
        ):
            stores.task(prompt=prompt)
        yield stores.search


@pytest.fixture(scope="module")
def marked(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Forty tasks with stars, picks, tags, projects and costs, and then one more; nobody changes them."""
    with kept(databases, tmp_path_factory) as stores:
        every, marks = populated(stores).ids(Query(), "ann"), Marks(stores.db, stores.clock)
        with stores.db.transaction() as session:  # every third cost something, many the same
            session.connection().execute(text("UPDATE task SET booked_micro = seq % 3 * (seq % 4)"))
        marks.star(every[::3], "ann")
        marks.star(every[::2], "bob")
        marks.tag(every[::4], "poster", "bob")
        marks.tag(every[::6], "Sea", "cy")
        marks.pick(every[::5], "bob")
        projects = Projects(stores.db, stores.clock)
        projects.move(every[::3], "Spring", who="ann")
        projects.move(every[1::9], "红 色", who="ann")
        stores.task(prompt="red blue kite", person="ann")
        yield stores


@contextmanager
def kept(databases: Databases, folders: pytest.TempPathFactory) -> Iterator[Stores]:
    """A database that several tests look at: to fill it takes far longer than each look."""
    url = databases.fresh(folders.mktemp("kept"))
    stores = Stores(url)
    yield stores
    stores.close()
    databases.give_back(url)


def test_search_finds_what_a_look_at_every_prompt_finds(stores: Stores) -> None:
    search = Search(stores.db)
    known: dict[str, str] = {}

    @given(st.lists(PROMPTS, min_size=1, max_size=4), st.lists(SOUGHT, min_size=1, max_size=2), st.none() | SOUGHT)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    def finds(prompts: list[str], sought: list[str], without: str | None) -> None:
        made = stores.tasks.create([GenerationRequest(MODELS[0], prompt, {}, ()) for prompt in prompts], person="ann")
        known.update((task.id, task.prompt) for task in made)
        query = Query(tuple(Word(word) for word in sought), (Word(without),) if without else ())
        wanted = {
            task_id for task_id, prompt in known.items()
            if all(is_in(w.text, prompt, begins=not w.exact and w == query.words[-1]) for w in query.words)
            and not (without and is_in(without, prompt, begins=False))
        }  # fmt: skip
        assert set(search.ids(query, "ann")) == wanted
        assert search.count(query, "ann") == len(wanted)

    finds()


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("猫", ["红色的熊猫", "a 猫"]),
        ("熊猫", ["红色的熊猫"]),
        ("的熊", ["红色的熊猫"]),
        ("CAFÉ", ["Crème, café"]),
        ("creme", ["Crème, café"]),
        ('"red car"', ["The Red-Car park"]),
        ('"red ca"', []),
        ("red ca", []),
        ("red par", ["The Red-Car park"]),
        ("ａ", ["a 猫"]),
        ("한국", ["한국어"]),
        ("がく", ["がくせい"]),
        ("かく", []),
        ("ดี", ["สวัสดี"]),
        ("🐼", ["🐼 roll"]),
        ("-猫 -car -cafe -한 -が -ส -roll", []),
        ("'; DROP TABLE task; --", []),
        ("NEAR OR AND NOT *", []),
    ],
)
def test_any_language_is_found_by_a_part_of_its_sentence(languages: Search, sought: str, found: list[str]) -> None:
    cards = languages.page(languages.read(sought).query, "ann").cards
    assert sorted(card.prompt for card in cards) == sorted(found)


def test_a_very_long_prompt_is_found_by_its_end(stores: Stores) -> None:
    """Beyond the positions that PostgreSQL's own phrase search counts."""
    task = stores.tasks.create(
        [GenerationRequest(MODELS[0], "的猫" * 9000 + "风筝" + "x" * 3000, {}, ())], person="ann"
    )[0]
    stores.task(prompt="筝风 的 猫")
    search = Search(stores.db)
    for sought in ("猫风筝", '"风筝' + "x" * 3000 + '"'):
        assert search.ids(read(sought).query, "ann") == (task.id,)


def populated(stores: Stores) -> Search:
    """Forty tasks of four people and four models."""
    for n in range(40):
        prompt = f"{'red' if n % 2 else 'blue'} kite {n}"
        stores.task(prompt=prompt, person=("ann", "bob", "cy", "dee")[n // 3 % 4], model=MODELS[n % 3])
        stores.clock.forward(hours=1)
    return Search(stores.db)


QUERIES = (
    "", "red", "-red", "kite -red", "by:ann", "by:ann by:bob", "model:seedream", "model:nano-banana", "status:queued",
    "model:google/nano-banana by:bob status:running", "status:done", "after:2026-11-24", "before:2026-11-24",
    "red after:2026-11-24 before:2026-11-25 by:me", "star:yes", "star:no by:me", "star:yes red", "tag:poster",
    "tag:poster tag:sea", "-tag:sea blue", "star:yes tag:sea", "cost:0", "cost:>0", "cost:<1 red -by:ann",
    "-cause:policy red", "last:36500d by:ann", "pick:yes", "pick:no by:me", "pick:yes star:yes red", "project:spring",
    "project:spring by:ann", 'project:"红 色" project:spring', "project:none", "-project:spring", "-project:none red",
    "project:none project:spring -red", "project:spring pick:yes", "project:none red", "project:spring kit",
    "project:none by:ann by:bob",
)  # fmt: skip


@pytest.mark.parametrize("typed", QUERIES)
def test_every_query_pages_counts_and_walks_over_the_same_tasks(marked: Stores, typed: str) -> None:
    search = marked.search
    every = search.ids(Query(), "ann")
    query, hints = search.read(typed).query, search.read(typed).hints
    assert hints == ()
    ids = search.ids(query, "ann")
    assert len(ids) == search.count(query, "ann") == len(set(ids))
    assert list(ids) == [task_id for task_id in every if task_id in ids]
    assert (0 if typed == "status:done" else 1) <= len(ids) <= (41 if typed in ("", "status:queued") else 40)

    seen, cursor = [], None
    while True:
        page = search.page(query, "ann", before=cursor, limit=7)
        assert (page.newer is None) == (cursor is None)
        seen += [card.id for card in page.cards]
        if page.older is None:
            break
        cursor = page.older
    assert tuple(seen) == ids
    if cursor is not None:
        back = search.page(query, "ann", after=page.newer, limit=7)
        assert [card.id for card in back.cards] == list(ids[: len(ids) - len(page.cards)][-7:])
        assert back.older is not None
    for place in {0, len(ids) // 2, len(ids) - 1} if ids else ():
        beside = search.neighbours(query, "ann", marked.card(ids[place]).seq)
        assert beside == Neighbours(ids[place - 1] if place else None, ids[place + 1] if place + 1 < len(ids) else None)


SORTED = ("", "-red", "by:ann", "by:ann by:bob", "model:seedream model:nano", "red", "kit -red", "star:yes",
          "tag:poster", "tag:poster tag:sea", "cost:>0", "-tag:sea blue", "status:queued by:ann",
          "after:2026-11-24 before:2026-11-25", "red after:2026-11-24", "-red before:2026-11-25",
          "star:yes before:2026-11-25", "tag:poster tag:sea after:2026-11-24",
          "pick:yes", "project:spring", "project:none project:spring", "-project:spring red",
          "project:spring after:2026-11-24", "project:none project:spring before:2026-11-25",
          "pick:yes before:2026-11-25")  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "sort"),
    [(typed, sort) for typed in SORTED for sort in ("oldest", "cost")]
    + [(typed, "cost, many hits") for typed in ("red", "kit -red")]
    + [(typed, "oldest, many hits") for typed in ("cost:>0", "cost:<3 by:ann")],
)
def test_an_order_pages_and_walks_through_the_same_tasks_both_ways(
    marked: Stores, typed: str, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "many" in sort:
        monkeypatch.setattr("data.ways.SORTED", 5)
    sort = sort.split(",", maxsplit=1)[0]
    search = marked.search
    with marked.db.read() as session:
        cost = {row.id: row.booked_micro for row in session.exec(select(Task))}
    last, before_it = search.page(Query(), "ann", limit=2).cards
    query, every, top = search.read(f"{typed} sort:{sort}").query, search.read(typed).query, before_it.seq
    newest = search.ids(every, "ann", top=top)  # what has come since is nowhere in the list
    assert last.id not in newest
    wanted = newest[::-1] if sort == "oldest" else tuple(sorted(newest, key=lambda each: -cost[each]))
    assert search.ids(query, "ann", top=top) == wanted
    assert (search.count(query, "ann"), search.newest(query, "ann")) == (
        search.count(every, "ann"), search.newest(every, "ann"),
    )  # fmt: skip
    pages = [search.page(query, "ann", limit=7, top=top)]
    while (onward := pages[-1].older) is not None:
        pages.append(search.page(query, "ann", before=onward, limit=7, top=top))
    assert tuple(card.id for page in pages for card in page.cards) == wanted
    for before, after in pairwise(pages):
        assert search.page(query, "ann", after=after.newer, limit=7, top=top) == before
    for at in {0, len(wanted) // 2, len(wanted) - 1}:
        beside = search.neighbours(query, "ann", marked.card(wanted[at]).seq, top=top)
        assert beside == Neighbours(*(wanted[n] if 0 <= n < len(wanted) else None for n in (at - 1, at + 1)))


def test_what_is_new_is_counted_and_does_not_move_what_is_shown(stores: Stores) -> None:
    search = populated(stores)
    query = read("red").query
    top = search.page(query, "ann").cards[0]
    for prompt in ("red boat", "blue boat", "red lamp"):
        stores.task(prompt=prompt)
    assert search.newer(query, "ann", top.seq) == 2
    assert search.newer(query, "ann", top.seq, most=1) == 2
    assert search.neighbours(query, "ann", top.seq, top=top.seq).newer is None
    assert search.neighbours(query, "ann", top.seq).newer is not None
    assert search.ids(query, "ann", top=top.seq, limit=1) == (top.id,)


def test_counting_ends_where_nobody_counts_on(stores: Stores) -> None:
    requests = [GenerationRequest(MODELS[0], "red kite", {}, ())] * 101
    for _ in range(10):
        stores.tasks.create(requests, person="ann")
    search = Search(stores.db)
    assert search.count(read("red").query, "ann") == search.count(Query(), "ann") == COUNTED + 1
    assert len(search.ids(Query(), "ann")) == 1010


def test_an_empty_list_names_the_filter_that_hides_the_most(stores: Stores) -> None:
    search = populated(stores)
    query = read("by:ann model:seedream status:failed").query
    assert search.count(query, "ann") == 0
    hides = search.hides_most(query, "ann")
    assert hides == Hides("status", search.count(query.lacking("status"), "ann"))
    assert search.hides_most(Query(), "ann") is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hrabour", "harbour"), ("harbor", "harbour"), ("harboour", "harbour"), ("harbaur", "harbour"),
        ("lanterm by:ann", "lantern by:ann"),
        ("red harbuor lantern", "red harbour lantern"),
        ('"harbuor"', '"harbour"'),
        ("harbuor status:failed", None),  # that would be empty too
        ("xarbxur", None), ("rde", None), ("港弯", None), ("harbour", None), ("harb", None), ("harbour -red", None),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_told_and_never_mended_unasked(stores: Stores, typed: str, meant: str | None) -> None:
    for prompt in ("a red harbour with a lantern", "the Harbour, a Lantern, red", "one hammer", "港湾"):
        stores.task(prompt=prompt)
    search, query = Search(stores.db), read(typed).query
    found = search.meant(query, "ann")
    assert (found.text if found else None) == meant
    if meant:
        assert search.ids(query, "ann") == ()


def test_a_hint_knows_who_and_what_is_there(stores: Stores) -> None:
    search = populated(stores)
    Marks(stores.db, stores.clock).tag(search.ids(Query(), "ann")[:1], "Poster", "ann")
    names = search.names()
    assert (names.people, names.models, names.tags, names.projects) == (
        ("ann", "bob", "cy", "dee"),
        tuple(sorted(MODELS[:3])),
        ("poster",),
        {},
    )
    reading = search.read("by:bo tag:poster by:zoe")
    assert (reading.query.text, len(reading.hints)) == ("by:bob tag:poster", 1)


def test_a_deleted_task_is_in_no_list_and_no_count(stores: Stores) -> None:
    search, removal = populated(stores), Removal(stores.db, stores.clock)
    gone, stays = search.ids(read("by:ann red").query, "ann")[:2]
    stores.tasks.cancel(gone, who="ann")
    assert removal.delete([gone], who="ann").ids == (gone,)
    for typed in ("", "red", "by:ann", "status:cancelled", "-blue"):
        assert gone not in search.ids(read(typed).query, "ann"), typed
    assert search.count(Query(), "ann") == stores.history.total() == 39
    assert stays in search.ids(read("by:ann red").query, "ann")


def test_the_days_of_a_query_are_days_in_utc(stores: Stores) -> None:
    stores.clock.now = stores.clock.now.replace(hour=23, minute=59, second=59)
    late = stores.task(prompt="late")
    stores.clock.forward(seconds=1)
    early = stores.task(prompt="early")
    search, day = Search(stores.db), stores.clock().date()
    assert search.ids(Query(after=day), "ann") == (early.id,)
    assert search.ids(Query(before=day), "ann") == (late.id,)
    assert search.ids(Query(after=date(1, 1, 1), before=date(9999, 12, 31)), "ann") == (early.id, late.id)
    assert search.ids(Query(after=day + timedelta(days=1)), "ann") == ()


def test_what_has_failed_is_found_by_its_cause(stores: Stores) -> None:
    failed = []
    for name, cause in (("p1", "policy"), ("p2", "overdue"), ("p3", "policy")):
        claim = stores.running(name)
        stores.fail(claim, name, cause=cause)
        failed.append(claim.task.id)
    waits = stores.task().id
    search = Search(stores.db)
    by_cause = search.causes(Query(), "ann")
    assert {cause: list(ids) for cause, ids in by_cause.items()} == {"policy": failed[::-2], "overdue": [failed[1]]}
    assert search.causes(Query(), "ann", top=stores.card(failed[0]).seq) == {
        "policy": {failed[0]: Spent(0, perhaps=False)}
    }
    assert search.ids(search.read("cause:policy").query, "ann") == (failed[2], failed[0])
    assert search.ids(read("-cause:policy").query, "ann") == (waits, failed[1])
    assert "Nothing fails by “rain”" in search.read("cause:rain").hints[0].sentence


def test_the_last_days_move_on_with_the_days(stores: Stores) -> None:
    stores.clock.now = utcnow()
    task = stores.task().id
    stores.clock.forward(days=-8)
    stores.task()
    assert Search(stores.db).ids(read("last:7d").query, "ann") == (task,)


def test_a_month_is_found_by_one_step(stores: Stores) -> None:
    search, day = Search(stores.db), stores.clock().date()
    assert (search.began(), search.since(day)) == (None, None)
    first = stores.task()
    stores.clock.forward(days=40)
    second = stores.task()
    assert (search.began(), search.since(day), search.since(day + timedelta(days=1))) == (day, first.seq, second.seq)
    assert search.since(day + timedelta(days=99)) is None


def test_what_is_chosen_has_a_weight(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim, urls=("http://h/1.png", "http://h/2.png"))
    stores.bring_home()
    assert Search(stores.db).weight([claim.task.id, stores.task().id]) == 4_000_000
    assert Search(stores.db).weight([]) == 0


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("typed", [typed for typed in QUERIES if typed not in ("status:done", "cost:0", "cost:>0")])
def test_no_page_is_sorted_or_read_from_end_to_end(stores: Stores, typed: str) -> None:
    """Whatever is asked, an index gives the order: only what several walks have found is put in order afterwards."""
    found = narrowed(read(typed).query, "ann", sqlite=True)
    with stores.db.read() as session:
        connection = session.connection()
        query = found.rows("id", limit=60).compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    walks = [line for line in plan if "SUBQUERY" not in line]
    sorted_afterwards = sum("TEMP B-TREE FOR ORDER BY" in line for line in walks)
    assert sorted_afterwards <= (1 if len(found.branches) > 1 else 0), plan


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("more", [(), ("older",), ("newer", "shown")])
@pytest.mark.parametrize(
    "typed",
    [
        "",
        "by:ann",
        "by:ann by:bob model:seedream",
        "status:failed",
        "-red",
        "cost:>10",
        "project:spring",
        "project:none by:ann",
    ],
)
def test_what_cost_the_most_is_walked_and_not_sorted(stores: Stores, typed: str, more: tuple[str, ...]) -> None:
    found = narrowed(read(f"{typed} sort:cost").query, "ann", sqlite=True)
    with stores.db.read() as session:
        query = found.rows("id", *more, limit=60).params(edge=7, top=9)
        query = query.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in session.connection().execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    costs = [line for line in plan if "INDEX ix_task_cost" in line]
    if more:  # what cost just as much is a walk of its own, and only what both walks have found is put in order
        assert any("booked_micro=? AND seq" in line for line in costs), plan
        assert any("booked_micro<?" in line or "booked_micro>?" in line for line in costs), plan
    assert costs, plan
    assert more or not any("TEMP B-TREE" in line for line in plan), plan
    assert not any("SCAN task" in line and "ix_task_cost" not in line for line in plan), plan


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "typed",
    [
        "cost:>10",
        "cost:>10 by:ann -red",
        "cost:>1 cost:<3 by:ann by:ben status:failed",
        "cost:>10 project:spring",
        "cost:>10 project:none project:spring",
    ],
)
def test_what_few_have_cost_is_found_by_the_cost_and_not_by_reading_everything(stores: Stores, typed: str) -> None:
    found = narrowed(read(typed).query, "ann", sqlite=True, few=True)
    with stores.db.read() as session:
        query = found.rows("id", limit=60).compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in session.connection().execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert any("SEARCH priced USING" in line and "ix_task_cost (booked_micro" in line for line in plan), plan
    assert any("SEARCH task USING" in line and ("rowid=?" in line or "seq=?" in line) for line in plan), plan


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("typed", ["by:ann", "by:ann by:bob", "by:ann model:nano-banana", "by:ann by:cy project:none"])
def test_what_few_have_is_put_in_order_of_cost_and_more_is_met_along_the_costs(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    search, said = populated(stores), list[str]()
    with stores.db.transaction() as session:
        session.connection().execute(update(Task).values(booked_micro=Task.seq % 7))
        seqs = {row.id: row.seq for row in session.exec(select(Task))}
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    query = read(f"{typed} sort:cost").query

    def walk() -> tuple[bool, list[str]]:
        said.clear()
        pages = [search.page(query, "ann", limit=2)]
        while (onward := pages[-1].older) is not None:
            pages.append(search.page(query, "ann", before=onward, limit=2))
        middle = pages[1].cards[0].seq
        assert search.neighbours(query, "ann", middle).newer == pages[0].cards[-1].id
        assert search.page(query, "ann", after=middle, limit=2).cards == pages[0].cards
        return any("ORDER BY task.booked_micro" in each and "ix_task_cost" in each for each in said), [
            card.id for page in pages for card in page.cards
        ]

    along, ids = walk()
    assert not along
    monkeypatch.setattr("data.ways.SORTED", 5)
    assert walk() == (True, ids)
    assert ids == sorted(ids, key=lambda each: (seqs[each] % 7, seqs[each]), reverse=True)


def test_what_nearly_nobody_has_paid_for_that_end_is_gathered(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many cost something and none of them is done: a walk along what is done would go to its end for nothing."""
    search, said = populated(stores), list[str]()
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    monkeypatch.setattr("data.ways.SORTED", 5)

    def gathers(typed: str) -> bool:
        said.clear()
        ids = search.ids(read(typed).query, "ann")
        assert ids == tuple(each for each in search.ids(read(typed.partition(" ")[2]).query, "ann") if booked[each])
        return any("AS priced" in each for each in said)

    claim = stores.running(person="ann")
    stores.succeed(claim)
    stores.bring_home()
    with stores.db.transaction() as session:
        session.connection().execute(update(Task).values(booked_micro=Task.seq))
        booked = {row.id: row.booked_micro for row in session.exec(select(Task))}
    assert len(search.ids(read("cost:>0 status:done").query, "ann")) == 1
    lite = stores.db.is_sqlite
    assert not gathers("cost:>0 status:queued by:ann")  # an index leads to them
    assert not gathers("cost:>0 status:done by:me")  # so few are hers that they are gone through
    monkeypatch.setattr("data.ways.WALKED", 5)
    assert [gathers(f"cost:>0 status:done{more}") for more in ("", " by:me", " model:nano")] == [lite] * 3


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("typed", ["status:failed", "-status:done", "cause:policy", "status:failed project:none"])
def test_what_is_not_done_is_put_in_order_of_cost_by_its_index_alone(marked: Stores, typed: str) -> None:
    """It has cost nothing, so along the costs everything else came first; and sorting carries no rows about."""
    found = narrowed(read(f"{typed} sort:cost").query, "ann", sqlite=True, rare=True)
    with marked.db.read() as session:
        query = found.rows("card", limit=60).compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in session.connection().execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert any("COVERING INDEX ix_task_status_seq (status=?)" in line for line in plan), plan
    said = list[str]()
    event.listen(marked.db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    marked.search.ids(read(f"{typed} sort:cost").query, "ann")
    assert "INDEXED BY ix_task_status_seq" in said[-1], said


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mark", ["star:yes", "pick:yes", "tag:poster"])
def test_where_a_mark_leads_no_index_of_the_tasks_is_counted(marked: Stores, mark: str) -> None:
    said, others = list[str](), "by:ann project:spring"
    event.listen(marked.db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    marked.search.ids(read(others).query, "ann")
    counted = len(said)
    marked.search.ids(read(f"{others} {mark}").query, "ann")
    assert (counted, len(said) - counted) == (2, 1), said


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_hits_of_a_frequent_word_are_not_looked_up_one_by_one_among_the_failed(stores: Stores) -> None:
    found = narrowed(read("red status:failed sort:cost").query, "ann", sqlite=True, frequent=True, rare=True)
    with stores.db.read() as session:
        query = found.rows("seq", limit=60).compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in session.connection().execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert any("COVERING INDEX ix_task_status_seq (status=?)" in line for line in plan), plan


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("sort", ["", "sort:oldest", "sort:cost"])
@pytest.mark.parametrize(
    "typed",
    [
        "red by:ann",
        "kit -red by:bob",
        "red project:spring",
        "star:yes red",
        "pick:yes red -blue",
        "tag:poster kit",
        "tag:poster tag:sea red",
        "status:queued kite project:spring",
        "red by:ann after:2026-11-24 before:2026-11-25",
        "red by:nobody",
    ],
)
def test_few_are_asked_for_a_frequent_word_each_by_itself(
    marked: Stores, monkeypatch: pytest.MonkeyPatch, typed: str, sort: str
) -> None:
    """Of a project with three hundred tasks the word `red` was looked for in a hundred thousand prompts."""
    search, said = marked.search, list[str]()
    query = read(f"{typed} {sort}").query
    monkeypatch.setattr("data.ways.ALONE", -1)
    among_hits = search.ids(query, "ann")
    event.listen(marked.db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    monkeypatch.setattr("data.ways.ALONE", 50)
    monkeypatch.setattr("data.ways.ASKED", 0)
    assert search.ids(query, "ann") == among_hits
    several = "tag:poster tag:sea" in typed and "cost" in sort  # one order over both, and no index leads to them
    assert ("AS held" in said[-1]) is not several, said[-1]
    assert search.count(query, "ann") == len(among_hits)
    assert bool(among_hits) is ("nobody" not in typed)
    for at, one in enumerate(among_hits):
        beside = search.neighbours(query, "ann", marked.card(one).seq)
        assert beside.newer == (among_hits[at - 1] if at else None)


def reads_rows(stores: Stores, query: Select[Any]) -> bool:
    """Whether SQLite's program for it takes any column from the table itself, and not from an index of it."""
    with stores.db.read() as session:
        asked = query.compile(session.connection(), compile_kwargs={"literal_binds": True})
        steps = session.connection().execute(text(f"EXPLAIN {asked}")).all()
        pages = "SELECT rootpage FROM sqlite_master WHERE name = 'task'"
        at = session.connection().execute(text(pages)).scalar_one()
    tables = {step.p1 for step in steps if step.opcode == "OpenRead" and step.p2 == at}
    return any(step.opcode == "Column" and step.p1 in tables for step in steps)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("typed", "index"),
    [
        ("by:ann project:none", "person"),
        ("model:google/nano-banana -project:spring", "model"),
        ("by:ann model:google/nano-banana project:spring", "person_model"),
        ("status:failed project:none", "status"),
        ("cause:policy", "status"),
        ("status:failed cost:>10", "status"),
    ],
)
def test_what_a_list_leaves_out_is_passed_over_in_its_index(stores: Stores, typed: str, index: str) -> None:
    found = narrowed(read(typed).query, "ann", sqlite=True).rows("seq", limit=60)
    assert f"INDEXED BY ix_task_{index}_seq" in str(found.compile(stores.db.engine))
    assert not reads_rows(stores, found)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_fewest_are_not_looked_for_where_a_page_is_there_at_once(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.tasks.create([GenerationRequest(MODELS[n % 2], "red", {}, ()) for n in range(90)], person="ann")
    search, said = Search(stores.db), list[object]()
    monkeypatch.setattr("data.ways.STEPS", (20, 40, 80))
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append(told[3]))

    def counted(typed: str) -> int:
        said.clear()
        search.page(read(typed).query, "ann", limit=5)
        return sum(isinstance(each, tuple) and any(most + 1 in each for most in (20, 40, 80)) for each in said)

    assert counted("by:ann project:none") == 1
    Projects(stores.db, stores.clock).move(search.ids(Query(), "ann")[::2], "Spring", who="ann")
    assert counted("by:ann project:none") == 3  # 45 are in none: not a page of the next hundred, and below 80
    assert counted("by:ann project:none sort:cost") == 3


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("typed", "reads"),
    [
        ("model:seedream status:failed", True),  # a hundred rows, to see whether the best guess will do
        ("by:ann by:bob project:none", True),
        ("by:ann project:none", False),
    ],
)
def test_the_fewest_are_found_without_putting_anything_in_order(stores: Stores, typed: str, reads: bool) -> None:
    """Of twenty models it would be twenty times as many, and all of them put together."""
    asked = lengths(read(typed).query, "ann").params(most=9, near=9, page=9)
    with stores.db.read() as session:
        query = asked.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in session.connection().execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert not any("TEMP B-TREE" in line or "UNION" in line for line in plan), plan
    assert reads_rows(stores, asked) is reads


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("steps", [STEPS, (1, 3, 50)])
def test_what_has_the_fewest_is_walked(stores: Stores, monkeypatch: pytest.MonkeyPatch, steps: tuple[int, ...]) -> None:
    """Bob has many and dee few, in project Spring are fewer still; nobody else has anything, and nothing has ended."""
    many = [stores.task(person="bob", model=MODELS[0]).id for _ in range(30)]
    for n in range(12):
        stores.task(person="dee", model=MODELS[n % 3])
    Projects(stores.db, stores.clock).move(many[:3], "Spring", who="ann")
    search, said = Search(stores.db), list[str]()
    monkeypatch.setattr("data.ways.STEPS", steps)
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    for typed, index, count in (
        ("project:none by:me", "person", 0), ("project:none by:dee", "person", 12), ("project:none", "project", 39),
        ("project:none by:zoe by:dee", "person", 12), ("project:none status:unconfirmed", "status", 0),
        ("project:none cause:policy", "status", 0), ("project:none status:done", "project", 0),
        ("project:spring by:bob", "project", 3), ("project:spring status:queued", "project", 3),
        (f"project:spring by:bob model:{MODELS[0]}", "project", 3), ("project:none by:bob by:dee", "project", 39),
        (f"project:none by:dee model:{MODELS[0]}", "person_model", 4), (f"model:{MODELS[0]} by:dee", "person_model", 4),
        (f"model:{MODELS[0]} status:unconfirmed", "status", 0),
    ):  # fmt: skip
        for sort in ("", " sort:oldest", " sort:cost"):
            said.clear()
            assert len(search.ids(read(typed + sort).query, "zoe")) == count
            assert f"INDEXED BY ix_task_{index}_seq" in said[-1], (typed + sort, said)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("more", [(), ("older",), ("newer",), ("shown",), ("older", "shown"), ("newer", "shown")])
@pytest.mark.parametrize("typed", ["", "by:ann", "red", "star:yes", "tag:poster", "sort:oldest", "red project:spring"])
def test_a_walk_has_one_bound_on_each_side(stores: Stores, typed: str, more: tuple[str, ...]) -> None:
    """Of two SQLite takes either, and would read all that lies between them."""
    found = narrowed(read(f"{typed} after:2026-11-01 before:2026-11-20").query, "ann", sqlite=True)
    with stores.db.read() as session:
        walk = str(found.rows("id", *more, limit=60).compile(session.connection())).rpartition("WHERE")[0]
    key = rf"(?<!since)\.{found.seq.name} "
    assert (len(re.findall(f"{key}>", walk)), len(re.findall(f"{key}<", walk))) == (1, 1), walk


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("typed", ["cause:policy", "by:ann cause:policy", "by:ann by:ben cause:policy"])
def test_a_cause_is_looked_for_among_the_failed_alone(stores: Stores, typed: str) -> None:
    """Few fail: a walk along everything would read a million rows to fill one page."""
    found = narrowed(read(typed).query, "ann", sqlite=True)
    with stores.db.read() as session:
        connection = session.connection()
        query = found.rows("id", limit=60).compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert any("INDEX ix_task" in line and "status=?" in line for line in plan), plan


def test_what_is_taken_out_of_the_index_is_not_found_and_nothing_else_goes(stores: Stores) -> None:
    tasks = [stores.task(prompt=prompt) for prompt in ("红色 kite", "红色 boat", "")]
    with stores.db.transaction() as session:
        told = [(task.seq or 0, task.prompt) for task in (tasks[0], tasks[2])]
        fulltext.forget(session.connection(), [*told, (999, "never there")])
        fulltext.forget(session.connection(), told)
        assert [row.id for row in session.exec(select(Task).order_by(Task.seq))] == [task.id for task in tasks]  # type: ignore[arg-type]
    search = Search(stores.db)
    assert search.ids(Query((Word("红"),)), "ann") == (tasks[1].id,)
    assert search.ids(Query((Word("kite"),)), "ann") == ()
    assert search.ids(Query(by=Choice(("ann",))), "ann") == tuple(task.id for task in reversed(tasks))
