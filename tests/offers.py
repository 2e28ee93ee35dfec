"""Every model that can be asked now, what a proof asks it for, and what its file must then be and cost.

It speaks to the desk as a program does, over HTTP with a token, and looks at the files with Pillow and FFmpeg: what our
rows say of a file is one more thing to check. It knows no wire.
"""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import av
import httpx
from local import local
from pictures import jpeg
from PIL import Image, UnidentifiedImageError
from processes import PATIENCE

from data.catalog import ModelSpec, catalog
from data.money import MICRO

TOKEN = "a-program-of-ours"
REFERENCE = jpeg(640, 480)
TOKENS_READ = Decimal("1.2")
"""Where a provider counts tokens, those that it reads and thinks come on top of the usual price of the picture."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Offer:
    """What a person picks, and the model that then draws: from words alone ("text"), or with a reference ("edit")."""

    choice: str
    mode: str
    spec: ModelSpec

    @property
    def references(self) -> int:
        return int(self.mode == "edit")

    def settings(self, shape: str) -> dict[str, Any]:
        """This shape, and the file format that the model would not choose by itself, as far as it has either."""
        params: dict[str, Any] = {"aspect_ratio": shape} if self.spec.param("aspect_ratio") else {}
        form = self.spec.param("output_format")
        if form is not None:
            params["output_format"] = next(value for value in form.allowed if value != form.default)
        return params

    def thrifty(self, shape: str) -> dict[str, Any]:
        """The same, as small and as short as the model makes it."""
        least = {name: param.allowed[0] for name in ("quality", "resolution", "duration")
                 if (param := self.spec.param(name)) is not None}  # fmt: skip
        return self.settings(shape) | {name: value for name, value in least.items() if value != "auto"}


def offers() -> list[Offer]:
    """Every model in both its modes, but those that are paused or retired."""
    models, today = catalog(), datetime.now(UTC).date()
    named = [(choice.name, mode, model_id) for choice in models.choices
             for mode, model_id in (("text", choice.text), ("edit", choice.edit)) if model_id]  # fmt: skip
    found = [Offer(name, mode, models.require(model_id)) for name, mode, model_id in named]
    return [offer for offer in found if not offer.spec.paused and not offer.spec.retired(today)]


@dataclass(frozen=True)
class Made:
    """What came of an offer. `faults` are what should have been otherwise, in a few words each; mostly none."""

    status: str
    size: Size | None = None
    form: str = ""
    charged: Decimal = Decimal(0)
    price: Decimal | None = None
    seconds: float = 0.0
    size_promised: bool = False
    form_promised: bool = False
    faults: tuple[str, ...] = ()


class Program:
    """A program at the task API, and the sandbox's ledger beside it."""

    def __init__(self, url: str, sandbox_url: str) -> None:
        self._desk = httpx.Client(base_url=url, verify=False, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        self._sandbox_url = sandbox_url

    def close(self) -> None:
        """Hangs up."""
        self._desk.close()

    def asks(self, offer: Offer, prompt: str, params: Mapping[str, Any]) -> str:
        """Asks for one; the new task's id."""
        inline = f"data:image/jpeg;base64,{base64.b64encode(REFERENCE).decode()}"
        ask = {
            "model": offer.spec.id,
            "prompt": prompt,
            "params": dict(params),
            "references": [inline] * offer.references,
        }
        answer = self._desk.post("/api/generate/image", json=ask)
        assert answer.status_code == 202, answer.text
        (task,) = answer.json()["tasks"]
        return str(task["task_id"])

    def reads(self, task_id: str) -> dict[str, Any]:
        """The whole record of a task."""
        answer = self._desk.get(f"/api/task/{task_id}")
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def ended(self, task_ids: list[str], timeout: float = 120) -> dict[str, dict[str, Any]]:
        """The records, once all have ended or the time is over. Asks for one at a time: the machine is busy enough."""
        deadline, records = time.monotonic() + timeout * PATIENCE, {}
        for task_id in task_ids:
            records[task_id] = self.reads(task_id)
            while records[task_id]["status"] in ("pending", "processing") and time.monotonic() < deadline:
                time.sleep(0.3)
                records[task_id] = self.reads(task_id)
        return records

    def charges(self) -> list[dict[str, Any]]:
        """What the sandbox has charged for."""
        ledger = local.get(f"{self._sandbox_url}/sandbox/ledger").raise_for_status().json()
        return list(ledger["charges"])

    def judges(
        self, offer: Offer, asked: Mapping[str, Any], record: Mapping[str, Any], charges: list[dict[str, Any]]
    ) -> Made:
        """Holds what came against what was asked for, the catalogue's promise, and the sandbox's ledger."""
        faults = [f"asked for {name} {value}, and the task has {record['params'].get(name)}"
                  for name, value in asked.items() if record["params"].get(name) != value]  # fmt: skip
        if record["status"] != "completed" or not record["images"]:
            why = (record["error"] or {}).get("message", "no picture")
            return Made(record["status"], faults=(*faults, f"{record['detail_status']}: {why}"))
        image, spec, params = record["images"][0], offer.spec, record["params"]
        file = looked_at(self._desk.get(image["url"]).raise_for_status().content)
        if (image["mime"], (image["width"], image["height"])) != (f"{file.kind}/{file.form}", file.size):
            faults.append(f"our row calls it {image['mime']} of {image['width']}x{image['height']}")
        price, charged = _price(offer, params), Decimal(record["charged_credits"])
        faults += _faults_of_file(spec, params, file) + _faults_of_money(offer, price, charged, record, charges)
        began, ended = (datetime.fromisoformat(record[name]) for name in ("created_at", "finished_at"))
        return Made(
            "completed", file.size, file.form, charged, price, (ended - began).total_seconds(),
            size_promised=spec.output_size(params) is not None, form_promised=bool(_form(spec, params)),
            faults=tuple(faults),
        )  # fmt: skip


@dataclass(frozen=True)
class File:
    """What a file really is; `kind` is image or video, and a video plays for so many seconds."""

    kind: str
    form: str
    size: Size
    seconds: float = 0.0


def looked_at(data: bytes) -> File:
    """Reads all of it."""
    try:
        with Image.open(BytesIO(data)) as picture:
            picture.load()
            return File("image", str(picture.format).lower(), picture.size)
    except UnidentifiedImageError:
        with av.open(BytesIO(data)) as film:
            stream = film.streams.video[0]
            form = "mp4" if data[4:8] == b"ftyp" else str(film.format.name)
            return File("video", form, (stream.width, stream.height), float((film.duration or 0) / av.time_base))


def _form(spec: ModelSpec, params: Mapping[str, Any]) -> str:
    """The format that was asked for or is the model's own; empty where nobody promises any."""
    setting = spec.param("output_format")
    if setting is not None:
        return str(params.get("output_format", setting.default))
    return "mp4" if spec.kind == "video" else ""


def _faults_of_file(spec: ModelSpec, params: Mapping[str, Any], file: File) -> list[str]:
    faults = [] if file.kind == spec.kind else [f"a {file.kind} where a {spec.kind} was wanted"]
    if (wanted := spec.output_size(params)) not in (None, file.size):
        faults.append(f"{file.size} where {wanted} was promised")
    if (promised := _form(spec, params)) not in ("", file.form):
        faults.append(f"{file.form} where {promised} was asked for")
    duration = spec.param("duration")
    seconds = params.get("duration", duration.default) if duration else None
    if seconds is not None and abs(file.seconds - seconds) > 0.5:
        faults.append(f"{file.seconds:.1f} s where {seconds} were asked for")
    return faults


def _price(offer: Offer, params: Mapping[str, Any]) -> Decimal | None:
    """In credits, as it stood before the button."""
    micro = offer.spec.price(params, datetime.now(UTC).date(), offer.references)
    return None if micro is None else Decimal(micro) / MICRO


def _faults_of_money(
    offer: Offer, price: Decimal | None, charged: Decimal, record: Mapping[str, Any], charges: list[dict[str, Any]]
) -> list[str]:
    names = {call["provider_task_id"] for call in record["submissions"]}
    theirs = [Decimal(str(row["credits"])) for row in charges if row["taskId"] in names]
    faults = [] if theirs == [charged] else [f"we say {charged} credits, the ledger {theirs}"]
    most = None if price is None else price * (TOKENS_READ if offer.spec.rates else 1)
    if most is not None and charged > most:
        faults.append(f"it cost {charged} credits, and the price was {price}")
    return faults
