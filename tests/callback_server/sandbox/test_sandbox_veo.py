"""The sandbox makes films: Veo through the jobs API and by its own older path; Sora is paused; and kie's price list."""

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import pytest
from local import local

pytestmark = pytest.mark.http
VEO = "veo-3-1"
# 16 x 9 pixels
RED = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAJCAIAAAC0SDtlAAAAFElEQVR42mM4ISdHEmIY1TAoNAAAYNuSQQnBL0kAAAAASUVORK5CYII="


def watched(raw: bytes) -> tuple[str, tuple[int, int], float, int]:
    """Codec, size, seconds and number of frames of a film that was really decoded."""
    with av.open(io.BytesIO(raw)) as film:
        (stream,) = film.streams.video
        frames = sum(1 for _ in film.decode(stream))
        assert film.duration is not None
        return stream.codec_context.name, (stream.width, stream.height), film.duration / 1_000_000, frames


def made(box: Any, task_id: str) -> dict[str, Any]:
    """The record of a task of the older path, once it has ended."""
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        data = box.get(f"/api/v1/veo/record-info?taskId={task_id}")["data"]
        if data["successFlag"]:
            return dict(data)
        time.sleep(0.11)
    raise AssertionError("it did not end")


def test_a_film_has_the_shape_and_the_length_asked_for_and_can_be_read_in_parts(box: Any) -> None:
    task_id = box.task("ocean", model=VEO, duration=4, aspect_ratio="9:16")
    (url,) = box.finished(task_id)["response"]["resultUrls"]
    answer = box.client.get(url)
    assert answer.headers["content-type"] == "video/mp4"
    assert watched(answer.content) == ("h264", (720, 1280), 4, 24)
    part = box.client.get(url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, answer.content[100:200])
    assert box.charges() == [("kie", task_id, 60)]


def test_a_film_begins_with_its_picture_and_the_server_answers_while_it_is_made(box: Any) -> None:
    url = box.post(
        "/api/file-base64-upload",
        {"base64Data": "data:image/png;base64," + RED, "uploadPath": "x", "fileName": "r.png"},
    )["data"]["downloadUrl"]
    task_id = box.task("golden", model=VEO, image_urls=[url], aspect_ratio="Auto", resolution="1080p", duration=8)
    (film,) = box.finished(task_id)["response"]["resultUrls"]
    with ThreadPoolExecutor(1) as other:
        fetching = other.submit(local.get, film, timeout=60)
        waits = []
        while not fetching.done():
            began = time.monotonic()
            assert box.get("/healthz")["status"] == "ok"
            waits.append(time.monotonic() - began)
    assert max(waits) < 2  # the encoder takes whole seconds on a busy machine; nobody else waits for it
    assert watched(fetching.result().content)[1:3] == ((1920, 1080), 8)
    assert box.charges() == [("kie", task_id, 65)]


def test_the_older_path_is_flat_and_tells_the_same_story_in_its_own_words(box: Any, receiver: Any) -> None:
    asked = {"prompt": "bokeh", "model": "veo3_lite", "aspect_ratio": "9:16", "resolution": "1080p", "duration": 4}
    answer = box.post("/api/v1/veo/generate", asked | {"callBackUrl": f"{receiver.url}/veo?t=1"})
    assert (answer["code"], list(answer["data"])) == (200, ["taskId"])
    task_id = answer["data"]["taskId"]
    data = made(box, task_id)
    assert json.loads(data["paramJson"]) == asked
    assert (data["successFlag"], data["errorCode"], data["fallbackFlag"]) == (1, None, False)
    assert data["response"]["originUrls"] == data["response"]["resultUrls"]
    assert time.strptime(data["completeTime"], "%Y-%m-%d %H:%M:%S")
    deadline = time.monotonic() + 5
    while not receiver.heard and time.monotonic() < deadline:
        time.sleep(0.03)
    ((path, headers, body),) = receiver.heard
    assert (path, body["code"], body["msg"]) == ("/veo?t=1", 200, "Veo3.1 video generated successfully.")
    assert body["data"]["info"]["resultUrls"] == data["response"]["resultUrls"]
    assert "x-webhook-signature" in headers
    assert box.charges() == [("kie", task_id, 35)]
    assert box.record(task_id)["msg"] == "recordInfo is null"


