"""The work behind the counter: it ends tasks when their time is up and sends their callbacks, by wall-clock.

Everything it does is written in the books first, so a new process goes on where a killed one stopped.
"""

import asyncio
import json
import logging
import time
from collections.abc import Coroutine
from typing import Any

import httpx

from . import faults, models, veo_wire, wire
from .config import SandboxConfig
from .pictures import SUFFIXES, BadReference, Pictures
from .store import Store
from .task import Callback, Task

log = logging.getLogger(__name__)
MAX_RESULTS = 20
BUSY_PAUSE = 0.05  # how soon to look again while something that is due is being worked on


def now_ms() -> int:
    """Return Unix milliseconds."""
    return int(time.time() * 1000)


class Keeper:
    """Settles tasks and sends callbacks until it is cancelled."""

    def __init__(self, config: SandboxConfig, store: Store, pictures: Pictures, client: httpx.AsyncClient) -> None:
        """Share the books, the pictures and one HTTP client."""
        self._config, self._store, self._pictures, self._client = config, store, pictures, client
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Say that something new may fall due."""
        self._wake.set()

    async def run(self) -> None:
        """Start whatever is due, then sleep until the next thing is."""
        while True:
            self._wake.clear()
            now = now_ms()
            tasks, callbacks, following = await asyncio.to_thread(self._look, now)
            for task in tasks:
                self._start(f"task {task.id}", self._settle(task))
            for item in callbacks:
                self._start(f"callback {item.id}", self._send(item))
            delay = 60.0 if following is None else max((following - now_ms()) / 1000, 0.0)
            if self._busy:
                delay = max(min(delay, 60.0), BUSY_PAUSE)
            try:
                await asyncio.wait_for(self._wake.wait(), delay)
            except TimeoutError:
                continue

    def _look(self, now: int) -> tuple[list[Task], list[Callback], int | None]:
        return self._store.due_tasks(now), self._store.due_callbacks(now), self._store.next_due()

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        if name in self._busy:
            work.close()
            return
        job = asyncio.create_task(work, name=name)
        self._busy[name] = job
        job.add_done_callback(lambda _: self._done(name))

    def _done(self, name: str) -> None:
        self._busy.pop(name, None)
        self.wake()

    async def stop(self) -> None:
        """Drop what is under way; the books still list it as due."""
        jobs = list(self._busy.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    async def _settle(self, task: Task) -> None:
        """End one task: by a chosen failure, by a reference that cannot be had, or well."""
        failure = _chosen_failure(task)
        model = models.find(task.model, task.road)
        if isinstance(model, wire.Refusal):  # the table changed under an old state directory
            failure = failure or ("500", wire.FAIL_WORDS["500"])
        urls: list[str] = []
        price = 0.0
        if failure is None and isinstance(model, models.Model):
            given, spec = models.references(model, task.input)
            try:
                if spec is not None:
                    await self._pictures.bring_references(self._client, task.id, given, spec)
            except BadReference as error:
                failure = (error.code, str(error))
            urls, price = self._results(task, model)
        await asyncio.to_thread(self._write_end, task, failure, urls, price)
        self.wake()

    def _write_end(self, task: Task, failure: tuple[str, str] | None, urls: list[str], price: float) -> None:
        """Write the end and the callback it brings as one act."""
        now = now_ms()
        with self._store.transaction():
            if failure is None:
                ended = self._store.settle_success(task, urls, price, now)
            else:
                ended = self._store.settle_failure(task, *failure, now)
            if ended and task.callback_url and "callback_lost" not in task.faults:
                late = faults.number(task.faults, "callback_late") if "callback_late" in task.faults else 0.0
                for _ in range(2 if "callback_twice" in task.faults else 1):
                    self._store.add_callback(task.id, now + round(late * 1000))

    def _results(self, task: Task, model: models.Model) -> tuple[list[str], float]:
        """Return the URLs of a success and its price."""
        wanted = models.count(model, task.input)
        price = models.price(model, task.input) * wanted
        if "fractional_credits" in task.faults:
            price += faults.number(task.faults, "fractional_credits")
        if "no_urls" in task.faults:
            return [], price
        if "private_url" in task.faults:
            return [task.faults["private_url"]], price
        if "several" in task.faults:
            wanted = int(faults.number(task.faults, "several", least=1, most=MAX_RESULTS))
        first = SUFFIXES[models.picture_format(model, task.input)]
        later = "png" if model.layers else first
        suffixes = [first] + [later] * (wanted + model.layers - 1)
        return [f"{task.base_url}/f/{task.id}_{number}.{suffix}" for number, suffix in enumerate(suffixes)], price

    async def _send(self, item: Callback) -> None:
        """Send one callback, once; plan the next try unless it was answered with a 2xx."""
        task = await asyncio.to_thread(self._store.task, item.task_id)
        balance = await asyncio.to_thread(self._store.balance)
        if task is None or task.callback_url is None:
            await asyncio.to_thread(self._store.note_callback, item, "dropped", "", item.due_ms)
            return
        told = veo_wire.callback_body(task) if task.road == "veo" else wire.callback_body(task, now_ms(), balance)
        body = json.dumps(told, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"} | self._signature(task)
        try:
            answer = await self._client.post(
                task.callback_url, content=body, headers=headers, timeout=self._config.callback_timeout
            )
            said, good = f"HTTP {answer.status_code}", answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            said, good = type(error).__name__, False
        gaps = self._config.callback_gaps
        again = not good and item.attempts < len(gaps)
        state = "sent" if good else "pending" if again else "given up"
        due = now_ms() + round(gaps[item.attempts] * 1000) if again else item.due_ms
        await asyncio.to_thread(self._store.note_callback, item, state, said, due)
        log.info("callback task=%s attempt=%s answer=%s state=%s", task.id, item.attempts + 1, said, state)

    def _signature(self, task: Task) -> dict[str, str]:
        """Return the signature headers; none without a webhook key, as at the real gateway."""
        key = self._config.webhook_key
        if key is None or "callback_unsigned" in task.faults:
            return {}
        age = faults.number(task.faults, "callback_old") if "callback_old" in task.faults else 0.0
        timestamp = str(int(time.time() - age))
        used = key + "-wrong" if "callback_bad_signature" in task.faults else key
        return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": wire.signature(used, task.id, timestamp)}


def _chosen_failure(task: Task) -> tuple[str, str] | None:
    """Return (failCode, failMsg) where a fault asks for a failure."""
    if "envelope" in task.faults:
        code = _envelope_code(task)
        return str(code), wire.FAIL_WORDS.get(str(code), wire.FAIL_WORDS["501"])
    for fault, ends in (("policy_prompt", "400"), ("policy_output", "400"), ("no_image", "501")):
        if fault in task.faults:
            return ends, wire.FAIL_WORDS[ends]
    if "fail" in task.faults or "fail_words" in task.faults:
        name = task.faults.get("fail", "501")
        return name, task.faults.get("fail_words") or wire.FAIL_WORDS.get(name, wire.FAIL_WORDS["501"])
    return None


def _envelope_code(task: Task) -> int:
    return int(faults.number(task.faults, "envelope", least=400, most=599))
