"""Pictures and videos over real HTTP: only by a genuine link, cacheable for ever, never run as anything else."""

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import Message

import httpx
import pytest
from films import film, mp4, webm
from pictures import avif, jpeg, phone_jpeg, png, webp

from data.images import StoredImage
from data.links import SETTINGS, SIDECAR, LinkSigner, download_name
from data.pace import Pace
from data.removal import Removal
from data.requests import GenerationRequest
from data.settling import Word
from data.storage import picture_key, thumbnail_key

from .conftest import MODEL, Server

PACE = Pace(in_flight=10_000, creates=10_000)

CHINESE = "红色的风筝_nano-banana_3f9c2a.png"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def stored(server: Server) -> StoredImage:
    return server.opened.artifacts.store_output(png(700, 500))


def link(server: Server, image: StoredImage, variant: str = "original", **options: str) -> str:
    return server.opened.links.path(image.sha256, variant, now=now(), **options)


def test_an_original_comes_byte_for_byte(server: Server, stored: StoredImage) -> None:
    answer = server.client.get(link(server, stored, mime="image/png"))
    assert (answer.status_code, answer.content) == (200, server.opened.artifacts.read_original(stored.sha256))
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize("edge", [320, 1280])
def test_a_thumbnail_is_a_webp(server: Server, stored: StoredImage, edge: int) -> None:
    answer = server.client.get(link(server, stored, str(edge)))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.content == server.opened.artifacts.thumbnail_path(stored.sha256, edge).read_bytes()


@pytest.mark.parametrize("variant", ["320", "original"])
def test_every_picture_is_kept_for_ever_and_never_guessed_at(server: Server, stored: StoredImage, variant: str) -> None:
    headers = server.client.get(link(server, stored, variant)).headers
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "content-disposition" not in headers  # it is shown: what has no name is saved under none
    assert headers["etag"] == f'"{stored.sha256}.{variant}"'


@pytest.mark.parametrize(("picture", "mime"), [(png, "image/png"), (jpeg, "image/jpeg"), (webp, "image/webp"),
                                               (avif, "image/avif")])  # fmt: skip
def test_without_a_type_in_the_link_the_bytes_tell_it(server: Server, picture: object, mime: str) -> None:
    image = server.opened.artifacts.store_output(picture(64, 64))  # type: ignore[operator]
    assert server.client.get(link(server, image)).headers["content-type"] == mime


@pytest.mark.parametrize(("make", "mime"), [(mp4, "video/mp4"), (webm, "video/webm")])
def test_a_video_comes_byte_for_byte_and_as_what_it_is(server: Server, make: Callable[[], bytes], mime: str) -> None:
    image = server.opened.artifacts.store_output(make())
    for named in ({"mime": mime}, {}):  # without a type in the link the bytes tell it
        answer = server.client.get(link(server, image, **named))
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, make(), mime)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    # Opened by itself it may load itself, and still no script runs.
    policy = "default-src 'none'; media-src 'self'; sandbox allow-same-origin"
    assert answer.headers["content-security-policy"] == policy
    poster = server.client.get(link(server, image, "320"))
    assert (poster.status_code, poster.headers["content-type"]) == (200, "image/webp")


def test_what_is_no_picture_is_only_bytes(server: Server) -> None:
    sha256 = "ab" * 32
    server.opened.storage.put(picture_key(sha256), b"<html><script>alert(1)</script>")
    for mime in (None, "text/html"):
        path = server.opened.links.path(sha256, "original", now=now(), mime=mime)
        assert server.client.get(path).headers["content-type"] == "application/octet-stream"


# Links -------------------------------------------------------------------------------------------------------------


