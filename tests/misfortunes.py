"""Every documented failure of every road: how its task ends, what is charged by us and by the provider, what is read.

Three engines: one where everything ends at once or by the clock, one whose accounts are shut and opened again, and one
that waits for an answer only for seconds. A row is honest when we charge what the sandbox's ledger charged, or say that
nobody knows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from databases import databases_of
from engine import Engine
from processes import wait_until
from sqlmodel import select

from data.catalog import catalog
from data.causes import explain
from data.schema import Task
from data.status import TERMINAL, TaskStatus

KIE, VEO, GEMINI, ARK = "google/nano-banana", "veo3_lite", "gemini-nano-banana-2.1", "seedream-5-0-flash-260915"
ROADS = {KIE: "kie", VEO: "kie, Veo", GEMINI: "Google", ARK: "ByteDance"}
PICTURE, LOST, LATE = "", "unconfirmed", "overdue"
"""Ends that are no cause of the provider's: it came, nobody ever said, or it never finished."""

Ends = dict[str, str]
"""Model → the cause that its task ends with, or waits for."""


def everywhere(cause: str) -> Ends:
    return dict.fromkeys((KIE, GEMINI, ARK), cause)


FAULTS: dict[str, Ends] = {
    "policy_prompt": everywhere("policy") | {VEO: "policy"},
    "policy_output": everywhere("policy"),
    "no_image": everywhere("generation_failed") | {VEO: "generation_failed"},
    "finish_reason": {GEMINI: "generation_failed"},
    "finish_reason=MAX_TOKENS": {GEMINI: "invalid"},
    "finish_reason=IMAGE_RECITATION": {GEMINI: "policy"},
    "item_error": {ARK: "policy"},
    "item_error=InternalServiceError": {ARK: "provider_error"},
    "no_urls": {KIE: "empty_result"},
    "fail=500": {KIE: "provider_error"},
    "fail=501": {KIE: "generation_failed"},
    "fail=408": {KIE: "provider_timeout"},
    "fail=451": {KIE: "input_unreachable"},
    "envelope=501": {KIE: "generation_failed"},
    "paused": {KIE: "paused", GEMINI: "model_unknown", ARK: "not_open"},
    "refuse=404": {KIE: "invalid", GEMINI: "model_unknown", ARK: "not_open"},
    "refuse=422": {KIE: "model_unknown", GEMINI: "invalid", ARK: "invalid"},
    "refuse=500": everywhere(LOST),
    "refuse=403": {ARK: "refused"},
    "refuse=503": {KIE: LOST},
    "refuse=505": {KIE: "paused", GEMINI: "model_unknown", ARK: "model_unknown"},
    "http=503": everywhere(LOST),
    "http_after=502": {KIE: PICTURE, VEO: PICTURE, GEMINI: LOST, ARK: LOST},
    "lost_request": everywhere(LOST),
    "lost_answer": {KIE: PICTURE, VEO: PICTURE, GEMINI: LOST, ARK: LOST},
    "html_file": everywhere("not_an_image") | {VEO: "not_an_image"},
    "truncated_file": everywhere("not_an_image") | {VEO: "not_an_image"},
    "private_url": {KIE: "private_address", ARK: "private_address"},
    "stuck": {KIE: LATE},
}
SHUT: dict[str, Ends] = {
    "refuse=401": everywhere("key_refused"),
    "refuse=402": everywhere("no_credits"),
    "refuse=403": {KIE: "key_refused", GEMINI: "key_refused"},
    "refuse=429": everywhere("rate_limited"),
    "http_429": everywhere("rate_limited"),
    "refuse=433": everywhere("key_capped"),
    "quota": everywhere("key_capped"),
    "refuse=455": {KIE: "maintenance", GEMINI: "rate_limited", ARK: "rate_limited"},
    "refuse=503": {GEMINI: "rate_limited", ARK: "rate_limited"},
}
SILENT: dict[str, Ends] = {"stuck": {GEMINI: LOST, ARK: LOST}}

PATIENT = {"PER_PERSON": "200", "DOUBT_BUDGET": "200", "UNCONFIRMED_MINUTES": "0.2", "OVERDUE_MINUTES": "0.2"}
HASTY = "import callback_server.providers.direct as direct\ndirect.SUBMIT_SECONDS = 3.0\n"
"""Run by the server's interpreter at its start: a direct road is waited for at least five minutes otherwise."""


