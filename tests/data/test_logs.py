"""Logs: one line per event, the same fields in both forms, and never a secret."""

import json
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from data.ids import new_id, new_token
from data.logs import setup_logs
from data.settings import Settings

log = logging.getLogger("callback_server.workers.dispatcher")


class WithSecrets(Settings):
    """What the server's settings look like to the logs."""

    provider_key: SecretStr | None = None
    tokens: SecretStr | None = None


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.captureWarnings(False)


def written(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_json_and_human_lines_carry_the_same_fields(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs(Settings(log_format="json"), "callback_server")
    log.info("submitted", extra={"task": "t-1", "attempt": 2})
    line = json.loads(written(capsys))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "process": "callback_server",
        "logger": log.name,
        "event": "submitted",
        "task": "t-1",
        "attempt": 2,
    }

    setup_logs(Settings(log_format="human"), "callback_server")
    log.info("submitted", extra={"task": "t-1", "attempt": 2})
    human = written(capsys)
    assert human.endswith(f" INFO    callback_server {log.name}: submitted task=t-1 attempt=2\n")
    assert human.count("\n") == 1


def test_a_line_break_from_outside_does_not_make_a_second_event(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs(Settings(), "dashboard")
    log.warning("the provider said %s", "no\n2030-01-01 INFO all is well\x1b[2J")
    text = written(capsys)
    assert text.count("\n") == 1
    assert "\x1b" not in text


@pytest.mark.parametrize("log_format", ["human", "json"])
def test_no_secret_is_written_in_message_field_or_traceback(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key, token = "kie-0123456789", new_token()
    one, two = "first-api-token", "second-api-token"
    settings = WithSecrets(log_format=log_format, provider_key=SecretStr(key), tokens=SecretStr(f"{one}, {two}"))
    setup_logs(settings, "callback_server")
    try:
        raise ValueError(f"bad key {key}")
    except ValueError:
        log.exception(
            "refused %s", key, extra={"url": f"http://h/api/webhook/nano-banana/{new_id()}/{token}", "k": two}
        )
    log.info("Authorization: Bearer abc.def; GET /files/x.webp?w=2&sig=s3cret from %s", one)
    text = written(capsys)
    for secret in (key, token, one, two, "abc.def", "s3cret"):
        assert secret not in text
    assert "refused ***" in text
    assert "/files/x.webp?w=2&sig=***" in text


def test_ids_and_picture_names_stay_readable(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs(Settings(), "callback_server")
    task, picture = new_id(), "a" * 64 + ".webp"
    log.info("GET /tasks/%s and /files/%s", task, picture)
    text = written(capsys)
    assert task in text
    assert picture in text


def test_setting_up_twice_does_not_write_twice(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        setup_logs(Settings(), "dashboard")
    log.info("once")
    assert written(capsys).count("once") == 1


def test_the_level_is_obeyed_and_each_request_of_a_client_is_no_event(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs(Settings(log_level="WARNING"), "dashboard")
    log.info("quiet")
    setup_logs(Settings(log_level="INFO"), "dashboard")
    logging.getLogger("httpx").info("HTTP Request: GET /")
    assert written(capsys) == ""
