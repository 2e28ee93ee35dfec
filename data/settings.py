"""Settings that both processes share: where state lives, where each process listens, limits, logs.

Provider keys are not here: this class is loaded by the dashboard, which must never hold one. Each field's
description is the row that README's table of settings shows; a test compares the two.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = os.environ.get("ENV_FILE", ".env")
"""The launcher points the dashboard's process to an empty one: keys that may lie in the file must not enter it."""
PROVIDER_KEY_NAMES = ("NANO_BANANA_API_KEY", "SEEDREAM_API_KEY", "GEMINI_API_KEY", "ARK_API_KEY")


class Settings(BaseSettings):
    """What the dashboard may know. `ServerSettings` in the callback server adds what only the server may."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    state_dir: Path = Field(Path("var"), description="Folder for the database and the pictures; made at first start")
    database_url: str = Field("", description="Database address; empty means an SQLite file in the state folder")
    # Not HOST: some shells and environment managers export that name for purposes of their own.
    listen_host: str = Field("127.0.0.1", description="Address that the dashboard and the callback server listen on")
    dashboard_port: int = Field(8501, ge=1, le=65535, description="Port of the dashboard")
    callback_port: int = Field(8600, ge=1, le=65535, description="Port of the callback server")
    sandbox_port: int = Field(
        8700, ge=1, le=65535, description="Port of the practice provider, started while no key is set"
    )
    files_base_url: str = Field(
        "", description="Address under which browsers reach the callback server; empty means this host and its port"
    )
    media_signing_key: SecretStr | None = Field(
        None, description="Secret that signs picture links; empty means one is made in the state folder"
    )
    max_reference_mb: int = Field(
        10, ge=1, le=30, description="Largest reference picture that is sent, in MB; the form makes larger ones fit"
    )
    max_reference_megapixels: int = Field(
        64,
        ge=1,
        le=170,
        description="Most pixels a reference may have, in millions; more is refused, less is made to fit",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe log line written")
    log_format: Literal["human", "json"] = Field("human", description="Form of log lines: `human` or `json`")

    @property
    def database_address(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.state_dir.resolve() / 'picture-desk.sqlite'}"


def provider_key_is_set(environ: Mapping[str, str] = os.environ, env_file: str = ENV_FILE) -> bool:
    """Whether any provider key is configured, by name only: the launcher asks this and must not keep a value."""
    in_file = dotenv_values(env_file)
    return any(environ.get(name) or in_file.get(name) for name in PROVIDER_KEY_NAMES)