@dataclass
class Row:
    """One failure on one road."""

    model: str
    fault: str
    wanted: str  # the cause, or PICTURE
    task_id: str
    mark: str  # in the prompt, by which the ledger is read: it also holds calls whose name we never heard
    waited: str = ""  # the cause that it waited for

    def judged(self, engine: Engine) -> tuple[str, bool]:
        """The line of the table, and whether it is as it should be."""
        card, ledger = engine.card(self.task_id), engine.ledger()
        calls = [row for row in ledger["creates"] if self.mark in row["prompt"]]
        theirs = sum(round(row["credits"] * 1_000_000) for row in ledger["charges"] if self.mark in row["prompt"])
        ours, code = card.charged_micro, card.error_code or ""
        cause = self.waited or code
        road = catalog().require(self.model).provider
        sentence = explain(cause, 0 if self.waited else ours, road) if cause else "(the picture)"
        ends = TaskStatus.SUCCEEDED if self.waited or not self.wanted else TaskStatus.FAILED
        unknown = "not known whether it was charged" in sentence
        honest = ours == theirs or (unknown and ours == 0)
        honest = honest and ("Nothing was charged" not in sentence or bool(self.waited) or theirs == 0)
        well = cause == self.wanted and card.status == ends and honest and (not theirs or len(calls) == 1)
        waited = f"waits, then {card.status}" if self.waited else card.status.value
        line = (f"{'   ' if well else 'OFF'} {ROADS[self.model]:<10} {self.fault:<31} {waited:<21} {cause or '-':<18}"
                f"{ours / 1e6:>7g} {theirs / 1e6:>7g} {card.attempts:>5}  {sentence}")  # fmt: skip
        return line, well


def asked(engine: Engine, faults: dict[str, Ends]) -> list[Row]:
    """One task for each fault and road; what it says strikes every call of it."""
    rows = []
    for fault, ends in faults.items():
        for model, cause in ends.items():
            mark = f"{fault} on {ROADS[model]}."
            (task_id,) = engine.ask(f"{mark} [[fault:{fault}]]", model=model)
            rows.append(Row(model, fault, cause, task_id, mark))
    return rows


def at_once(engine: Engine) -> list[Row]:
    """What ends by an answer, by its file or by the clock."""
    rows = asked(engine, FAULTS)
    engine.ended(*(row.task_id for row in rows), timeout=120)
    return rows


def shut(engine: Engine) -> list[Row]:
    """What shuts an account: the task waits, nothing is bought; and when the account is open again it goes on."""
    rows = []
    for fault, ends in SHUT.items():
        name, _, value = fault.partition("=")
        these = []
        for model, cause in ends.items():
            mark = f"{fault} on {ROADS[model]}."
            engine.fault(fault=name, match=mark, times=1, **({"value": value} if value else {}))
            (task_id,) = engine.ask(mark, model=model)
            these.append(Row(model, fault, cause, task_id, mark))
        for row in these:
            row.waited = waits_for(engine, row)
        reopen(engine)
        engine.ended(*(row.task_id for row in these))
        rows += these
    return rows


def waits_for(engine: Engine, row: Row) -> str:
    """The cause that the task waits for, as soon as it does; empty where it ends without."""

    def said() -> str | None:
        card = engine.card(row.task_id)
        if card.status == TaskStatus.QUEUED:
            return card.error_code
        return "" if card.status in TERMINAL else None

    wait_until(lambda: said() is not None, 20, what=f"{row.mark} {engine.card(row.task_id)}")
    return said() or ""


def reopen(engine: Engine) -> None:
    """As if the pause had passed."""
    engine.open_gate()
    with engine.db.transaction() as session:
        for task in session.exec(select(Task).where(Task.status == TaskStatus.QUEUED)):
            task.not_before = None
            session.add(task)


def silent(engine: Engine) -> list[Row]:
    """A direct road that holds the line and never answers."""
    rows = asked(engine, SILENT)
    engine.ended(*(row.task_id for row in rows), timeout=60)
    return rows


def misfortunes(folder: Path) -> bool:
    """Prints table 2; whether all of it is as it should be."""
    print("\n2. Every documented failure of every road\n")
    print(f"    {'road':<10} {'failure':<31} {'status':<21} {'cause':<18}    ours   there calls  what a person reads")
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "sitecustomize.py").write_text(HASTY)
    hasty = {"PYTHONPATH": str(folder / "site")}
    scenes: Iterable[tuple[str, Callable[[Engine], list[Row]], dict[str, str]]] = (
        ("ends", at_once, {}), ("shut", shut, {}), ("silent", silent, hasty),
    )  # fmt: skip
    off = total = 0
    for name, scene, env in scenes:
        place = folder / name
        engine = Engine(place, databases_of("sqlite").fresh(place / "var"), PATIENT | env)
        try:
            engine.start("sandbox")
            engine.start("server")
            judged = [row.judged(engine) for row in scene(engine)]
        finally:
            engine.db.close()
            for process in [*engine.processes]:
                engine.kill(process)
        print("\n".join(line for line, _ in judged), flush=True)
        off += sum(not well for _, well in judged)
        total += len(judged)
    print("\nCredits: ours, and the sandbox's ledger (there).")
    print("What waits was refused once, and was read so; then its account was opened, and it was bought once.")
    print(f"{total} failures, {off or 'none'} of them off.")
    return not off
