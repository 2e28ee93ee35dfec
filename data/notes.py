"""Answers to paid calls that lie on disk until the database has them, so that no death in between costs a picture.

One small file for each call, beside the pictures that it names. It knows no provider; what an answer means for its
task, `submissions` decides when it is told again, as often as it likes.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, fields

from sqlalchemy.exc import DataError

from data.errors import NotFound
from data.settling import Word
from data.storage import ObjectStorage
from data.submissions import SubmissionStore

log = logging.getLogger(__name__)

FOLDER = "answers"
_END = ".json"
_KNOWN = {field.name for field in fields(Word)}
_told: set[str] = set()


def keep(storage: ObjectStorage, submission_id: str, word: Word) -> None:
    """Has reached the disk when this returns. Raises StorageError."""
    storage.put(_key(submission_id), json.dumps(asdict(word)).encode())


def forget(storage: ObjectStorage, submission_id: str) -> None:
    """The database has it. Raises StorageError."""
    storage.delete(_key(submission_id))


def replay(storage: ObjectStorage, submissions: SubmissionStore) -> bool:
    """Tells the ledger what a server knew that died before it could; True where it was news."""
    news = False
    for submission_id, text in _notes(storage):
        word = _read(submission_id, text)
        if word is None:
            continue
        try:
            is_news = submissions.completed(submission_id, word)
        except (DataError, ValueError):  # what the database cannot hold must not stand before all the others
            _tell(submission_id)
            continue
        if is_news:
            log.warning(
                "an answer was found on disk that the database did not have", extra={"submission": submission_id}
            )
            news = True
        forget(storage, submission_id)
    return news


def digests(storage: ObjectStorage) -> set[str]:
    """The files that these answers name. Ask before the database: an answer is forgotten once that has it."""
    return {
        digest
        for _, text in _notes(storage)
        for digest in re.findall(r"\b[0-9a-f]{64}\b", text.decode(errors="replace"))
    }


def _notes(storage: ObjectStorage) -> Iterator[tuple[str, bytes]]:
    for name in storage.names(FOLDER):
        try:
            yield name.removesuffix(_END), storage.read(f"{FOLDER}/{name}")
        except NotFound:  # forgotten meanwhile
            continue


def _read(submission_id: str, text: bytes) -> Word | None:
    """Leaves what it cannot read where it lies, and says so once."""
    try:
        told = {name: value for name, value in json.loads(text).items() if name in _KNOWN}
        return Word(**told | {"outputs": tuple(told["outputs"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        _tell(submission_id)
        return None


def _tell(submission_id: str) -> None:
    """Once, and without its text, which holds prompts."""
    if submission_id not in _told:
        _told.add(submission_id)
        log.error("an answer on disk cannot be used: %s", _key(submission_id))


def _key(submission_id: str) -> str:
    return f"{FOLDER}/{submission_id}{_END}"