def test_a_tampered_link_is_refused(server: Server, stored: StoredImage) -> None:
    other = server.opened.artifacts.store_output(png(64, 64))
    whole = httpx.URL(link(server, stored, mime="image/png", filename="a.png"))
    changed = [
        whole.copy_set_param("e", "9999999999"), whole.copy_set_param("s", "x"), whole.copy_set_param("t", "text/html"),
        whole.copy_set_param("n", "b.png"), whole.copy_remove_param("n"), whole.copy_remove_param("s"),
        whole.copy_remove_param("e"), whole.copy_set_param("s", "é"), whole.copy_set_param("e", "soon"),
        whole.copy_with(path=whole.path.replace("original", "320")),
        whole.copy_with(path=whole.path.replace("original", "huge")),
        whole.copy_with(path=whole.path.replace(stored.sha256, other.sha256)),
        whole.copy_with(path=whole.path.replace(stored.sha256, "../../../etc/passwd")),
        whole.copy_with(path=whole.path.replace(stored.sha256, "%00")), whole.copy_with(query=None),
    ]  # fmt: skip
    for url in changed:
        answer = server.client.get(url)
        assert answer.status_code in {403, 404}, url
        assert answer.headers.get("cache-control", "no-store") == "no-store"
        assert b"PNG" not in answer.content


def test_a_link_from_another_key_is_refused(server: Server, stored: StoredImage) -> None:
    path = LinkSigner(b"another key").path(stored.sha256, "original", now=now())
    assert server.client.get(path).status_code == 403


def test_an_expired_link_is_refused_even_where_the_browser_knows_the_picture(
    server: Server, stored: StoredImage
) -> None:
    path = server.opened.links.path(stored.sha256, "320", now=now() - timedelta(days=15))
    answer = server.client.get(path, headers={"If-None-Match": f'"{stored.sha256}.320"'})
    assert (answer.status_code, "Reload" in answer.text) == (403, True)
    assert answer.headers["cache-control"] == "no-store"


def test_a_file_that_is_gone_is_404(server: Server) -> None:
    for variant in ("320", "original"):
        answer = server.client.get(server.opened.links.path("cd" * 32, variant, now=now()))
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


# Caches, ranges, names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["320", "original"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_known_picture_is_304_without_a_look_at_the_disk(
    server: Server, stored: StoredImage, variant: str, form: str
) -> None:
    etag = server.client.get(link(server, stored, variant)).headers["etag"]
    shutil.rmtree(server.settings.state_dir / "pictures")
    shutil.rmtree(server.settings.state_dir / "derived")
    answer = server.client.get(link(server, stored, variant), headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_another_etag_is_no_match(server: Server, stored: StoredImage) -> None:
    for etag in ('"x"', f'"{stored.sha256}.1280"', stored.sha256, ""):
        assert server.client.get(link(server, stored, "320"), headers={"If-None-Match": etag}).status_code == 200


def test_a_part_of_an_original_can_be_asked_for(server: Server, stored: StoredImage) -> None:
    whole = server.client.get(link(server, stored)).content
    for asked, part in (("bytes=0-99", whole[:100]), ("bytes=100-", whole[100:]), ("bytes=-7", whole[-7:])):
        answer = server.client.get(link(server, stored), headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
    assert server.client.get(link(server, stored), headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    stale = {"Range": "bytes=0-99", "If-Range": '"other"'}
    assert server.client.get(link(server, stored), headers=stale).status_code == 200


def test_a_video_is_handed_out_in_the_parts_that_players_ask_for(server: Server) -> None:
    whole = mp4()
    path = link(server, server.opened.artifacts.store_output(whole), mime="video/mp4", filename="kite.mp4")
    end = len(whole) - 1
    parts = {"bytes=0-1": (0, 1), "bytes=0-": (0, end), f"bytes={end}-": (end, end), "bytes=-500": (end - 499, end),
             "bytes=-999999": (0, end), f"bytes=100-{end + 999}": (100, end), "bytes= 7-9": (7, 9)}  # fmt: skip
    for asked, (first, last) in parts.items():
        answer = server.client.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, whole[first : last + 1]), asked
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
        assert int(answer.headers["content-length"]) == last - first + 1
        assert answer.headers["content-type"] == "video/mp4"
        assert "immutable" in answer.headers["cache-control"]
    for asked in (f"bytes={end + 1}-", "bytes=-0"):
        answer = server.client.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(whole)}")


def test_a_part_is_only_of_the_video_that_the_player_began_with(server: Server) -> None:
    whole = webm()
    path = link(server, server.opened.artifacts.store_output(whole))
    etag = server.client.head(path).headers["etag"]
    for condition, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200)):
        answer = server.client.get(path, headers={"Range": "bytes=0-1", "If-Range": condition})
        assert (answer.status_code, answer.content) == (status, whole[:2] if status == 206 else whole), condition


