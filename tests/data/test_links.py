"""What picture links promise: they cannot be forged, stay the same for days, and their file names are safe anywhere."""

import base64
import hmac
import json
import re
import stat
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.errors import StorageError
from data.links import KINDS, VARIANTS, LinkSigner, download_name, signing_key
from data.settings import Settings

SHA = "3f" * 32
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SIGNER = LinkSigner(b"k" * 32)


def verify(link: str, *, signer: LinkSigner = SIGNER, now: datetime = NOW) -> bool:
    """As the server does: by the path's two last parts and the decoded query."""
    parts = urlsplit(link)
    match = re.fullmatch("/files/([^/]+)/([^/]+)", parts.path)
    if match is None:
        return False  # no such route
    sha256, variant = match.groups()
    return signer.verify(sha256, variant, dict(parse_qsl(parts.query, keep_blank_values=True)), now=now)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_link_of_ours_is_accepted(variant):
    assert verify(SIGNER.path(SHA, variant, now=NOW))
    assert verify(SIGNER.path(SHA, variant, now=NOW, filename="红 鸢 & co.png", mime="image/png"))


@given(key=st.binary(max_size=200), filename=st.none() | st.text(), mime=st.none() | st.text())
def test_links_that_were_made_before_stay_valid_for_they_sign_the_json_of_what_they_say(key, filename, mime):
    link = LinkSigner(key).path(SHA, "320", now=NOW, filename=filename, mime=mime)
    query = dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
    said = json.dumps(["picture link 1", SHA, "320", query["e"], filename, mime]).encode()
    assert query["s"] == base64.urlsafe_b64encode(hmac.digest(key, said, "sha256")[:16]).rstrip(b"=").decode()


def test_another_key_another_link():
    assert not verify(SIGNER.path(SHA, "320", now=NOW), signer=LinkSigner(b"other"))


def test_a_link_stays_the_same_for_a_week_and_then_lives_another():
    links = [SIGNER.path(SHA, "320", now=NOW + timedelta(hours=hours)) for hours in range(24 * 28)]
    assert 4 <= len(set(links)) <= 5
    for hours in range(0, 24 * 21, 5):
        made = NOW + timedelta(hours=hours)
        assert verify(SIGNER.path(SHA, "320", now=made), now=made + timedelta(days=7))
        assert not verify(SIGNER.path(SHA, "320", now=made), now=made + timedelta(days=14, seconds=1))


