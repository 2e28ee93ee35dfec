"""Pictures that a person wants as references and names by an address: asked for here, fetched by the server.

The screen that asks has no window, so what it wants becomes a row; the server fetches what the row names and writes
into it what came of that. Everything here is free of charge, and so may be done again. An address may hold a token: it
is gone from its row once it was tried, and no sentence names more of it than its host and its file.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from sqlalchemy import func, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from data.db import Database
from data.errors import InvalidRequest, NotAllowed
from data.images import StoredImage, plain_filename
from data.schema import LinkedPicture
from data.sentences import Sentence, paragraph
from data.shrinking import Fit

MOST_WAITING = 20
"""Of one person. More than any model takes."""
TRIES = 3
"""Starts of one fetch: the second only where the first broke off without a word, which may be the picture's doing."""
LONGEST = 4000
"""Characters of an address."""

_BARE = re.compile(r"[\w-]+(\.[\w-]+)*\.[a-z]{2,}(:\d+)?/\S*", re.IGNORECASE)
_FILE = re.compile(r"[^;?&=%#]+\.(avif|bmp|gif|hei[cf]|jpe?g|png|svg|tiff?|webp)", re.IGNORECASE)
"""A last step that reads like a picture's file. Any other may hold a token, and is not shown."""

_FREE = Sentence("Nothing was charged.")
_UPLOAD = Sentence("Save the picture and upload it.")


@dataclass(frozen=True)
class Linked:
    """What has become of one. Neither `image` nor `refusal`: it is still waited for."""

    name: str
    image: StoredImage | None
    refusal: str | None

    @property
    def settled(self) -> bool:
        """Whether it is waited for no longer."""
        return self.image is not None or self.refusal is not None


@dataclass(frozen=True)
class LinkErrand:
    """Fetch this picture, and make it fit."""

    id: str
    url: str
    name: str
    fit: Fit
    attempt: int


class LinkedPictures:
    """Asks for pictures by their address, and tells what came of it."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC."""
        self._db = db
        self._clock = clock or db.now

    def ask(self, person: str, address: str, fit: Fit) -> tuple[str, str]:
        """Has it fetched; gives the id of the wish and the name of the picture.

        Raises:
            InvalidRequest: it is no address.
            NotAllowed: too many of this person are waited for.
        """
        url = web_address(address)
        with self._db.transaction() as session:
            mine = (LinkedPicture.person == person, col(LinkedPicture.url).is_not(None))
            if session.exec(select(func.count()).select_from(LinkedPicture).where(*mine)).one() >= MOST_WAITING:
                many = Sentence("{n} pictures are being fetched for you already.", n=MOST_WAITING)
                raise NotAllowed(paragraph(many, _FREE, Sentence("Wait until they are here, or remove some.")))
            now = self._clock()
            row = LinkedPicture(person=person, name=_name(url), url=url, max_bytes=fit.size, max_pixels=fit.pixels,
                                asked_at=now, due_at=now)  # fmt: skip
            session.add(row)
            return row.id, row.name

    def found(self, ids: Sequence[str]) -> dict[str, Linked]:
        """What has become of these; what was forgotten is left out."""
        with self._db.read() as session:
            rows = session.exec(select(LinkedPicture).where(col(LinkedPicture.id).in_(ids))).all()
            return {
                row.id: Linked(row.name, StoredImage(**row.image) if row.image else None, row.refusal)
                for row in rows if row.url or row.image or row.refusal
            }  # fmt: skip

    def forget(self, person: str, link_id: str) -> None:
        """Nobody wants it any more; what is under way ends in nothing, and until then this person's next one waits."""
        mine = (col(LinkedPicture.id) == link_id, col(LinkedPicture.person) == person)
        with self._db.transaction() as session:
            row = session.exec(select(LinkedPicture).where(*mine).with_for_update()).first()
            if row is not None and row.due_at is not None and row.due_at > self._clock():
                row.url = None
            elif row is not None:
                session.delete(row)

    # The server's side ------------------------------------------------------------------------------------------

    def claim(self, lease: timedelta) -> LinkErrand | None:
        """The next to fetch: of each person one at a time, in the order in which they were asked for.

        The next person is whoever's last one ended longest ago, so that nobody waits for all that others ask for.
        """
        with self._db.transaction() as session:
            now = self._clock()
            while (row := _next(session, now)) is not None:
                if row.url is not None and row.tries < TRIES:
                    row.tries, row.due_at = row.tries + 1, now + lease
                    session.add(row)
                    return LinkErrand(row.id, row.url, row.name, Fit(row.max_bytes, row.max_pixels), row.tries)
                broken = Sentence("{name} could not be fetched: the server broke off over it.", name=row.name)
                _settle(session, row.id, now, refusal=paragraph(broken, _FREE, _UPLOAD))
        return None

    def give_back(self, errand: LinkErrand) -> None:
        """Whoever claimed it stops: another may begin at once, and that was no try; or it ends, if nobody wants it.

        Nothing changes where the lease has run out and another has claimed it since.
        """
        mine = (col(LinkedPicture.id) == errand.id, col(LinkedPicture.settled_at).is_(None),
                col(LinkedPicture.tries) == errand.attempt)  # fmt: skip
        back = {"due_at": self._clock(), "tries": LinkedPicture.tries - 1}
        with self._db.transaction() as session:
            session.connection().execute(update(LinkedPicture).where(*mine).values(**back))

    def arrived(self, link_id: str, image: StoredImage) -> bool:
        """It is stored. False where nobody wants it any more."""
        with self._db.transaction() as session:
            return _settle(session, link_id, self._clock(), image=asdict(image))

    def failed(self, link_id: str, sentence: str) -> bool:
        """It cannot be had; the sentence says why, and what to do. False where nobody wants it any more."""
        with self._db.transaction() as session:
            return _settle(session, link_id, self._clock(), refusal=str(sentence))


