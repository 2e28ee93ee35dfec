"""Turns a task's card into what the browser draws: words, addresses and actions, all ready to show. Writes nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from dashboard.components import formats, words
from dashboard.components.actions import actions, rarer
from dashboard.components.controls import SHAPE
from dashboard.language import t, tn
from dashboard.resources import desk, picture_url
from data.catalog import ROADS, ModelSpec, catalog
from data.causes import DIRECT, FAILED, REFUSED, explain, money
from data.causes import WAITING as WAITING_CAUSES
from data.glances import Calls
from data.history import Card, Picture
from data.images import StoredImage
from data.marks import Marked
from data.status import ACTIVE, TaskStatus
from data.usual import Usual

_S = TaskStatus
_CANCELLING = {_S.SUBMITTING, _S.RUNNING}
"""Where a cancelled task looks settled: whether its picture still comes is the provider's affair, not the person's."""
_HERE = {"held_up", "upload_failed"}
"""What held a task up on our own side: it says nothing of the account, which may have a reason of its own by now."""
_COMES_TO_NOTHING = {_S.FAILED, _S.CANCELLED}
_LOOKED_FOR = {"overdue", "empty_result", "unconfirmed"}
PATIENCE = 180.0
"""Seconds after which a picture may be late; a model that is slow by nature has three times its usual time."""
USUAL_FOR = timedelta(seconds=30)
"""For how long the usual times are not asked for again."""


@dataclass(frozen=True)
class Surroundings:
    """What a card's words need beyond the card."""

    now: datetime
    practice: bool
    unconfirmed: timedelta
    paused: dict[str, tuple[datetime, str]]  # account -> until, cause
    rescue: timedelta = timedelta(days=14)  # how long the provider keeps results
    calls: dict[str, Calls] = field(default_factory=dict)  # by task, for those whose cards depend on it
    inputs: dict[str, tuple[StoredImage, ...]] = field(default_factory=dict)  # of those that failed, by task
    stand_ins: dict[str, str | None] = field(default_factory=dict)  # by task that failed, as `Glances.stand_ins`
    made_in_practice: dict[str, bool] = field(default_factory=dict)  # by task, of those that were sent
    marks: dict[str, Marked] = field(default_factory=dict)  # by task, as whoever looks sees them
    mates: dict[str, tuple[Card, ...]] = field(default_factory=dict)  # by task, the same of other models

    def of(self, card: Card) -> Calls:
        """What this card's paid calls leave open."""
        return self.calls.get(card.id, Calls())

    def practised(self, card: Card) -> bool:
        """Whether its credits are worth nothing: both modes share one history. What was not sent goes by the server."""
        return self.made_in_practice.get(card.id, self.practice)

    def marked(self, card: Card) -> Marked:
        """Its star and tags."""
        return self.marks.get(card.id, Marked())


def card_view(card: Card, around: Surroundings) -> dict[str, Any]:
    """One card of the Now strip."""
    spec = catalog().get(card.model)
    cause = waiting_cause(card, spec, around)
    word, tone = state(card, cause)
    width, height = shape(card, spec)
    first = card.pictures[0] if card.pictures else None
    done = card.status == _S.SUCCEEDED
    return {
        "id": card.id,
        "state": card.status.value,
        "tone": tone,
        "word": t(word),
        "fact": _fact(card, around),
        "place": _place(card, cause),
        "tick": _tick(card, spec),
        "say": sentence(card, spec, around),
        "prompt": card.prompt,
        "meta": " · ".join(filter(None, [*model_and_road(card, spec), shape_label(card, spec)])),
        "width": width,
        "height": height,
        "pixels": t("{width} × {height}", width=width, height=height) if max(width, height) > 1 else "",
        "picture": picture_url(first.sha256, "1280") if first else None,
        "compact": card.status in _COMES_TO_NOTHING and first is None,
        "video": video_mark(first),
        "more": _how_many(card, around.of(card)),
        "open": t("Open the video and all about it") if is_video(first) else t("Open the picture and all about it"),
        "actions": actions(card, around),
        "menu": rarer(card) if done else [],
        "details": {"label": t(words.DETAILS), "text": card.error_detail} if card.error_detail and not done else None,
    }


