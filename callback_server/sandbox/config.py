"""What can be chosen about a sandbox before it starts."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SandboxConfig:
    """Settings of one sandbox; every time is in seconds."""

    state_dir: Path
    key: str = "practice-key"
    webhook_key: str | None = None  # callbacks are signed only when this is set, as at the real gateway
    seconds: float = 2.5  # typical drawing time; each task varies a little around it
    credits: float = 10_000.0  # the balance of a fresh state directory
    mirror_codes: bool = False  # True: the HTTP status repeats the body code (the documents promise both)
    creates_per_window: int = 20
    create_window: float = 10.0
    polls_per_second: int = 10  # recordInfo, per task
    catalogue_per_second: int = 1  # kie's list of models and prices, per account
    images_per_minute: int = 500  # Ark, per model
    callback_timeout: float = 15.0
    callback_gaps: tuple[float, ...] = (1.0, 3.0, 9.0)  # one retry after each gap
    fetch_timeout: float = 30.0  # for reference images and url uploads
    result_days: float = 14.0
    upload_hours: float = 24.0
    rough: bool = False  # pictures of few large squares, of the same size: they cost a fifth
    public_url: str | None = None  # base of the URLs it hands out; None: taken from each request's Host