def test_moderation_on_the_older_path_comes_after_the_create(box: Any, receiver: Any) -> None:
    answer = box.post("/api/v1/veo/generate", {"prompt": "x [[fault:policy_output]]", "callBackUrl": receiver.url})
    assert answer["code"] == 200
    data = made(box, answer["data"]["taskId"])
    assert (data["successFlag"], data["errorCode"], data["response"]) == (3, 400, None)
    assert box.charges() == []
    deadline = time.monotonic() + 5
    while not receiver.heard and time.monotonic() < deadline:
        time.sleep(0.03)
    assert receiver.heard[0][2]["code"] == 400


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "prompt is required"),
        ({"prompt": "x", "model": "veo2"}, "model is not within"),
        ({"prompt": "x", "duration": 5}, "duration is not within"),
        ({"prompt": "x", "seeds": 7}, "seeds must be between"),
        ({"prompt": "x", "callBackUrl": "nowhere"}, "callBackUrl is not"),
    ],
)
def test_a_bad_field_on_the_older_path_is_a_422(box: Any, asked: Any, words: str) -> None:
    answer = box.post("/api/v1/veo/generate", asked)
    assert (answer["code"], answer["msg"][: len(words)]) == (422, words)


def test_the_older_path_takes_an_older_spelling_and_knows_no_strangers(box: Any) -> None:
    answer = box.post("/api/v1/veo/generate", {"prompt": "x", "aspectRatio": "9:16", "imageUrls": []})
    assert made(box, answer["data"]["taskId"])["response"]["originUrls"]
    assert box.get("/api/v1/veo/record-info?taskId=nobody")["msg"] == "record is null."
    assert box.client.post("/api/v1/veo/generate", content=b"[1]").json()["code"] == 422


def test_sora_is_paused_on_every_id(box: Any) -> None:
    names = ("sora-2-text-to-video", "sora-2-image-to-video", "sora-2-pro-text-to-video", "sora-2-pro-image-to-video")
    for name in (*names, "sora-2-pro-storyboard"):
        assert box.create(model=name)["msg"] == "This interface is temporarily paused."


def test_layers_come_with_their_base_and_are_always_png(box: Any) -> None:
    url = box.post(
        "/api/file-base64-upload",
        {"base64Data": "data:image/png;base64," + RED, "uploadPath": "x", "fileName": "r.png"},
    )["data"]["downloadUrl"]
    done = box.finished(box.task("", model="seedream/5-pro-layer-decomposition", image_url=url))
    assert (done["state"], done["failMsg"]) == ("fail", "The input image has too few or too many pixels.")
    picture = box.finished(box.task("bokeh"))["response"]["resultUrls"][0]
    done = box.finished(box.task("", model="seedream/5-pro-layer-decomposition", image_url=picture))
    assert [name.rpartition(".")[2] for name in done["response"]["resultUrls"]] == ["jpg", "png", "png"]
    assert done["creditsConsumed"] == 7


def test_the_list_of_models_can_be_searched_and_is_asked_once_a_second(box: Any) -> None:
    listed = box.get("/api/v1/models?q=nano&taskType=image-to-image,text-to-video")["data"]
    assert listed["total"] == len(listed["models"]) == 5
    assert box.get("/api/v1/models")["code"] == 429
    time.sleep(1)
    price = box.get("/api/v1/models/seedream/5-pro-text-to-image/price")["data"]
    assert price["pricingDesc"] == "7 credits (basic), 14 credits (high) per image"


def test_the_public_price_list_needs_no_key_and_comes_in_pages(box: Any) -> None:
    plain = {"Authorization": ""}
    pages = [
        box.client.post(
            "/client/v1/model-pricing/page", json={"pageNum": number, "pageSize": 15}, headers=plain
        ).json()["data"]
        for number in (1, 2, 3)
    ]
    rows = [row for page in pages for row in page["records"]]
    count = box.client.get("/client/v1/model-pricing/count", headers=plain).json()["data"]
    assert (len(rows), pages[0]["pages"]) == (pages[0]["total"], 3) == (count["all"], 3)
    pro = [row for row in rows if row["anchor"].endswith("model=nano-banana-pro")]
    assert [(row["modelDescription"], row["creditPrice"], row["usdPrice"]) for row in pro][-1] == (
        "Google nano banana pro, 4K",
        "24",
        "0.120",
    )
    films = box.post("/client/v1/model-pricing/page", {"pageNum": 1, "pageSize": 500, "interfaceType": "video"})["data"]
    assert (films["size"], films["total"]) == (100, count["video"])
    assert box.post("/client/v1/model-pricing/page", {"pageNum": 0})["code"] == 400