def state(card: Card, cause: str) -> tuple[str, str]:
    """The word and the tone of a card's state; `cause`: why it waits longer than it should, if it does."""
    if cause:
        return words.WORDS[card.status][0], "doubt"
    if card.cancel_requested_at is not None and card.status in _CANCELLING:
        return words.CANCELLING, "off"
    return settled(card)


def settled(card: Card) -> tuple[str, str]:
    """Word and tone of its status alone; where the provider said no, the word warns that it would say so again."""
    if card.status == _S.FAILED and card.error_code in REFUSED:
        return words.REFUSED, "bad"
    return words.WORDS[card.status]


def sentence(card: Card, spec: ModelSpec | None, around: Surroundings) -> str:
    """What must be said about it beyond its state word; empty where nothing must."""
    return t(_sentence(card, spec, around))


def _sentence(card: Card, spec: ModelSpec | None, around: Surroundings) -> str:
    road = spec.provider if spec else ""
    practice = around.practised(card)
    told = {"perhaps": card.perhaps_charged, "practice": practice}
    if card.status == _S.FAILED:
        since = around.of(card).open_since
        said = explain(card.error_code or "other", card.charged_micro, road, **told)
        if since is None or card.error_code not in _LOOKED_FOR or road in DIRECT:
            return said
        return f"{t(said)} {t(words.rescue(since + around.rescue, around.now))}"
    if card.status == _S.UNCONFIRMED:
        return words.unconfirmed(card.status_at + around.unconfirmed, road, practice=practice)
    if cause := waiting_cause(card, spec, around):
        return explain(cause, card.charged_micro, road, **told)
    if card.cancel_requested_at is not None and card.status in ACTIVE:
        return words.cancel_wished(leaving=card.status == _S.SUBMITTING, practice=practice)
    if card.status == _S.CANCELLED and card.error_code in FAILED:
        return explain(card.error_code, card.charged_micro, road, **told)
    if card.status == _S.CANCELLED:
        return money(None, card.charged_micro, **told)
    return words.on_its_way(card.status, ROADS.get(road, ""))


def waiting_cause(card: Card, spec: ModelSpec | None, around: Surroundings) -> str:
    """Why a task waits longer than it should: its own cause, or that of its account's shut gate."""
    if card.status not in {_S.QUEUED, _S.FETCHING}:
        return ""
    own = card.error_code if card.error_code in WAITING_CAUSES else None
    if own and own not in _HERE:
        return own
    gate = _shut_gate(spec, around) if card.status == _S.QUEUED and spec is not None else ""
    return gate or own or ""


def _shut_gate(spec: ModelSpec, around: Surroundings) -> str:
    real = (f"{spec.provider}-{spec.family}", spec.provider)
    practised = ("sandbox" if spec.provider == "kie" else f"sandbox-{spec.provider}",)
    causes = [around.paused[account][1] for account in (practised if around.practice else real)
              if account in around.paused]  # fmt: skip
    return next((cause for cause in causes if cause in WAITING_CAUSES), "")


def shape(card: Card, spec: ModelSpec | None) -> tuple[int, int]:
    """Width and height to reserve: what the model promised, or what came where that differs visibly."""
    asked = spec.output_size(card.params) if spec else None
    if card.pictures:
        real = card.pictures[0].width, card.pictures[0].height
        if asked is None or abs(asked[0] * real[1] / (asked[1] * real[0]) - 1) > 0.02:
            return real
    return asked or (1, 1)


def shape_label(card: Card, spec: ModelSpec | None) -> str:
    """ "16:9"; empty where the model was not asked for a shape."""
    value = str(card.params.get(SHAPE, ""))
    param = spec.param(SHAPE) if spec else None
    return param.value_label(value) if param else value


def model_and_road(card: Card, spec: ModelSpec | None) -> tuple[str, str]:
    """ "Nano Banana Pro" and "kie.ai"; the model's id and nothing when it has left the catalogue."""
    return (bare(spec.label, spec), ROADS[spec.provider]) if spec else (card.model, "")


def bare(name: str, spec: ModelSpec) -> str:
    """A name without the road at its end, for where the road stands beside it."""
    return name.removesuffix(f", {ROADS[spec.provider].replace(',', '')}")


