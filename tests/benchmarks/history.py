"""What the history costs with 10,000 and with 1,000,000 tasks, beside the same reads by bare `sqlite3`. By hand.

`python tests/benchmarks/history.py FOLDER [size ...]` makes the files that are not in the folder yet (seeded, skewed,
two prompts in five Chinese), keeps them, and prints CPU times. Only ratios say anything: ours to the bare reads of the
same rows (aim: 2), the largest file to the smallest (aim: 1.2). Every round runs each candidate once, in shuffled
order; a ratio is taken inside a round, and the median of all rounds is told. What costs microseconds shows a large
ratio to `sqlite3`: ours costs 0.1 ms before its first row (a connection of the pool, a transaction, SQLAlchemy).

One row grows by what it is: that nothing is done for nothing is read off the index of costs, all that cost so little,
and ours reads it twice, as it first sees that there are few. No other may.
"""

import itertools
import json
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data import fulltext
from data.catalog import catalog
from data.db import Database
from data.fulltext import split
from data.history import COLUMNS, Card, Picture
from data.query import Query
from data.query_reading import read
from data.requests import GenerationRequest
from data.search import COUNTED, Search
from data.status import TaskStatus
from data.tasks import TaskStore

SIZES = (10_000, 1_000_000)
ROUNDS, REPEATS = 9, 12
DAYS, PEOPLE = 365, 200
END = datetime(2026, 11, 27, tzinfo=UTC)
POOL = 100_000
"""Different prompts; as in life, many are asked for again."""
CHINESE = (
    "红色 风筝 熊猫 猫 赛博朋克 城市 夜景 霓虹 海报 水彩 山水 人物 肖像 电影感 超高清 光影 森林 雪山 古风 少女 机器人 "
    "咖啡 产品 摄影 极简 插画 未来 宇宙 星空 花园 下雨 街道 老人 孩子 微笑 日落 沙丘 海浪 建筑 玻璃"
)
ENGLISH = (
    "a the of in with red kite harbour neon city portrait poster watercolour mountain forest cinematic light studio "
    "product minimal robot coffee cat panda dunes dusk film grain macro glass rain street old child smile sunset wave "
    "tower garden space star snow"
)


# Making the files ---------------------------------------------------------------------------------------------------


def prompts(dice: random.Random) -> list[tuple[str, str]]:
    """Prompts and their words as the index takes them: few words are frequent, many are rare."""
    rare = ["".join(dice.choices("bcdfghklmnprstvw", k=3)) + "o" + str(n % 97) for n in range(3000)]
    latin, han = ENGLISH.split() + rare, CHINESE.split()
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(latin) + 1)))
    made = []
    for _ in range(POOL):
        if dice.random() < 0.4:
            text = "，".join("的".join(dice.choices(han, k=2)) for _ in range(dice.randint(2, 6)))
        else:
            text = " ".join(dice.choices(latin, cum_weights=weights, k=dice.randint(6, 24)))
        made.append((text, split(text)))
    return made


