"""A picture named by its address is taken from a real server as an upload is, or refused in a sentence."""

import asyncio
import logging
import socket
from contextlib import AbstractContextManager
from datetime import timedelta
from hashlib import sha256
from threading import Thread
from typing import Any

import pytest
from bench import Bench
from pictures import animated_gif, phone_jpeg, png
from shelf import Shelf
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from callback_server.download import Downloader
from callback_server.settings import ServerSettings
from callback_server.workers.linker import Linker
from callback_server.workers.loop import survive
from data.errors import StorageError
from data.linked import TRIES, Linked, LinkedPictures
from data.schema import LinkedPicture
from data.shrinking import UPLOAD_MB, Fit
from data.storage import picture_key

FIT = Fit(10_000_000, 64_000_000)
TOKEN = "a-secret-of-anns"


def asked(bench: Bench, address: str, *, fit: Fit = FIT, allowed: str = "", most: int = 10**7) -> Linked:
    """What has become of this address after one step of the worker."""
    linked = LinkedPictures(bench.stores.db, bench.stores.clock)
    wish, _ = linked.ask("ann", address, fit)
    host, _, port = allowed.partition(":")
    exceptions = {(host, int(port))} if allowed else ()

    async def scenario() -> None:
        downloader = Downloader(max_bytes=most, seconds=0.5, exceptions=exceptions)
        linker = Linker(linked, bench.artifacts, downloader, bench.lamps)
        assert await linker.step()
        assert not await linker.step()
        await downloader.aclose()

    asyncio.run(scenario())
    return linked.found([wish])[wish]


def test_a_picture_is_decoded_turned_upright_and_stored_as_an_upload_is(bench: Bench, shelf: Shelf) -> None:
    shelf.answers["/phone.jpg"] = [(200, phone_jpeg())]
    found = asked(bench, f"http://{shelf.address}/phone.jpg?token={TOKEN}", allowed=shelf.address)
    upload = bench.artifacts.take_reference(phone_jpeg(), "phone.jpg")
    assert (found.image, found.refusal) == (upload, None)
    assert "rotated upright" in (upload.note or "")


def test_a_picture_too_large_for_the_chosen_models_is_made_smaller_and_says_so(bench: Bench, shelf: Shelf) -> None:
    shelf.answers["/a.png"] = [(200, png(1200, 900))]
    image = asked(bench, f"http://{shelf.address}/a.png", allowed=shelf.address, fit=Fit(10**7, 270_000)).image
    assert image is not None
    assert image.width * image.height <= 270_000
    assert "made" in (image.note or "")


