"""A copy with settings promises: the same pixels, and in a packet that any XML parser reads, what was asked for."""

import hashlib
import json
import struct
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pictures
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from data import clean, sidecar, xmp
from data.errors import InvalidImage
from data.history import Card, Picture
from data.images import StoredImage
from data.status import TaskStatus
from data.xmp import NAMESPACES

WHEN = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)
PLAIN = "a red kite over dunes"


def card(prompt: str = PLAIN, **params: object) -> Card:
    return Card(
        "0193-task", 7, "0193-batch", "ann", "google/nano-banana", prompt, dict(params), TaskStatus.SUCCEEDED, WHEN,
        WHEN, WHEN, None, None, 1, None, None, 4_000_000, 4_500_000, 4_500_000, None, (PICTURE,),
    )  # fmt: skip


PICTURE = Picture("ab" * 32, "image/png", 640, 480, 1234)
REFERENCE = StoredImage("cd" * 32, "image/jpeg", 64, 48, 99, "a private name.jpg")


def facts(prompt: str = PLAIN, **params: object) -> dict[str, Any]:
    return sidecar.facts(card(prompt, **params), PICTURE, [REFERENCE])


def properties(packet: bytes | str) -> dict[str, str]:
    """The properties of a packet by qualified name, as an XML parser reads them."""
    root = ElementTree.fromstring(packet)
    (described,) = root.iter(f"{{{NAMESPACES['rdf']}}}Description")
    prefix = {uri: name for name, uri in NAMESPACES.items()}
    return {
        f"{prefix[one.tag[1:].split('}')[0]]}:{one.tag.split('}')[1]}": "".join(one.itertext()) for one in described
    }


def jpeg_segments(data: bytes) -> list[bytes]:
    """Bodies of the APP1 segments before the scan."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        size = struct.unpack_from(">H", data, at + 2)[0]
        if data[at + 1] == 0xE1:
            found.append(data[at + 4 : at + 2 + size])
        at += 2 + size
    return found


def extended(data: bytes) -> dict[str, str]:
    """The properties of a JPEG's extended packet, put together as the specification says."""
    main = properties(Image.open(BytesIO(data)).info["xmp"])
    sign, whole = b"http://ns.adobe.com/xmp/extension/\0", b""
    for body in (body for body in jpeg_segments(data) if body.startswith(sign)):
        name, total, place = struct.unpack_from(">32sLL", body, len(sign))
        assert (name.decode(), place) == (main["xmpNote:HasExtendedXMP"], len(whole))
        whole += body[len(sign) + 40 :]
    assert (len(whole), hashlib.md5(whole).hexdigest().upper()) == (total, main["xmpNote:HasExtendedXMP"])
    return properties(whole)


