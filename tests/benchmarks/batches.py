"""What a batch of 500 costs to start, to look at and to cancel, against one press of one picture. Run it by hand.

`python tests/benchmarks/batches.py [sqlite] [postgresql]`; the ratio says how many presses one batch is worth.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from databases import databases_of

from data.batches import Batches
from data.db import Database
from data.plan import Plan
from data.requests import GenerationRequest
from data.tasks import TaskStore

SIZE, ROUNDS, PRESSES = 500, 4, 100


def requests(count: int, name: str) -> list[GenerationRequest]:
    return [GenerationRequest("google/nano-banana", f"{name}: kite {n} 风筝", {}, ()) for n in range(count)]


def best(*acts: Callable[[], object]) -> float:
    """Seconds of the quickest."""
    spans = []
    for act in acts:
        begun = time.perf_counter()
        act()
        spans.append(time.perf_counter() - begun)
    return min(spans)


def measure(kind: str, folder: Path) -> None:
    db = Database(databases_of(kind).fresh(folder))
    tasks, plan = TaskStore(db), Plan("spring", "lines")
    started: list[str] = []

    def start(round_: int) -> None:
        asked = requests(SIZE, f"round {round_}")
        started.append(tasks.create(asked, person="ann", request_key=f"batch {round_}", plan=plan)[0].batch_id)

    def press(number: int) -> None:
        tasks.create(requests(1, f"press {number}"), person="ann", request_key=f"press {number}")

    press(-1)
    batch = best(*(partial(start, number) for number in range(ROUNDS)))
    one = best(*(partial(press, number) for number in range(PRESSES)))
    look = best(*[partial(Batches(db).recent, "ann")] * ROUNDS)
    cancel = best(*(partial(tasks.cancel_waiting, batch_id, who="ann") for batch_id in started))
    told = {"start": batch, "cards of four under way": look, "cancel": cancel}
    print(kind, " · ".join(f"{name}: {span * 1000:.0f} ms = {span / one:.1f} presses" for name, span in told.items()))
    db.close()


if __name__ == "__main__":
    for kind in sys.argv[1:] or ["sqlite"]:
        with tempfile.TemporaryDirectory() as folder:
            measure(kind, Path(folder))
