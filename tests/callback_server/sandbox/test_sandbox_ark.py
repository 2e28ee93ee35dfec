"""The sandbox speaks Ark's images/generations: items and their errors, signed links, the visible mark, the books."""

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from local import local
from PIL import Image

pytestmark = pytest.mark.http
NEWEST, PRO, FLASH, FIVE, OLD = (
    "seedream-5-5-261028",
    "dola-seedream-5-0-pro-260628",
    "seedream-5-0-flash-260915",
    "seedream-5-0-260128",
    "seedream-4-5-251128",
)
SMALL = "[[fault:other_size=0.1]]"  # quick to paint, where nobody looks at the picture


def opened(raw: bytes) -> Image.Image:
    return Image.open(io.BytesIO(raw))


def fetched(url: str) -> Image.Image:
    answer = local.get(url)
    assert answer.status_code == 200, answer.text
    return opened(answer.content)


def data_url(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@pytest.mark.parametrize(
    ("model", "more", "size", "kind", "paid"),
    [
        (NEWEST, {"size": "1424x800"}, (1424, 800), "PNG", 7),
        (NEWEST, {"output_format": "jpeg"}, (1024, 1024), "JPEG", 7),
        (PRO, {"size": "1024x1024"}, (1024, 1024), "JPEG", 9),
        (FLASH, {"size": "1K", "prompt": "a poster in 9:16", "output_format": "png"}, (800, 1424), "PNG", 3.6),
        (FIVE, {"size": "2048x2048"}, (2048, 2048), "JPEG", 7),
        (OLD, {"size": "2848x1600"}, (2848, 1600), "JPEG", 8),
    ],
)
def test_each_model_draws_in_the_size_and_format_asked_for(
    box: Any, model: str, more: Any, size: Any, *, kind: str, paid: float
) -> None:
    answer = box.ark(model=model, **more)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    (item,) = body["data"]
    picture = fetched(item["url"])
    assert (picture.size, picture.format, item["size"]) == (size, kind, f"{size[0]}x{size[1]}")
    assert item.get("output_format") == (None if model == OLD else kind.lower())
    assert (body["model"], body["usage"]["generated_images"]) == (model, 1)
    assert body["usage"]["output_tokens"] == size[0] * size[1] // 256
    assert ("input_images" in body["usage"]) == (model == PRO)
    assert box.charges() == [("ark", answer.headers["x-request-id"], paid)]
    assert box.get("/sandbox/ledger")["balance"] == 500


def test_a_picture_is_visibly_marked_unless_told_not_to(box: Any) -> None:
    plain, marked = (fetched(box.ark("silk", watermark=mark).json()["data"][0]["url"]) for mark in (False, None))
    corner = (700, 880, 1024, 960)
    bright = [np.asarray(picture.convert("L").crop(corner)) > 240 for picture in (plain, marked)]
    assert bright[1].mean() > bright[0].mean() + 0.01


def test_a_transparent_background_is_one(box: Any) -> None:
    picture = fetched(box.ark("bloom", model=NEWEST, background="transparent").json()["data"][0]["url"])
    assert (picture.mode, picture.getpixel((0, 0))[3], picture.getpixel((512, 512))[3]) == ("RGBA", 0, 255)


def test_the_picture_can_come_inside_the_answer(box: Any) -> None:
    (item,) = box.ark(response_format="b64_json").json()["data"]
    assert "url" not in item
    assert opened(base64.b64decode(item["b64_json"])).size == (1024, 1024)


def test_references_come_as_data_or_by_url_and_can_be_seen_in_the_picture(box: Any) -> None:
    red = Image.new("RGB", (640, 360), (200, 30, 30))
    body = {"base64Data": data_url(red), "uploadPath": "x", "fileName": "red.png"}
    url = box.post("/api/file-base64-upload", body)["data"]["downloadUrl"]
    for image in (data_url(red), [url, data_url(red)]):
        answer = box.ark("golden", model=PRO, size="1K", image=image).json()
        picture = fetched(answer["data"][0]["url"])
        assert picture.size == (1424, 800)
        colour = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))
        assert colour[0] > colour[2] + 40
    assert [row[2] for row in box.charges()] == [9, 9.6]
    assert answer["usage"]["input_images"] == 2


@pytest.mark.parametrize("given", ["http://127.0.0.1:1/no.png", "data:image/png;base64,aGVsbG8="])
def test_a_reference_that_cannot_be_had_is_a_refusal(box: Any, given: str) -> None:
    answer = box.ark(image=given)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "image")
    assert box.get("/sandbox/ledger")["creates"] == []


def test_a_series_is_several_pictures_and_several_prices(box: Any) -> None:
    options = {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 3}}
    body = box.ark(f"x {SMALL}", model=OLD, size="2K", **options).json()
    assert len({item["url"] for item in body["data"]}) == 3
    assert box.charges()[0][2] == 24