REFUSED = {
    "a web page": ((200, b"<!doctype html><p>Sign in"), "is a web page, not a picture. Nothing was charged."),
    "a GIF": ((200, animated_gif()), "is a GIF, which cannot be used here. Nothing was charged."),
    "gone": ((404, b""), "could not be fetched. The file is not there, or not for everybody (HTTP 404). Nothing was"),
    "forbidden": ((403, b""), "could not be fetched. The file is not there, or not for everybody (HTTP 403)."),
    "a server in trouble": ((503, b""), "could not be fetched. The file's server answered 503. Nothing was charged."),
    "too large": ((200, b"x" * 20_000), "could not be fetched. The file is larger than 0.01 MB. Nothing was charged."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_used_is_refused_in_a_sentence(bench: Bench, shelf: Shelf, what: str) -> None:
    answer, sentence = REFUSED[what]
    shelf.answers["/a.png"] = [answer]
    found = asked(bench, f"http://{shelf.address}/a.png?token={TOKEN}", allowed=shelf.address, most=10_000)
    assert found.image is None
    assert f"a.png {sentence}" in (found.refusal or "")
    assert TOKEN not in (found.refusal or "")


def test_our_own_network_is_never_asked(bench: Bench, shelf: Shelf) -> None:
    for address in (f"http://{shelf.address}/a.png", "http://127.0.0.1/a.png", "http://169.254.169.254/latest/"):
        found = asked(bench, address)
        assert any(why in (found.refusal or "") for why in ("leads into a private network", "not fetched from port"))
        assert "Nothing was charged. Save the picture and upload it." in (found.refusal or "")


def test_a_host_that_nobody_knows_is_named(bench: Bench) -> None:
    said = asked(bench, "http://no-such-host.invalid/a.png").refusal or ""
    assert "There is no server of the name no-such-host.invalid" in said
    assert "Nothing was charged. Look whether the address is right" in said


def test_a_server_that_takes_too_long_is_left(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        said = asked(bench, f"http://{address}/a.png", allowed=address).refusal or ""
    assert "The file did not arrive within 0.5 s. Nothing was charged." in said


def named(bench: Bench, address: str, **settings: Any) -> str:
    """What a worker of these settings says when it is told of this address and cannot have the picture."""
    linked = LinkedPictures(bench.stores.db, bench.stores.clock)
    wish, _ = linked.ask("ann", address, FIT)

    async def scenario() -> None:
        found = ServerSettings(_env_file=None, state_dir=bench.folder, **settings)
        linker = Linker.from_settings(found, linked, bench.artifacts, bench.lamps)
        assert await linker.step()
        await linker.downloader.aclose()

    asyncio.run(scenario())
    return linked.found([wish])[wish].refusal or ""


def test_a_file_is_taken_up_to_the_size_of_an_upload(bench: Bench) -> None:
    """Seen by what its server announces: too much is refused at once, the rest begins, and here it breaks off."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        def says(size: int) -> str:
            thread = Thread(target=_announce, args=(server, size))
            thread.start()
            said = named(bench, f"http://{address}/a.png", download_allow_hosts=address)
            thread.join()
            return said

        assert "The connection failed." in says(UPLOAD_MB * 1_000_000)
        assert f"The file is larger than {UPLOAD_MB} MB." in says(UPLOAD_MB * 1_000_000 + 1)


def _announce(server: socket.socket, size: int) -> None:
    """Answers one request with a length, and with a single byte."""
    connection, _ = server.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\nx".encode())


def test_the_stand_in_for_the_provider_is_as_closed_to_an_address_as_any_port_of_ours(
    bench: Bench, shelf: Shelf
) -> None:
    """Results are fetched from it in practice; what a person names is not."""
    shelf.answers["/a.png"] = [(200, png())]
    port = int(shelf.address.partition(":")[2])
    assert f"Files are not fetched from port {port}." in named(
        bench, f"http://{shelf.address}/a.png", sandbox_port=port
    )


def test_a_full_disk_is_told_and_lights_its_lamp(bench: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(bench.storage, "put", full)
    shelf.answers["/a.png"] = [(200, png())]
    said = asked(bench, f"http://{shelf.address}/a.png", allowed=shelf.address).refusal or ""
    assert "could not be fetched. The disk is full. Nothing was charged." in said
    assert not bench.board.all()["storage"].ok


def test_a_full_disk_is_told_though_it_holds_the_database_too(
    bench: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing can be written the refusal waits; a lamp that stays dark then takes nothing of it back."""
    begin, refused = bench.stores.db.transaction, []

    def full(*_: object, **__: object) -> None:
        monkeypatch.setattr(bench.stores.db, "transaction", refuses)
        raise StorageError("The disk is full.")

    def refuses() -> AbstractContextManager[Session]:
        if len(refused) == 2:
            monkeypatch.setattr(bench.stores.db, "transaction", begin)
        refused.append(1)
        raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

    def dark(*_: object, **__: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(bench.storage, "put", full)
    monkeypatch.setattr(bench.board, "report", dark)
    shelf.answers["/a.png"] = [(200, png())]
    linked = LinkedPictures(bench.stores.db, bench.stores.clock)
    wish, _ = linked.ask("ann", f"http://{shelf.address}/a.png", FIT)
    host, _, port = shelf.address.partition(":")

    async def scenario() -> None:
        downloader = Downloader(max_bytes=10**7, seconds=5, exceptions={(host, int(port))})
        await survive("link", Linker(linked, bench.artifacts, downloader, bench.lamps).step)
        await downloader.aclose()

    asyncio.run(scenario())
    assert len(refused) == 3
    assert "could not be fetched. The disk is full. Nothing was charged." in (linked.found([wish])[wish].refusal or "")
    assert bench.lamps.storage_refuses, "the regular look lights the lamp"


def test_no_address_is_logged_and_none_is_kept(bench: Bench, shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    shelf.answers["/a.png"] = [(200, png())]
    with caplog.at_level(logging.DEBUG):
        for address in (f"http://{shelf.address}/a.png", "http://no-such-host.invalid/a.png", "http://10.0.0.7/a.png"):
            asked(bench, f"{address}?token={TOKEN}", allowed=shelf.address)
    assert TOKEN not in caplog.text
    with bench.stores.db.read() as session:
        assert [row.url for row in session.exec(select(LinkedPicture))] == [None] * 3


class Waiting(Downloader):
    async def fetch(self, url: str) -> bytes:
        await asyncio.sleep(60)
        return await super().fetch(url)


def test_a_slow_picture_that_is_taken_out_of_the_form_holds_up_nothing(bench: Bench) -> None:
    linked = LinkedPictures(bench.stores.db, bench.stores.clock)
    slow, right = (linked.ask("ann", f"https://h.example/{name}.png", FIT)[0] for name in ("slow", "right"))

    async def scenario() -> None:
        downloader = Waiting(max_bytes=10**7, seconds=90)
        step = asyncio.create_task(Linker(linked, bench.artifacts, downloader, bench.lamps).step())
        await asyncio.sleep(1.2)
        assert linked.claim(timedelta(seconds=60)) is None, "it is on its way"
        linked.forget("ann", slow)
        assert await asyncio.wait_for(step, 10)
        await downloader.aclose()

    asyncio.run(scenario())
    errand = linked.claim(timedelta(seconds=60))
    assert errand is not None
    assert (errand.id, linked.found([slow])) == (right, {})


def test_a_server_that_is_stopped_over_a_picture_leaves_it_to_the_next_at_once(bench: Bench, shelf: Shelf) -> None:
    shelf.answers["/a.png"] = [(200, png())]
    linked = LinkedPictures(bench.stores.db, bench.stores.clock)

    async def scenario() -> None:
        downloader = Waiting(max_bytes=10**7, seconds=90)
        step = asyncio.create_task(Linker(linked, bench.artifacts, downloader, bench.lamps).step())
        await asyncio.sleep(0.3)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        await downloader.aclose()

    wish, _ = linked.ask("ann", f"http://{shelf.address}/a.png", FIT)
    for _ in range(TRIES + 1):  # being stopped is no try
        asyncio.run(scenario())
    errand = linked.claim(timedelta(seconds=60))
    assert errand is not None
    assert errand.id == wish


def test_what_was_taken_out_of_the_form_while_it_came_ends_in_nothing(bench: Bench, shelf: Shelf) -> None:
    shelf.answers["/a.png"] = [(200, png())]
    linked = LinkedPictures(bench.stores.db, bench.stores.clock)
    wish, _ = linked.ask("ann", f"http://{shelf.address}/a.png", FIT)

    class Impatient(Downloader):
        async def fetch(self, url: str) -> bytes:
            linked.forget("ann", wish)
            return await super().fetch(url)

    async def scenario() -> None:
        host, _, port = shelf.address.partition(":")
        downloader = Impatient(max_bytes=10**7, seconds=5, exceptions={(host, int(port))})
        assert await Linker(linked, bench.artifacts, downloader, bench.lamps).step()
        await downloader.aclose()

    asyncio.run(scenario())
    assert linked.found([wish]) == {}
    assert bench.storage.exists(picture_key(sha256(png()).hexdigest())), "its file goes with the litter"
