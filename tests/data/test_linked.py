"""Pictures named by their address: each is fetched once, one at a time for a person, and its address is forgotten."""

import threading
from datetime import timedelta

import pytest
from sqlmodel import select
from stores import Stores, picture

from data.errors import InvalidRequest, NotAllowed
from data.linked import MOST_WAITING, TRIES, Linked, LinkedPictures, LinkErrand, web_address
from data.news import News
from data.schema import LinkedPicture
from data.shrinking import Fit

LEASE = timedelta(seconds=60)
FIT = Fit(10_000_000, 64_000_000)
SECRET = "https://pictures.example/shelf/cat.png?token=of-ann"


@pytest.fixture
def linked(stores: Stores) -> LinkedPictures:
    return LinkedPictures(stores.db, stores.clock)


def claimed(linked: LinkedPictures) -> LinkErrand:
    errand = linked.claim(LEASE)
    assert errand is not None
    return errand


def test_what_was_asked_for_is_fetched_once_and_found_with_its_name(linked: LinkedPictures) -> None:
    wish, name = linked.ask("ann", SECRET, FIT)
    assert linked.found([wish]) == {wish: Linked("cat.png", None, None)}
    assert linked.claim(LEASE) == LinkErrand(wish, SECRET, "cat.png", FIT, attempt=1)
    assert linked.claim(LEASE) is None
    assert linked.arrived(wish, picture())
    assert linked.found([wish, "another"]) == {wish: Linked(name, picture(), None)}
    assert not linked.failed(wish, "too late"), "whoever comes second changes nothing"
    assert linked.found([wish])[wish].refusal is None


def test_an_address_is_gone_from_the_database_once_it_was_tried(stores: Stores, linked: LinkedPictures) -> None:
    ids = [linked.ask("ann", SECRET, FIT)[0] for _ in range(3)]
    linked.arrived(claimed(linked).id, picture())
    linked.failed(claimed(linked).id, "It is a web page.")
    with stores.db.read() as session:
        rows = {row.id: row for row in session.exec(select(LinkedPicture))}
    assert [rows[one].url for one in ids] == [None, None, SECRET]
    assert not any("token" in repr(rows[one]) for one in ids[:2])


def test_of_a_person_one_is_fetched_at_a_time_in_order_and_nobody_waits_for_another(linked: LinkedPictures) -> None:
    anns = [linked.ask("ann", SECRET, FIT)[0] for _ in range(2)]
    bens = linked.ask("ben", SECRET, FIT)[0]
    assert [claimed(linked).id, claimed(linked).id, linked.claim(LEASE)] == [anns[0], bens, None]
    linked.failed(anns[0], "no")
    assert [claimed(linked).id, linked.claim(LEASE)] == [anns[1], None]


def test_whoever_was_served_longest_ago_is_next_however_much_others_have_asked_for(
    stores: Stores, linked: LinkedPictures
) -> None:
    for person in ("ann", "ben"):
        for _ in range(MOST_WAITING):
            linked.ask(person, SECRET, FIT)
            stores.clock.forward(seconds=0.01)
    cleo = [linked.ask("cleo", SECRET, FIT)[0] for _ in range(2)]
    under_way = [claimed(linked), claimed(linked)]
    turns = []
    for _ in range(6):
        stores.clock.forward(seconds=30)
        linked.failed(under_way.pop(0).id, "It took too long.")
        under_way.append(claimed(linked))
        turns.append(cleo.index(under_way[-1].id) if under_way[-1].id in cleo else "another's")
    assert turns == [0, "another's", "another's", 1, "another's", "another's"]


