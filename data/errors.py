"""The exceptions of the house, as one family: catch as wide as you can answer for.

PictureDeskError
├── InvalidRequest        the person's input; carries the field and a machine-readable code; nothing was charged
│   └── InvalidImage      a reference that cannot be used
├── NotFound              no such task, artifact or file
├── NotAllowed            the task's state forbids the act (cancel after the end, retry while it runs)
│   └── BudgetExceeded    a monthly budget or a batch's cap would be passed; nothing was made
├── StorageError          the disk refused: full, read-only, gone; worth another try
│   └── ReaderDown        the program that reads videos does not start here; the disk itself is well
└── DatabaseUnavailable   the database cannot be opened or is older or newer than this code
"""


class PictureDeskError(Exception):
    """Base of every error this project raises on purpose. Its text is a sentence for a person."""

    @property
    def sentence(self) -> str:
        """The text as it was given, so that a `Sentence` stays one; `str` of the error is its English alone."""
        return self.args[0] if self.args else ""


class InvalidRequest(PictureDeskError):  # noqa: N818 - it is the request that is invalid; the API answers 422 with it
    """The request cannot be made; it was refused before any money was spent."""

    def __init__(self, message: str, *, field: str, code: str) -> None:
        """`field` names the input at fault (`prompt`, `references.2`), `code` is stable and for programs."""
        super().__init__(message)
        self.field = field
        self.code = code


class InvalidImage(InvalidRequest):
    """A picture was refused: no image, too large, animated, damaged, or of a format no model takes."""


class NotFound(PictureDeskError):  # noqa: N818 - reads as the answer it is
    """The thing asked for does not exist."""


class NotAllowed(PictureDeskError):  # noqa: N818 - reads as the answer it is
    """The act is not possible in the state the task is in now."""


class BudgetExceeded(NotAllowed):
    """The request would pass a budget; none of it was made."""


class StorageError(PictureDeskError):
    """Files cannot be written or read now. Nothing is lost: the step is tried again."""


class ReaderDown(StorageError):  # noqa: N818 - says what is the matter
    """No video can be read on this machine now. Pictures can."""


class DatabaseUnavailable(PictureDeskError):  # noqa: N818 - reads as the answer it is
    """The database cannot be used: not reachable, or its schema is newer than this code."""