def test_head_tells_a_player_that_it_may_ask_for_parts(server: Server) -> None:
    whole = film("libsvtav1")
    head = server.client.head(link(server, server.opened.artifacts.store_output(whole)))
    assert (head.status_code, head.content, int(head.headers["content-length"])) == (200, b"", len(whole))
    assert (head.headers["accept-ranges"], head.headers["content-type"]) == ("bytes", "video/mp4")


@pytest.mark.parametrize("asked", ["bytes=a-b", "lines=1-2", "bytes=", "bytes=9-1", "bytes=0-0," * 200, "é"])
def test_a_nonsensical_range_is_never_a_5xx(server: Server, stored: StoredImage, asked: str) -> None:
    answer = server.client.get(link(server, stored), headers={"Range": asked.encode()})
    assert answer.status_code < 500


@pytest.mark.parametrize("variant", ["320", "original"])
def test_head_tells_the_same_without_the_bytes(server: Server, stored: StoredImage, variant: str) -> None:
    whole, head = (server.client.request(method, link(server, stored, variant)) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(whole.content)
    for name in ("etag", "content-type", "cache-control"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    "name", ["kite.png", CHINESE, 'quo"te;x=.png', "a\r\nSet-Cookie: x=1.png", "100%_é.png", "\u202egnp.x"]
)
@pytest.mark.parametrize("variant", ["320", "original"])
def test_a_download_is_saved_under_its_name_in_any_language(
    server: Server, stored: StoredImage, variant: str, name: str
) -> None:
    answer = server.client.get(link(server, stored, variant, filename=name))
    assert "set-cookie" not in answer.headers
    header = Message()
    header["Content-Disposition"] = answer.headers["content-disposition"]
    assert header.get_content_disposition() == "attachment"
    _, _, value = answer.headers["content-disposition"].partition("filename*=UTF-8''")
    assert httpx.QueryParams(f"n={value}")["n"] == name
    assert answer.headers["content-disposition"].isascii()


def test_a_video_is_saved_with_its_own_extension(server: Server) -> None:
    image = server.opened.artifacts.store_output(webm())
    name = download_name("红色的风筝", "veo3_fast", "0193-3f9c2a", image.mime)
    answer = server.client.get(link(server, image, filename=name, mime=image.mime))
    assert name == "红色的风筝_veo3-fast_3f9c2a.webm"
    assert "filename*=UTF-8''%E7%BA%A2" in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].endswith("_veo3-fast_3f9c2a.webm")


# What can be rebuilt -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [png, mp4])
def test_a_lost_thumbnail_is_made_again(server: Server, make: Callable[[], bytes]) -> None:
    stored = server.opened.artifacts.store_output(make())
    before = server.client.get(link(server, stored, "320")).content
    shutil.rmtree(server.settings.state_dir / "derived")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: server.client.get(link(server, stored, "320")), range(6)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, before)}


@pytest.mark.parametrize("length", [0, 3, 7, 11, 100])
def test_a_thumbnail_cut_short_by_a_power_failure_is_made_again(
    server: Server, stored: StoredImage, length: int
) -> None:
    whole = server.client.get(link(server, stored, "320")).content
    os.truncate(server.opened.storage.path(thumbnail_key(stored.sha256, 320)), length)
    assert server.client.get(link(server, stored, "320")).content == whole


def test_a_thumbnail_of_a_damaged_original_is_404(server: Server) -> None:
    sha256 = "ef" * 32
    server.opened.storage.put(picture_key(sha256), png()[:500])
    assert server.client.get(server.opened.links.path(sha256, "320", now=now())).status_code == 404