def test_not_all_pictures_get_new_links_at_the_same_moment():
    def expiry(number: int) -> int:
        sha256 = f"{number * 0x01234567 % 2**32:08x}" + "0" * 56
        return int(dict(parse_qsl(urlsplit(SIGNER.path(sha256, "320", now=NOW)).query))["e"])

    assert len({expiry(number) // 3600 for number in range(1, 100)}) > 50


def test_a_genuine_signature_does_not_open_an_unknown_variant():
    assert not verify(SIGNER.path(SHA, "9999", now=NOW))


@pytest.mark.parametrize("query", [{}, {"e": "9999999999"}, {"s": "x"}, {"e": "", "s": ""}, {"e": "1", "s": "ü\udc80"}])
def test_a_link_without_a_signature_is_refused(query):
    assert not SIGNER.verify(SHA, "320", query, now=NOW)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_link_with_any_changed_character_is_refused(data):
    filename = data.draw(st.none() | st.text(st.characters(codec="utf-8"), max_size=8))
    mime = data.draw(st.none() | st.sampled_from(["image/png", "image/jpeg"]))
    task_id = data.draw(st.none() | st.sampled_from(["", "0193-task"]))
    variant = data.draw(st.sampled_from(VARIANTS))
    link = SIGNER.path(SHA, variant, now=NOW, filename=filename, mime=mime, task_id=task_id)
    at = data.draw(st.integers(len("/files/"), len(link) - 1))
    changed = link[:at] + data.draw(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126)) + link[at + 1 :]
    assume(meaning(changed) != meaning(link))  # %c3 and %C3 say the same
    assert not verify(changed)


def meaning(link: str):
    parts = urlsplit(link)
    known = {key: value for key, value in parse_qsl(parts.query, keep_blank_values=True) if key in "esntk"}
    return parts.path, known


@given(st.text(max_size=6), st.text(max_size=6))
@settings(max_examples=100, deadline=None)
def test_what_a_name_says_cannot_be_moved_into_the_type(name, mime):
    link = dict(parse_qsl(urlsplit(SIGNER.path(SHA, "original", now=NOW, filename="ab", mime="cd")).query))
    assume((name, mime) != ("ab", "cd"))
    assert not SIGNER.verify(SHA, "original", {**link, "n": name, "t": mime}, now=NOW)


def make_settings(folder, **more) -> Settings:
    return Settings(_env_file=None, state_dir=folder, **more)


def test_the_key_is_made_once_for_its_owner_only(tmp_path):
    config = make_settings(tmp_path / "state")
    key = signing_key(config)
    assert len(key) == 32
    assert signing_key(config) == key
    assert stat.S_IMODE((tmp_path / "state" / "media.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["media.key"]


def test_a_key_in_the_settings_comes_first(tmp_path):
    assert signing_key(make_settings(tmp_path, media_signing_key="from outside")) == b"from outside"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe"])
def test_a_broken_key_file_is_told_and_not_used(tmp_path, content):
    (tmp_path / "media.key").write_bytes(content)
    with pytest.raises(StorageError, match=r"media\.key"):
        signing_key(make_settings(tmp_path))


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="MEDIA_SIGNING_KEY"):
        signing_key(make_settings(tmp_path / "file"))


def test_all_who_start_together_agree_on_one_key(tmp_path):
    # Threads, though it is processes that start together: what decides is the file system, the same for both.
    for attempt in range(20):
        config, together = make_settings(tmp_path / str(attempt)), threading.Barrier(8)
        with ThreadPoolExecutor(8) as pool:
            keys = list(pool.map(lambda _: (together.wait(), signing_key(config))[1], range(8)))  # noqa: B023
        assert len(set(keys)) == 1


TASK = "01934f6e-8a11-7c3e-9d21-aa10b83f9c2a"


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Red kite, over dunes!", "red-kite-over-dunes_nano-banana_3f9c2a.png"),
        ("沙丘上的红鸢", "沙丘上的红鸢_nano-banana_3f9c2a.png"),
        ("طائرة فوق الكثبان", "طائرة-فوق-الكثبان_nano-banana_3f9c2a.png"),
        ("लाल पतंग", "लाल-पतंग_nano-banana_3f9c2a.png"),
        ("🦊 fox ❤️‍🔥 1️⃣", "fox-1_nano-banana_3f9c2a.png"),
        ("../../etc/passwd\x00\n", "etc-passwd_nano-banana_3f9c2a.png"),
        ('a"b\\c:d*e?f<g>h|i', "a-b-c-d-e-f-g-h-i_nano-banana_3f9c2a.png"),
        ("photo\u202egnp.exe", "photognp-exe_nano-banana_3f9c2a.png"),
        ("\uff0e\uff0e\uff0fup", "up_nano-banana_3f9c2a.png"),
        ("CON", "con_nano-banana_3f9c2a.png"),
        ("Cafe\u0301", "café_nano-banana_3f9c2a.png"),
        ("", "picture_nano-banana_3f9c2a.png"),
        ("🦊", "picture_nano-banana_3f9c2a.png"),
    ],
)
def test_a_saved_picture_is_named_by_its_prompt_in_any_language(prompt, name):
    assert download_name(prompt, "nano-banana", TASK, "image/png", 0) == name


def test_the_second_picture_of_a_task_has_its_number_and_its_own_type():
    assert download_name("kite", "google/nano-banana", TASK, "image/jpeg", 1) == "kite_google-nano-banana_3f9c2a-2.jpg"
    assert download_name("kite", "m", TASK, "image/webp", 0).endswith(".webp")
    assert download_name("kite", "m", TASK, "video/mp4", 0).endswith(".mp4")
    assert download_name("🪁", "m", TASK, "video/webm", 0) == "video_m_3f9c2a.webm"
    assert download_name("kite", "m", TASK, "text/html", 0).endswith(".bin")


def test_a_copy_says_in_its_name_which_one_it_is_however_long_the_prompt() -> None:
    names = [download_name("红色的风筝" * 40, "m", TASK, "image/png", 1, kind=kind) for kind in KINDS]
    assert [name.rpartition("3f9c2a")[2] for name in names] == ["-2.png", "-2_clean.png", "-2_with-settings.png"]
    assert all(len(name.encode()) <= 104 for name in names)


def test_a_long_prompt_ends_with_a_whole_word():
    name = download_name("a red kite over the dunes at dawn " * 20, "nano-banana", TASK, "image/png", 0)
    assert name.split("_")[0].split("-")[-1] in ["a", "red", "kite", "over", "the", "dunes", "at", "dawn"]


@given(st.text(max_size=500), st.text(max_size=60), st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_a_file_name_is_safe_on_every_system_whatever_the_prompt(prompt, model, index):
    name = download_name(prompt, model, TASK, "image/png", index)
    stem, dot, extension = name.rpartition(".")
    assert (dot, extension) == (".", "png")
    assert 1 <= len(stem.encode()) <= 100  # also: no lone surrogate
    assert stem[0] not in "-_."
    assert all(char in "-_" or unicodedata.category(char)[0] in "LNM" for char in stem)
    assert download_name(prompt, model, TASK, "image/png", index) == name
    assert index == 0 or stem.endswith(f"-{index + 1}")
