"""Where creates are taken or refused: the documented order of checks, the rate limit, and the faults that apply."""

import math
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import faults, models
from .config import SandboxConfig
from .store import Store
from .task import Task
from .wire import PAUSED, WORDS, Refusal

RATE_LIMIT = "rate limit"  # how the books mark a create that the rate limit turned away


@dataclass(frozen=True)
class Order:
    """One create whose key was right: of the jobs API, of the older playground, or of Veo's own older path."""

    key: str
    body: Any
    base_url: str
    road: str

    @property
    def model(self) -> Any:
        """The model's name; on Veo's path it may be left out."""
        named = self.body.get("model") if isinstance(self.body, dict) else None
        return models.OLDER_VEO if self.road == "veo" and named is None else named

    @property
    def input(self) -> Any:
        """What is asked of the model; on Veo's path it lies flat beside the callback."""
        if self.road == "veo":
            return {name: value for name, value in self.body.items() if name != "callBackUrl"}
        return {} if self.body.get("input") is None else self.body["input"]


@dataclass(frozen=True)
class Verdict:
    """What became of an order: a task, a refusal, or (HTTP faults) neither; and the faults that strike the answer."""

    task: Task | None
    refusal: Refusal | None
    faults: dict[str, str]


def take(store: Store, config: SandboxConfig, order: Order, now_ms: int) -> Verdict:
    """Decide on an order and write the decision down before anyone hears of it."""
    with store.transaction():
        name = order.model if isinstance(order.model, str) else None
        window_ms = round(config.create_window * 1000)
        if store.creates_since(order.key, now_ms - window_ms) >= config.creates_per_window:
            store.add_create(at=now_ms, key=order.key, code=429, words=RATE_LIMIT, model=name, task_id=None)
            return Verdict(None, Refusal(429, WORDS[429]), {})
        verdict = _decide(store, config, order, now_ms)
        if verdict.task is not None:
            store.add_task(verdict.task)
            store.add_create(at=now_ms, key=order.key, code=200, words="", model=name, task_id=verdict.task.id)
        else:
            refusal = verdict.refusal or Refusal(0, ", ".join(verdict.faults))
            store.add_create(at=now_ms, key=order.key, code=refusal.code, words=refusal.words, model=name, task_id=None)
        return verdict


def _decide(store: Store, config: SandboxConfig, order: Order, now_ms: int) -> Verdict:
    """Apply the checks in the gateway's order: chosen faults, the model, its fields, the balance."""
    body = order.body
    if not isinstance(body, dict):
        return Verdict(None, Refusal(422, "The request body is not a valid JSON object."), {})
    asked = order.input
    prompt = asked.get("prompt") if isinstance(asked, dict) else None
    struck = faults_for(store, prompt if isinstance(prompt, str) else "", order.model)
    if {"http", "http_429", "lost_request"} & struck.keys():
        return Verdict(None, None, struck)
    refusal = _chosen_refusal(struck) or _refusal(store, order)
    if refusal is not None:
        return Verdict(None, refusal, struck)
    task_id = ("veo_task_" if order.road == "veo" else "") + uuid.uuid4().hex
    task = Task(
        id=task_id,
        model=order.model,
        input=asked,
        callback_url=body.get("callBackUrl") or None,
        road=order.road,
        base_url=order.base_url,
        created_ms=now_ms,
        due_ms=None if "stuck" in struck else now_ms + drawing_ms(config, struck, task_id),
        faults=struck,
    )
    return Verdict(task, None, struck)


def faults_for(store: Store, prompt: str, model: Any) -> dict[str, str]:
    """Collect the faults that strike this create: standing rules first, the prompt's own directives over them."""
    struck: dict[str, str] = {}
    for rule in store.rules():
        if rule.fault in faults.LIVE or not rule.meets(prompt, str(model)):
            continue
        counted = faults.Rule(**(vars(rule) | {"seen": rule.seen + 1}))
        strikes = counted.strikes()
        store.count_rule(rule.id, seen=counted.seen, used=rule.used + strikes)
        if strikes:
            struck[rule.fault] = rule.value
    return struck | faults.parse_directives(prompt)


def _chosen_refusal(struck: dict[str, str]) -> Refusal | None:
    if "quota" in struck:
        return Refusal(433, WORDS[433])
    for name in ("refuse", "paused"):
        if name in struck:
            code = int(faults.number(struck, name, least=201, most=599))
            words = PAUSED if name == "paused" else WORDS.get(code, WORDS[500])
            return Refusal(code, words)
    return None


def _refusal(store: Store, order: Order) -> Refusal | None:
    model, asked = models.find(order.model, order.road), order.input
    if isinstance(model, Refusal):
        return model
    if not isinstance(asked, dict):
        return Refusal(model.error_code, "input must be an object")
    refusal = models.check(model, asked)
    if refusal is not None:
        return refusal
    if not _is_callback(order.body.get("callBackUrl")):
        return Refusal(model.error_code, "callBackUrl is not a valid URL")
    if store.balance() < models.price(model, asked) * models.count(model, asked):
        return Refusal(402, WORDS[402])
    return None


def _is_callback(url: Any) -> bool:
    if url is None or url == "":
        return True
    try:
        return isinstance(url, str) and urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def drawing_ms(config: SandboxConfig, struck: dict[str, str], task_id: str) -> int:
    """Choose a drawing time: three quarters to five quarters of the typical one, fixed by the task's id."""
    if "slow" in struck:
        return math.ceil(faults.number(struck, "slow") * 1000)
    return math.ceil(config.seconds * 1000 * (0.75 + 0.5 * int(task_id[-4:], 16) / 0xFFFF))