def web_address(text: str) -> str:
    """What a person typed or dropped, as an http(s) address. Raises InvalidRequest where it is none."""
    url = text.strip()
    if _BARE.fullmatch(url):
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        plain = parts.scheme.lower() in ("http", "https") and parts.hostname and not re.search(r"\s", url)
    except ValueError:  # brackets that hold no number
        plain = False
    if not plain or len(url) > LONGEST:
        fact = Sentence("This is not the address of a picture on the web.")
        advice = Sentence("Copy the address of the picture itself; it begins with https:// or http://.")
        raise InvalidRequest(paragraph(fact, _FREE, advice), field="references", code="bad_reference")
    return url


def _name(url: str) -> str:
    """As the screens call it."""
    parts = urlsplit(url)
    last = plain_filename(unquote(parts.path.rpartition("/")[2])) or ""
    return last if _FILE.fullmatch(last) else parts.hostname or ""


def _next(session: Session, now: datetime) -> LinkedPicture | None:
    """The first of a person is the only one that may be taken: so two servers never fetch for one person at once."""
    other = aliased(LinkedPicture)
    same = other.person == LinkedPicture.person
    before = select(other.id).where(same, col(other.due_at).is_not(None), other.id < LinkedPicture.id).exists()
    served = select(func.max(other.settled_at)).where(same).scalar_subquery()
    due = select(LinkedPicture).where(col(LinkedPicture.due_at) <= now, ~before)
    turn = due.order_by(served.asc().nulls_first(), col(LinkedPicture.due_at))
    return session.exec(turn.limit(1).with_for_update(skip_locked=True)).first()


def _settle(session: Session, link_id: str, now: datetime, **values: object) -> bool:
    """Once: whoever comes second, after a lease that ran out, changes nothing. False where nobody wants it any more."""
    session.flush()
    waiting = (col(LinkedPicture.id) == link_id, col(LinkedPicture.settled_at).is_(None))
    over = {"url": None, "due_at": None, "settled_at": now}
    wanted = update(LinkedPicture).where(*waiting, col(LinkedPicture.url).is_not(None)).values(**over | values)
    if session.connection().execute(wanted).rowcount == 1:
        return True
    session.connection().execute(update(LinkedPicture).where(*waiting).values(**over))
    return False