def tasks(size: int, dice: random.Random, pool: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """One row after the other, evenly over the year."""
    specs = catalog().models
    people = [f"person{n:03}@example.com" for n in range(PEOPLE)]
    who = list(itertools.accumulate(1 / rank for rank in range(1, PEOPLE + 1)))
    which = list(itertools.accumulate(1 / rank for rank in range(1, len(specs) + 1)))
    states = ["succeeded"] * 92 + ["failed"] * 6 + ["cancelled"] * 2
    for seq in range(1, size + 1):
        spec = dice.choices(specs, cum_weights=which)[0]
        at = END - timedelta(days=DAYS) * (1 - seq / size)
        status = "running" if seq > size - 20 else dice.choice(states)
        cost = 0 if status != "succeeded" else dice.choice((2, 4, 4, 8, 18)) * 1_000_000
        ended = stamp(at + timedelta(seconds=dice.uniform(5, 60))) if status != "running" else None
        yield {
            "seq": seq, "id": f"{dice.getrandbits(96):024x}", "batch_id": f"{seq // 3:024x}", "position": seq % 3,
            "person": dice.choices(people, cum_weights=who)[0], "source": "screen", "model": spec.id,
            "family": spec.family, "provider": spec.provider, "prompt": dice.choice(pool)[0],
            "params": json.dumps({"aspect_ratio": "16:9", "resolution": "2K"}),
            "digest": f"{dice.getrandbits(256):064x}", "status": status,
            "status_at": ended or stamp(at), "created_at": stamp(at), "finished_at": ended,
            "priority": 0, "attempts": 1, "awaits_upload": 0, "prepare_failures": 0,
            "error_code": "policy" if status == "failed" else None, "error_detail": None, "estimate_micro": 4_000_000,
            "charged_micro": cost, "reserved_micro": 0, "booked_micro": cost,
            "deleted_at": stamp(END) if seq % 199 == 0 and ended else None,
        }  # fmt: skip


def stamp(moment: datetime) -> str:
    """As SQLAlchemy writes a time into SQLite."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def pictures(task: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """What a finished task has."""
    for position in range(1 if task["seq"] % 7 else 2) if task["status"] == "succeeded" else ():
        name = f"{task['seq']:032x}{position:032x}"
        yield (name[16:], task["id"], f"call-{task['seq']}", "output", position, name, "image/png", 1024, 1024,
               2_000_000, task["finished_at"])  # fmt: skip


def made(folder: Path, size: int) -> Path:
    """The file of that size, made now if it is not there."""
    path = folder / f"history-{size}.sqlite"
    if path.exists():
        migrated(path)
        return path
    began, raw = time.monotonic(), path.with_suffix(".part")
    raw.unlink(missing_ok=True)
    migrated(raw)
    with closing(sqlite3.connect(raw, isolation_level=None)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
            connection.execute(f"PRAGMA {pragma}")
        fill(connection, size)
        connection.execute("PRAGMA journal_mode=WAL")
    raw.rename(path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, made in {time.monotonic() - began:.0f} s", flush=True)
    return path


def migrated(path: Path) -> None:
    """Brings the tables of a file to what they are today."""
    db = Database(f"sqlite:///{path}")
    db.migrate()
    db.close()


def fill(connection: sqlite3.Connection, size: int) -> None:
    """Rows first and indexes afterwards, as they are then built by sorting."""
    dice = random.Random(size)
    pool = prompts(dice)
    words = dict(pool)
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN ('task', 'artifact')"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    rows = tasks(size, dice, pool)
    connection.execute("BEGIN")
    while some := list(itertools.islice(rows, 10_000)):
        columns = list(some[0])
        connection.executemany(
            f"INSERT INTO task ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})", some
        )
        connection.executemany(
            "INSERT INTO task_text (rowid, words) VALUES (?, ?)", [(row["seq"], words[row["prompt"]]) for row in some]
        )
        connection.executemany(
            "INSERT INTO artifact (id, task_id, submission_id, role, position, sha256, mime, width, height, size,"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [each for row in some for each in pictures(row)],
        )
    connection.execute("COMMIT")
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("INSERT INTO task_text (task_text) VALUES ('optimize')")  # as housekeeping leaves it each day


# Measuring ----------------------------------------------------------------------------------------------------------

PAGE = 60
ROW = ", ".join(f"task.{column.key}" for column in COLUMNS[:-1]) + (
    ", (SELECT name FROM project WHERE project.key = task.project)"
)
OUTPUTS = (
    "SELECT task_id, sha256, mime, width, height, size, duration_ms FROM artifact WHERE role = 'output' AND task_id IN "
    f"({', '.join('?' * PAGE)}) ORDER BY created_at, position"
)
TASKS = "FROM task WHERE deleted_at IS NULL"
MATCHES = "FROM task_text JOIN task ON task.seq = task_text.rowid WHERE task_text MATCH ? AND deleted_at IS NULL"

Work = Callable[[], object]
Sides = dict[str, Work]
"""Ours; bare `sqlite3`; and for pages bare `sqlite3` made into the same cards by hand."""


def carded(rows: list[Any], outputs: list[Any]) -> tuple[Card, ...]:
    """The least that bare rows need to say what a card says."""
    found: dict[str, list[Picture]] = {row[0]: [] for row in rows}
    for task_id, *facts in outputs:
        found[task_id].append(Picture(*facts))
    return tuple(
        Card(*row[:6], json.loads(row[6]), TaskStatus(row[7]), *map(moment, row[8:13]), *row[13:],
             pictures=tuple(found[row[0]]))
        for row in rows[:PAGE]
    )  # fmt: skip


def moment(text: str | None) -> datetime | None:
    """A stored time."""
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class Bench:
    """One file, read by us and by bare `sqlite3`."""

    def __init__(self, path: Path, size: int) -> None:
        self.db = Database(f"sqlite:///{path}")
        self.search = Search(self.db)
        self.raw = sqlite3.connect(path, isolation_level=None)
        self.half, self.may = size // 2, size * 46 // 100
        self.person = "person001@example.com"  # these have a page together in the smallest file too
        self.model = catalog().models[1].id
        self.raw.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, task_text, row)")
        rarest = f"SELECT term FROM vocabulary WHERE doc > {PAGE} ORDER BY doc LIMIT 1"  # that fills a page
        (self.rare,) = self.raw.execute(rarest).fetchone()

    def page(self, query: Query, sql: str, *values: object, before: int | None = None) -> Sides:
        """Ours and the bare one. `sql`: what stands behind the columns."""
        key = "task_text.rowid" if sql.startswith(MATCHES) else "task.seq"
        older = f" AND {key} < {before}" if before is not None else ""
        rows = f"SELECT {ROW} {sql}{older} ORDER BY {key} DESC LIMIT {PAGE + 1}"

        def bare() -> tuple[list[Any], list[Any]]:
            found = self.raw.execute(rows, values).fetchall()
            ids = [row[0] for row in found[:PAGE]]
            return found, self.raw.execute(OUTPUTS, ids + [""] * (PAGE - len(ids))).fetchall()

        def ours() -> tuple[Card, ...]:
            return self.search.page(query, "ann", before=before, limit=PAGE).cards

        assert carded(*bare()) == ours(), sql
        return {"ours": ours, "cards": lambda: carded(*bare()), "bare": bare}

    def number(self, query: Query, sql: str, *values: object) -> Sides:
        """A capped count."""
        counted = f"SELECT count(*) FROM (SELECT 1 {sql} LIMIT {COUNTED + 1})"
        return {
            "ours": lambda: self.search.count(query, "ann"),
            "bare": lambda: self.raw.execute(counted, values).fetchone(),
        }

    def beside(self, query: Query, sql: str, *values: object) -> Sides:
        """The two neighbours of a task in the middle."""
        key = "task_text.rowid" if sql.startswith(MATCHES) else "task.seq"
        newer = f"SELECT task.id {sql} AND {key} > {self.half} ORDER BY {key} LIMIT 1"
        older = f"SELECT task.id {sql} AND {key} < {self.half} ORDER BY {key} DESC LIMIT 1"

        def bare() -> object:
            return self.raw.execute(newer, values).fetchone(), self.raw.execute(older, values).fetchone()

        return {"ours": lambda: self.search.neighbours(query, "ann", self.half), "bare": bare}

    def works(self) -> dict[str, Sides]:
        """What is measured, by name."""
        person, model = self.person, self.model
        failed = f"{TASKS} AND status = 'failed'"

        def words(typed: str, match: str) -> Sides:
            return self.page(read(typed).query, MATCHES, match)

        return {
            "newest page": self.page(Query(), TASKS),
            "page at half depth": self.page(Query(), TASKS, before=self.half),
            "one person": self.page(read(f"by:{person}").query, f"{TASKS} AND person = ?", person),
            "person and model": self.page(
                read(f"by:{person} model:{model}").query, f"{TASKS} AND person = ? AND model = ?", person, model
            ),
            "one person, no project": self.page(
                read(f"by:{person} project:none").query, f"{TASKS} AND person = ? AND +project IS NULL", person
            ),
            "nobody, no project: none": self.page(
                read("by:me project:none").query, f"{TASKS} AND person = ? AND +project IS NULL", "ann"
            ),
            "running, no project": self.page(
                read("status:running project:none").query, f"{TASKS} AND status = 'running' AND +project IS NULL"
            ),
            "failed": self.page(read("status:failed").query, failed),
            "30 days, half a year ago": self.page(
                read("after:2026-05-01 before:2026-06-01").query,
                f"{TASKS} AND created_at >= '2026-05-01' AND created_at < '2026-06-01' AND seq >= (SELECT seq FROM task"
                " WHERE created_at >= '2026-05-01' ORDER BY created_at LIMIT 1) AND seq < (SELECT seq FROM task WHERE"
                " created_at >= '2026-06-01' ORDER BY created_at LIMIT 1)",
            ),
            "the same, within it": self.page(
                read("after:2026-05-01 before:2026-06-01").query,
                f"{TASKS} AND created_at >= '2026-05-01' AND seq >= (SELECT seq FROM task"
                " WHERE created_at >= '2026-05-01' ORDER BY created_at LIMIT 1)",
                before=self.may,
            ),
            "done for nothing: none": self.page(
                read("cost:<1 status:done").query,
                "FROM task INDEXED BY ix_task_cost WHERE deleted_at IS NULL AND booked_micro < 1000000"
                " AND status = 'succeeded'",
            ),
            "猫": words("猫", '"猫"'),
            "猫 at half depth": self.page(read("猫").query, MATCHES, '"猫"', before=self.half),
            "熊猫": words("熊猫", '"熊 猫"'),
            "赛博朋克": words("赛博朋克", '"赛 博 朋 克"'),
            "harbour": words("harbour", '"harbour"*'),
            "“the red”": words('"the red"', '"the red"'),  # a phrase that fills a page of the smallest file too
            "a rare word": words(f'"{self.rare}"', f'"{self.rare}"'),
            "猫 of one person": self.page(read(f"猫 by:{person}").query, f"{MATCHES} AND +person = ?", '"猫"', person),
            "without 猫": self.page(
                read("-猫").query,
                f"{TASKS} AND NOT EXISTS (SELECT 1 FROM task_text WHERE task_text MATCH '\"猫\"' AND rowid = task.seq)",
            ),
            "count all": self.number(Query(), TASKS),
            "count one person": self.number(read(f"by:{person}").query, f"{TASKS} AND person = ?", person),
            "count 猫": self.number(read("猫").query, MATCHES, '"猫"'),
            "neighbours": self.beside(Query(), TASKS),
            "neighbours, 猫": self.beside(read("猫").query, MATCHES, '"猫"'),
        }

    def close(self) -> None:
        """Lets go of the file."""
        self.raw.close()
        self.db.close()


def cpu_ms(work: Work) -> float:
    """CPU milliseconds of one call."""
    began = time.process_time()
    for _ in range(REPEATS):
        work()
    return (time.process_time() - began) * 1e3 / REPEATS


def measured(benches: dict[int, Bench]) -> None:
    """Interleaved rounds; prints medians and the medians of the ratios within a round."""
    works = {
        (name, size, side): work
        for size, bench in benches.items() for name, sides in bench.works().items() for side, work in sides.items()
    }  # fmt: skip
    took: dict[tuple[str, int, str], list[float]] = {key: [] for key in works}
    for _ in range(ROUNDS):
        for key in random.sample(list(works), len(works)):
            took[key].append(cpu_ms(works[key]))
    print(f"{'CPU ms, and ratios':<26}" + "".join(f"{n:>14,}{'÷ cards':>9}{'÷ bare':>8}" for n in benches), end="")
    print(f"{'large ÷ small: ours':>21}{'bare':>7}")
    for name in dict.fromkeys(name for name, _, _ in works):
        row = line(name, {key[1:]: times for key, times in took.items() if key[0] == name})
        print(row + unequal(works[name, min(benches), "ours"]()))


def unequal(found: object) -> str:
    """Where the smallest file does not fill a page, the largest does more than it."""
    return f"  ({len(found)} cards against {PAGE})" if isinstance(found, tuple) and len(found) < PAGE else ""


def line(name: str, took: dict[tuple[int, str], list[float]]) -> str:
    """One row of the table."""
    sizes = sorted({size for size, _ in took})
    told = f"{name:<26}"
    for size in sizes:
        ours = took[size, "ours"]
        cards = f"{ratio(ours, took[size, 'cards']):>9.2f}" if (size, "cards") in took else f"{'':>9}"
        told += f"{statistics.median(ours):>14.3f}{cards}{ratio(ours, took[size, 'bare']):>8.2f}"
    large, small = sizes[-1], sizes[0]
    return told + "".join(
        f"{ratio(took[large, side], took[small, side]):>{width}.2f}" for side, width in (("ours", 21), ("bare", 7))
    )


def ratio(one: list[float], other: list[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def creating(folder: Path) -> None:
    """What the index costs whoever asks for a picture: a created task with it, and with `fulltext.add` left out."""
    path = folder / "creating.sqlite"
    for name in folder.glob("creating.sqlite*"):
        name.unlink()
    db = Database(f"sqlite:///{path}")
    db.migrate()
    store, add = TaskStore(db), fulltext.add
    texts = [text for text, _ in itertools.islice(prompts(random.Random(1)), 400)]
    took: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        for indexed in random.sample([True, False], 2):
            fulltext.add = add if indexed else lambda *_: None
            began = time.process_time()
            for text in random.sample(texts, 40):
                store.create([GenerationRequest("google/nano-banana", text, {}, ())], person="ann")
            took[indexed].append((time.process_time() - began) * 1e3 / 40)
    fulltext.add = add
    db.close()
    print(f"a task created: {statistics.median(took[True]):.2f} ms CPU, {ratio(took[True], took[False]):.2f} times "
          "one without the index")  # fmt: skip


def main(arguments: list[str]) -> None:
    """Makes what is missing, then measures."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [int(each) for each in arguments[1:]] or list(SIZES)
    benches = {size: Bench(made(folder, size), size) for size in sizes}
    measured(benches)
    creating(folder)
    for bench in benches.values():
        bench.close()


if __name__ == "__main__":
    main(sys.argv[1:])