def test_two_servers_at_once_never_fetch_two_for_one_person(linked: LinkedPictures) -> None:
    for _ in range(MOST_WAITING):
        linked.ask("ann", SECRET, FIT)
    taken: list[LinkErrand | None] = []
    threads = [threading.Thread(target=lambda: taken.append(linked.claim(LEASE))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([errand for errand in taken if errand is not None]) == 1


def test_a_server_that_dies_over_it_is_replaced_and_a_picture_that_kills_them_all_is_given_up(
    stores: Stores, linked: LinkedPictures
) -> None:
    wish, _ = linked.ask("ann", SECRET, FIT)
    for _ in range(TRIES):
        assert claimed(linked).id == wish
        assert linked.claim(LEASE) is None
        stores.clock.forward(seconds=61)
    assert linked.claim(LEASE) is None
    said = linked.found([wish])[wish].refusal or ""
    assert said.startswith("cat.png could not be fetched")
    assert "Nothing was charged." in said


def test_what_is_taken_out_again_is_not_fetched_and_its_end_changes_nothing(linked: LinkedPictures) -> None:
    gone, under_way = (linked.ask("ann", SECRET, FIT)[0] for _ in range(2))
    linked.forget("ben", gone)
    assert gone in linked.found([gone]), "it is another person's"
    linked.forget("ann", gone)
    assert claimed(linked).id == under_way
    linked.forget("ann", under_way)
    assert not linked.arrived(under_way, picture())
    assert linked.found([gone, under_way]) == {}


def test_what_is_taken_out_while_it_is_fetched_holds_its_persons_turn_until_that_ends(
    stores: Stores, linked: LinkedPictures
) -> None:
    wishes = [linked.ask("ann", SECRET, FIT)[0] for _ in range(MOST_WAITING)]
    errand = claimed(linked)
    linked.forget("ann", errand.id)
    assert (linked.found([errand.id]), linked.claim(LEASE)) == ({}, None)
    wishes.append(linked.ask("ann", SECRET, FIT)[0])  # one less is waited for
    with stores.db.read() as session:
        assert not any("token" in repr(row) for row in session.exec(select(LinkedPicture)) if row.id == errand.id)
    assert not linked.arrived(errand.id, picture())
    assert linked.found([errand.id]) == {}
    errand = claimed(linked)
    linked.forget("ann", errand.id)
    stores.clock.forward(seconds=59)
    assert linked.claim(LEASE) is None
    stores.clock.forward(seconds=1)  # its server has died
    assert claimed(linked).id == wishes[2]
    assert linked.found(wishes[:2]) == {}


def test_a_server_that_stops_late_takes_nothing_from_whoever_has_taken_over(
    stores: Stores, linked: LinkedPictures
) -> None:
    linked.ask("ann", SECRET, FIT)
    late = claimed(linked)
    stores.clock.forward(seconds=61)
    second = claimed(linked)
    linked.give_back(late)
    assert linked.claim(LEASE) is None, "two would fetch it"
    linked.give_back(second)
    third = claimed(linked)
    assert (late.attempt, second.attempt, third.attempt) == (1, 2, 2)


def test_so_many_wait_for_one_person_and_no_more(linked: LinkedPictures) -> None:
    for _ in range(MOST_WAITING):
        linked.ask("ann", SECRET, FIT)
    with pytest.raises(NotAllowed, match=r"20 pictures are being fetched for you already\. Nothing was charged\."):
        linked.ask("ann", SECRET, FIT)
    linked.ask("ben", SECRET, FIT)
    linked.failed(claimed(linked).id, "no")
    linked.ask("ann", SECRET, FIT)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" https://h.example/a.png\n", "https://h.example/a.png"),
        ("HTTP://h.example/a", "HTTP://h.example/a"),
        ("h.example/a.png", "https://h.example/a.png"),
    ],
)
def test_an_address_is_taken_as_people_copy_it(typed: str, address: str) -> None:
    assert web_address(typed) == address


@pytest.mark.parametrize(
    "typed",
    ["", "a red kite", "cat.png", "file:///etc/passwd", "ftp://h.example/a.png", "data:image/png;base64,AAAA",
     "https://", "https://[x/", "https://h.example/a b.png", "https://h.example/" + "a" * 4000],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(InvalidRequest, match=r"not the address of a picture on the web\. Nothing was charged\."):
        web_address(typed)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://h.example/a%20cat.png?x=1", "a cat.png"),
        ("https://h.example/share/Zm9vYmFyLXRva2Vu", "h.example"),
        ("https://h.example/", "h.example"),
        ("https://h.example/IMG_0001.JPEG", "IMG_0001.JPEG"),
        ("https://h.example/photo@2x.webp#top", "photo@2x.webp"),
        ("https://h.example/img;jsessionid=0A1B.node1", "h.example"),
        ("https://h.example/cat.png;jsessionid=0A1B", "h.example"),
        ("https://h.example/a%3Ftoken%3Dsecret.png", "h.example"),
        ("https://h.example/a%253Ftoken%253Dsecret.png", "h.example"),
        ("https://h.example/sk_live_51Habc.def12", "h.example"),
    ],
)
def test_a_picture_is_called_by_its_file_or_its_host_and_never_by_what_may_be_a_token(
    linked: LinkedPictures, address: str, name: str
) -> None:
    assert linked.ask("ann", address, FIT)[1] == name


def test_whoever_waits_for_a_picture_and_nobody_else_is_told_once_when_it_is_settled(stores: Stores) -> None:
    linked, news = LinkedPictures(stores.db), News(stores.db)
    linked.ask("ann", SECRET, FIT)
    linked.ask("ben", SECRET, FIT)
    assert news.take() == frozenset()
    linked.arrived(claimed(linked).id, picture())
    assert (news.take(), news.take()) == ({"ann"}, frozenset())
    linked.failed(claimed(linked).id, "no")
    assert (news.take(), news.take()) == ({"ben"}, frozenset())