def test_a_clean_copy_comes_by_a_link_of_its_own_and_the_original_stays(server: Server) -> None:
    told = phone_jpeg()
    image = server.opened.artifacts.store_output(told)
    answer = server.client.get(link(server, image, "clean", filename="kite.jpg"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["etag"] == f'"{image.sha256}.clean"'
    assert "attachment" in answer.headers["content-disposition"]
    assert b"Pocket" in told
    assert b"Pocket" not in answer.content
    assert server.client.get(link(server, image)).content == told
    film_of_it = server.opened.artifacts.store_output(mp4())
    assert server.client.get(link(server, film_of_it, "clean")).status_code == 404


def finished(server: Server, data: bytes, prompt: str) -> tuple[str, StoredImage]:
    """A task that has ended with this picture, and the picture."""
    server.tasks.create([GenerationRequest(MODEL, prompt, {"seed": 7}, ())], person="ann")
    claim = server.submissions.claim("kie", [("kie", "nano-banana")], PACE)
    assert claim is not None
    word = Word("succeeded", prompt, ("http://h/0",), charged_micro=4_500_000)
    server.submissions.apply(claim.submission_id, word)
    fetch = server.errands.claim_fetch(timedelta(seconds=60))
    assert fetch is not None
    image = server.opened.artifacts.store_output(data)
    server.errands.stored(fetch.submission_id, 0, image)
    assert server.errands.fetched(fetch.submission_id)
    return claim.task.id, image


def test_a_copy_with_settings_tells_of_the_task_that_its_link_names_and_the_original_stays(server: Server) -> None:
    data = phone_jpeg()
    first, image = finished(server, data, "a red kite")
    second, same = finished(server, data, "a blue kite")  # two tasks may come to the same bytes
    assert same.sha256 == image.sha256
    for task_id, prompt in ((first, b"a red kite"), (second, b"a blue kite")):
        answer = server.client.get(link(server, image, SETTINGS, filename="kite.jpg", task_id=task_id))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.headers["cache-control"] == "no-store"  # what it cost may be known later
        assert 'filename="kite.jpg"' in answer.headers["content-disposition"]
        assert prompt in answer.content
        beside = server.client.get(link(server, image, SIDECAR, filename="kite.jpg.json", task_id=task_id))
        assert beside.headers["content-type"] == "application/json"
        assert (beside.json()["task_id"], beside.json()["prompt"].encode()) == (task_id, prompt)
        assert (beside.json()["credits"], beside.json()["file"]["sha256"]) == ("4.5", image.sha256)
    assert server.client.get(link(server, image)).content == data
    again = {"If-None-Match": "*"}
    assert server.client.get(link(server, image, SIDECAR, task_id=first), headers=again).status_code == 200


def test_settings_are_told_of_no_other_picture_of_no_deleted_task_and_by_no_forged_link(server: Server) -> None:
    task_id, image = finished(server, png(), "a red kite")
    other, film_of_it = finished(server, mp4(), "a film")
    for variant in (SETTINGS, SIDECAR):
        assert server.client.get(link(server, film_of_it, variant, task_id=task_id)).status_code == 404
        assert server.client.get(link(server, image, variant)).status_code == 404
        address = link(server, image, variant, task_id=task_id)
        assert server.client.get(address.replace(task_id, other)).status_code == 403
    assert server.client.get(link(server, film_of_it, SIDECAR, task_id=other)).json()["file"]["mime"] == "video/mp4"
    refused = server.client.get(link(server, film_of_it, SETTINGS, task_id=other))
    assert (refused.status_code, "with its settings inside" in refused.text) == (404, True)
    Removal(server.db).delete([task_id], who="ann")
    assert server.client.get(link(server, image, SIDECAR, task_id=task_id)).status_code == 404


def test_an_original_too_large_to_be_read_at_once_comes_whole_and_in_ranges(server: Server) -> None:
    data = os.urandom(5 << 20)
    sha256 = hashlib.sha256(data).hexdigest()
    server.opened.storage.put(picture_key(sha256), data, durable=False)
    address = server.opened.links.path(sha256, "original", now=now(), mime="image/png")
    assert server.client.get(address).content == data
    for first, last in ((0, 9), (len(data) - 10, len(data) - 1)):
        part = server.client.get(address, headers={"Range": f"bytes={first}-{last}"})
        assert (part.status_code, part.content) == (206, data[first : last + 1])
    head = server.client.head(address)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(data)))
