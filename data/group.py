"""Group commit: one thread takes whatever waits and writes all of it at once, so that a burst costs few transactions.

There is no timer: alone, an item gets a commit of its own; under load the next batch gathers while one is written. It
knows neither tables nor the web: what an item is, and how many are written, is the business of the `write` it is given.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from data.errors import DatabaseUnavailable
from data.sentences import Sentence

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MAX_BATCH = 512
MAX_WAITING = 2048
"""Beyond this the writer is stuck, not busy: whoever comes now is better told so than kept waiting."""

_NOBODYS_FAULT = (OperationalError, InterfaceError, NoConnection, DatabaseUnavailable)
"""Disk full, locked, gone: true for every item alike, so trying them singly would only multiply the waiting."""


class GroupWriter(Generic[Item, Answer]):
    """Writes items in batches, in the order in which they came.

    `write` takes up to 512 items, commits, and gives one answer for each, an exception where that item is at fault. If
    it raises instead, nothing may have been written: the items are then tried one by one, so that a bad one does not
    fail its neighbours; unless the database itself is in trouble, which all of them are told at once.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Sequence[Answer | Exception]]) -> None:
        """Starts the thread. Made inside the event loop whose coroutines will wait for the answers."""
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[tuple[Item, asyncio.Future[Answer]] | None] = SimpleQueue()
        self._closing, self._closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
        self._thread.start()

    async def put(self, item: Item) -> Answer:
        """The answer for this item, after its commit.

        Raises:
            DatabaseUnavailable: it could not be written now, for a reason that lies not in the item; it may be sent
                again. Whatever `write` gave as the item's own exception is raised as it is.
        """
        future: asyncio.Future[Answer] = self._loop.create_future()
        with self._closing:  # so that nothing can come to wait behind the word that ends the thread
            if self._closed or not self._thread.is_alive() or self._waiting.qsize() >= MAX_WAITING:
                raise DatabaseUnavailable(Sentence("Nothing can be written now."))
            self._waiting.put((item, future))
        return await future

    @property
    def alive(self) -> bool:
        """Whether items are still written."""
        return self._thread.is_alive() and not self._closed

    def close(self) -> None:
        """Writes what waits, then ends. To be called from another thread than the event loop's, which must go on."""
        with self._closing:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._gathered()
            if batch:
                answers = self._answers([item for item, _ in batch])
                self._tell([future for _, future in batch], answers)

    def _gathered(self) -> tuple[list[tuple[Item, "asyncio.Future[Answer]"]], bool]:
        """Waits for the first item and takes what else is there; True where the end was among it."""
        batch = []
        entry = self._waiting.get()
        while entry is not None:
            batch.append(entry)
            if len(batch) == MAX_BATCH:
                return batch, False
            try:
                entry = self._waiting.get_nowait()
            except Empty:
                return batch, False
        return batch, True

    def _answers(self, items: Sequence[Item]) -> Sequence[Answer | Exception]:
        """One answer for each item, whatever happens: the thread outlives every error, for nobody would replace it."""
        try:
            return self._write(items)
        except _NOBODYS_FAULT as trouble:
            # One exception for each, because raising one in many places would grow its traceback without end.
            return [_unavailable(trouble) for _ in items]
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
            if len(items) == 1:
                return [error]
        return [answer for item in items for answer in self._answers([item])]

    def _tell(self, futures: Sequence["asyncio.Future[Answer]"], answers: Sequence[Answer | Exception]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, futures, answers)
        except RuntimeError:  # the loop was closed under us: nobody waits any more
            log.warning("written, but nobody is left to be told", extra={"times": len(futures)})


def _resolve(futures: Sequence["asyncio.Future[Answer]"], answers: Sequence[Answer | Exception]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if future.done():  # its client has gone; what it brought is kept all the same
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _unavailable(trouble: Exception) -> DatabaseUnavailable:
    error = DatabaseUnavailable("The database does not answer.")
    error.__cause__ = trouble
    return error