MAKE = {
    "png": pictures.png, "transparent png": pictures.transparent_png, "animated png": pictures.animated_png,
    "deep png": pictures.deep_png, "jpeg": pictures.jpeg, "turned jpeg": pictures.phone_jpeg,
    "cmyk jpeg": pictures.cmyk_jpeg, "webp": pictures.webp, "animated webp": pictures.animated_webp,
    "lossless webp": lambda: pictures.encoded(pictures.scene(), "WEBP", lossless=True),
    "lossless transparent webp": lambda: pictures.encoded(pictures.scene(mode="RGBA"), "WEBP", lossless=True),
    "turned webp": lambda: pictures.encoded(pictures.scene(), "WEBP", exif=b"Exif\0\0" + struct.pack(
        ">2sHLHHHLHHL", b"MM", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("kind", MAKE)
def test_a_copy_tells_what_was_asked_for_and_has_the_same_pixels_the_same_way_up(kind: str) -> None:
    data = MAKE[kind]()
    copy, mime = xmp.told(data, facts(quality="2K"))
    with Image.open(BytesIO(data)) as before, Image.open(BytesIO(copy)) as after:
        assert (after.format, after.mode, after.size) == (before.format, before.mode, before.size)
        assert mime == f"image/{str(after.format).lower()}"
        for frame in range(getattr(before, "n_frames", 1)):
            before.seek(frame)
            after.seek(frame)
            assert after.tobytes() == before.tobytes()
        assert after.getexif().get(0x0112, 1) == before.getexif().get(0x0112, 1)
        after.seek(0)
        said = properties(after.info["xmp"])
    assert said["dc:description"] == said["Iptc4xmpExt:AIPromptInformation"] == PLAIN
    assert said["Iptc4xmpExt:DigitalSourceType"].endswith("/newscodes/digitalsourcetype/trainedAlgorithmicMedia")
    assert (said["xmp:CreatorTool"], said["xmp:CreateDate"]) == ("Picture Desk", "2026-11-28T01:30:00+00:00")
    assert (said["Iptc4xmpExt:AISystemUsed"], said["desk:Model"]) == ("Nano Banana", "google/nano-banana")
    assert (said["desk:Credits"], said["desk:TaskID"]) == ("4.5", "0193-task")
    assert json.loads(said["desk:Parameters"]) == {"quality": "2K"}
    assert json.loads(said["desk:References"]) == [
        {"sha256": "cd" * 32, "mime": "image/jpeg", "width": 64, "height": 48}
    ]
    assert len(copy) <= xmp.most(len(data), facts(quality="2K"))


def test_nobody_is_named_neither_who_asked_nor_what_their_files_are_called() -> None:
    for told in (xmp.packet(facts()), sidecar.to_json(facts())):
        assert b"ann" not in told.replace(b"nano-banana", b"")
        assert b"private" not in told


def test_provenance_that_would_no_longer_be_true_is_not_carried_over_and_no_packet_stands_twice() -> None:
    data = pictures.encoded(pictures.scene(), "PNG")
    first = xmp.told(data, facts("an older prompt"))[0]
    signed = first[:33] + pictures.png_chunk(b"caBX", b"a claim over these bytes") + first[33:]
    copy = xmp.told(signed, facts())[0]
    assert b"claim" not in copy
    assert b"older" not in copy
    assert copy.count(b"XML:com.adobe.xmp") == 1


@given(st.text() | st.text(st.characters(categories=("Cs", "Cc"))), st.sampled_from(["png", "jpeg", "webp"]))
@example("]]><![CDATA[ & <x> \"'", "png")
@example("a\0b\ud800c\ufffe\r\nd\te\x1b", "jpeg")
@example('<?xpacket end="w"?></rdf:RDF>&amp;&#0;', "webp")
def test_whatever_a_prompt_holds_the_packet_can_be_read_and_says_all_that_xml_can(prompt: str, kind: str) -> None:
    said = properties(Image.open(BytesIO(xmp.told(MAKE[kind](), facts(prompt, seed=prompt))[0])).info["xmp"])
    writable = [c if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
                else "\ufffd" for c in prompt]  # fmt: skip
    assert said.get("Iptc4xmpExt:AIPromptInformation", "") == "".join(writable)
    assert json.loads(sidecar.to_json(facts(prompt)))["prompt"] == prompt.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("prompt", ["k" * 70_000, "风" * 20_000, "\0" * 90_000, "<" * 30_000])
def test_a_prompt_longer_than_a_segment_of_a_jpeg_is_cut_where_viewers_look_and_whole_in_the_extension(
    prompt: str,
) -> None:
    data = pictures.phone_jpeg()
    copy, _ = xmp.told(data, facts(prompt, note=prompt))
    with Image.open(BytesIO(data)) as before, Image.open(BytesIO(copy)) as after:
        assert after.tobytes() == before.tobytes()
        main = properties(after.info["xmp"])
    shown = prompt.replace("\0", "\ufffd")
    assert main["dc:description"] == shown[:1000] + "…"
    rest = extended(copy)
    assert rest["Iptc4xmpExt:AIPromptInformation"] == shown
    assert json.loads(rest["desk:Parameters"]) == {"note": prompt}
    assert not main.keys() & rest.keys()
    assert len(copy) <= xmp.most(len(data), facts(prompt, note=prompt))
    assert properties(Image.open(BytesIO(xmp.told(pictures.png(), facts(prompt))[0])).info["xmp"])[
        "dc:description"
    ] == shown  # fmt: skip


@given(st.sampled_from(["png", "jpeg", "webp", "turned jpeg"]), st.integers(2, 400), st.binary(min_size=1, max_size=4))
def test_a_broken_picture_is_refused_or_told_within_the_foreseen_length(kind: str, at: int, junk: bytes) -> None:
    data = MAKE[kind]()
    for broken in (data[:at], data[:at] + junk + data[at + len(junk) :]):
        try:
            copy = xmp.told(broken, facts())[0]
        except InvalidImage:
            continue
        assert len(copy) <= xmp.most(len(broken), facts())
        assert len(clean.cleaned(broken)[0]) <= len(broken) + clean.LONGER


def test_what_has_no_place_for_it_is_refused() -> None:
    with pytest.raises(InvalidImage):
        xmp.told(pictures.avif(64, 64), facts())


def test_a_charge_that_nobody_knows_is_no_zero() -> None:
    doubtful = replace(card(), charged_micro=0, booked_micro=4_000_000)
    assert sidecar.facts(doubtful, PICTURE)["credits"] is None
    assert "desk:Credits" not in properties(xmp.packet(sidecar.facts(doubtful, PICTURE)))