def test_an_item_can_fail_among_good_ones_and_alone(box: Any) -> None:
    body = box.ark(f"bokeh {SMALL} [[fault:several=3]] [[fault:item_error]]").json()
    assert ["error" in item for item in body["data"]] == [False, False, True]
    assert body["data"][2]["error"]["code"] == "OutputImageSensitiveContentDetected"
    assert body["usage"]["generated_images"] == 2
    alone = box.ark("bokeh [[fault:item_error=InternalServiceError]]")
    assert (alone.status_code, alone.json()["data"][0]["error"]["code"]) == (200, "InternalServiceError")
    assert [row[2] for row in box.charges()] == [7.2]


def test_a_link_is_good_only_as_it_was_signed_and_wants_no_key(box: Any) -> None:
    url = box.ark(f"bokeh {SMALL}").json()["data"][0]["url"]
    plain = httpx.Client(trust_env=False, verify=False)
    assert plain.get(url).status_code == 200
    assert plain.get(url.partition("?")[0]).status_code == 403
    assert plain.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
    assert plain.get(url.replace("Expires=86400", "Expires=99999999")).status_code == 403
    assert plain.get(url, headers={"Authorization": "Bearer practice-key"}).status_code == 400
    plain.close()


def test_every_answer_names_the_request(box: Any) -> None:
    for answer in (box.ark(SMALL), box.ark(n=2), box.ark("[[fault:refuse=500]]")):
        assert answer.headers["x-request-id"].startswith("02")
    wrong = box.client.post("/ark/api/v3/images/generations", json={}, headers={"Authorization": "Bearer no"})
    error = wrong.json()["error"]
    assert (wrong.status_code, error["code"], error["type"]) == (401, "AuthenticationError", "Unauthorized")
    assert wrong.headers["x-request-id"] in error["message"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("policy_prompt", 400, "InputTextSensitiveContentDetected"),
        ("policy_prompt=InputImageSensitiveContentDetected.PrivacyInformation", 400,
         "InputImageSensitiveContentDetected.PrivacyInformation"),
        ("policy_output=OutputImageSensitiveContentDetected.PolicyViolation", 400,
         "OutputImageSensitiveContentDetected.PolicyViolation"),
        ("http_429=3", 429, "ModelAccountIpmRateLimitExceeded"),
        ("quota", 429, "QuotaExceeded"),
        ("refuse=SetLimitExceeded", 429, "SetLimitExceeded"),
        ("refuse=RequestBurstTooFast", 429, "RequestBurstTooFast"),
        ("refuse=401", 401, "AuthenticationError"),
        ("refuse=402", 403, "AccountOverdueError"),
        ("refuse=404", 404, "ModelNotOpen"),
        ("refuse=500", 500, "InternalServiceError"),
        ("refuse=503", 429, "ServerOverloaded"),
        ("paused", 404, "ModelNotOpen"),
    ],
)  # fmt: skip
def test_every_refusal_can_be_had_and_costs_nothing(box: Any, fault: str, status: int, code: str) -> None:
    answer = box.ark(f"x [[fault:{fault}]]")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("3" if fault == "http_429=3" else None)
    assert box.charges() == []


@pytest.mark.parametrize(
    ("fault", "paid"),
    [("lost_answer", 1), ("http_after=502", 1), ("refuse_after=500", 1), ("lost_request", 0), ("http=503", 0)],
)
def test_an_answer_can_be_lost_before_or_after_the_money(box: Any, fault: str, paid: int) -> None:
    try:
        status = box.ark(f"x {SMALL} [[fault:{fault}]]").status_code
    except httpx.TransportError:
        status = 0
    assert status == int(fault.partition("=")[2] or 0)
    assert len(box.charges()) == paid


def test_shapes_can_be_odd_missing_or_new(box: Any) -> None:
    odd = box.ark(f"x {SMALL} [[fault:odd_types]]").json()
    assert (odd["data"][0]["size"], odd["usage"]["generated_images"], type(odd["created"])) == (None, "1", str)
    assert set(box.ark(f"x {SMALL} [[fault:bare]]").json()) == {"data"}
    extra = box.ark(f"x {SMALL} [[fault:extra_fields]] [[fault:model_version]]").json()
    assert ("a_field_from_next_year" in extra["data"][0], extra["model"]) == (True, "a-version-nobody-announced")
    assert box.ark("x [[fault:no_image]]").json()["data"] == []
    assert len(box.charges()) == 3


def test_pictures_can_differ_from_what_was_asked(box: Any) -> None:
    item = box.ark("bokeh [[fault:other_format]] [[fault:other_size=0.5]]", output_format="png").json()["data"][0]
    picture = fetched(item["url"])
    assert (item["output_format"], picture.format) == ("png", "JPEG")
    assert (item["size"], picture.size) == ("512x512", (512, 512))


def test_a_misfortune_can_be_ordered_for_one_model_of_one_road(box: Any) -> None:
    box.fault("refuse", value="ServerOverloaded", model=OLD, times=1)
    assert box.ark(SMALL).status_code == 200
    assert box.ark(SMALL, model=OLD, size="2K").status_code == 429
    assert box.ark(SMALL, model=OLD, size="2K").status_code == 200
    assert box.get("/sandbox/ledger")["refusals"][0]["provider"] == "ark"


def test_the_whole_provider_can_be_down(box: Any) -> None:
    box.fault("down")
    assert (box.ark().status_code, box.gemini("x").status_code) == (503, 503)