def model_label(card: Card, spec: ModelSpec | None) -> str:
    """The model's name; its id when it has left the catalogue."""
    return spec.label if spec else card.model


def wait(spec: ModelSpec | None) -> Usual | None:
    """How long this model takes: by our own last pictures, else by what the catalogue says, else nobody knows."""
    if spec is None:
        return None
    told = Usual(spec.seconds) if spec.seconds else None
    return _measured(tuple(one.id for one in catalog().models)).get(spec.id, told)


def usual(spec: ModelSpec | None) -> float | None:
    """Seconds that this model usually takes."""
    known = wait(spec)
    return known.seconds if known else None


@st.cache_data(ttl=USUAL_FOR, show_spinner=False)
def _measured(_models: tuple[str, ...]) -> dict[str, Usual]:
    """Of all models at once and for everybody, because each list of models wants it of each of them.

    The argument is no part of the cache's key: to digest it took longer than all else about a card.
    """
    return desk().history.usual(_models)


def is_video(one: Picture | None) -> bool:
    """Whether an output is a video, and not a picture."""
    return one is not None and one.duration_ms is not None


def video_mark(one: Picture | None) -> dict[str, str] | None:
    """What stands on a video's poster, and the same for who cannot see it; None for a picture."""
    if one is None or one.duration_ms is None:
        return None
    name = t("Video, {length}", length=formats.seconds(one.duration_ms / 1000))
    return {"length": formats.length(one.duration_ms), "name": name}


def may_be_asked_for(card: Card, now: datetime) -> bool:
    """Whether a person may want the provider asked about it before it ends: a cancel was asked for, or it is late."""
    if card.status != _S.RUNNING:
        return False
    late = _late_after(usual(catalog().get(card.model)))
    return card.cancel_requested_at is not None or (now - card.status_at).total_seconds() > late


def _late_after(typical: float | None) -> float:
    return max(PATIENCE, 3 * (typical or 0))


def _how_many(card: Card, calls: Calls) -> str | None:
    if not card.pictures:
        return None
    home, video = len(card.pictures), is_video(card.pictures[0])
    if calls.missing:
        every = home + calls.missing
        said = {"home": home, "every": every}
        return t("{home} of {every} videos", **said) if video else t("{home} of {every} pictures", **said)
    if home < 2:
        return None
    return tn(home, "{n} video", "{n} videos") if video else tn(home, "{n} picture", "{n} pictures")


def _fact(card: Card, around: Surroundings) -> str:
    """Beside the state: what it has cost, or will."""
    if card.status in ACTIVE:
        return formats.about(card.estimate_micro, practice=around.practised(card))
    if card.status == _S.SUCCEEDED:
        took = (card.finished_at - card.created_at).total_seconds() if card.finished_at else None
        cost = formats.money(card.charged_micro, practice=around.practised(card))
        return " · ".join(filter(None, [cost, formats.seconds(took) if took is not None else ""]))
    if card.status == _S.FAILED:
        money = formats.money(card.charged_micro, practice=around.practised(card))
        return t("{money} charged", money=money) if card.charged_micro else ""
    return ""


def _place(card: Card, cause: str) -> str:
    """Where it stands in the queue; nothing where something else keeps it waiting."""
    if card.status != _S.QUEUED or cause:
        return ""
    place = desk().history.place_in_queue(card.id)
    return t("next in line") if place == 1 else t("{place} in line", place=formats.ordinal(place))


def _tick(card: Card, spec: ModelSpec | None) -> dict[str, Any] | None:
    if card.status != _S.RUNNING or card.cancel_requested_at is not None:
        return None
    known = wait(spec)
    typical, most = (known.seconds, known.most) if known else (None, None)
    return {
        "since": card.status_at.timestamp(),
        "usual": typical or 20,
        "patience": _late_after(typical),
        "text": t("usually {span}", span=formats.seconds(typical)) if typical else "",
        "then": t("9 of 10 under {wait}", wait=formats.within(most)) if most else "",
        "late": t("still with the provider"),
        "seconds": t("{n} s", n="{n}"),
        "minutes": t("{n} min", n="{n}"),
    }
