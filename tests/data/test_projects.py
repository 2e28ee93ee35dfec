"""A request stands in one project or in none, from its first moment on, and what was moved can be put back."""

import pytest
from stores import MODELS, Stores

from data.errors import NotAllowed
from data.marks import Marks, Picked
from data.projects import LONGEST_PROJECT, Projects
from data.query_reading import read
from data.requests import GenerationRequest
from data.search import Search


def asked(stores: Stores, *projects: str | None) -> list[str]:
    requests = [GenerationRequest(MODELS[0], f"a kite {n}", {}, ()) for n in range(len(projects))]
    return [task.id for task in stores.tasks.create(requests, person="ann", projects=projects)]


def of(stores: Stores, task_ids: list[str]) -> list[str | None]:
    return [card.project for card in stores.history.cards(task_ids)]


def test_one_name_is_one_project_however_it_is_written(stores: Stores) -> None:
    tasks = asked(stores, "Frühling 26", None, ' FRÜHLING  "26" ', "春天")
    assert of(stores, tasks) == ["Frühling 26", None, "Frühling 26", "春天"]
    search = Search(stores.db)
    assert search.names().projects == {"frühling 26": "Frühling 26", "春天": "春天"}
    for typed, found in (
        ('project:"frühling 26"', tasks[2::-2]), ("project:春天", tasks[3:]), ("project:none", tasks[1:2]),
        ("-project:春天", tasks[2::-1]),
    ):  # fmt: skip
        reading = search.read(typed)
        assert (list(search.ids(reading.query, "bob")), reading.hints) == (found, ()), typed


def test_what_is_moved_says_so_and_can_be_put_back_where_it_was(stores: Stores) -> None:
    projects, tasks = Projects(stores.db, stores.clock), asked(stores, "Spring", None, "Autumn")
    former, name = projects.move([*tasks, "no such task"], "Autumn", who="bob")
    assert (former, name) == ({tasks[0]: "Spring", tasks[1]: ""}, "Autumn")
    assert of(stores, tasks) == ["Autumn"] * 3
    event = stores.history.detail(tasks[0]).events[-1]
    assert (event.kind, event.who, event.detail) == ("moved", "bob", "Autumn")
    assert stores.history.detail(tasks[2]).events[-1].kind == "created"
    assert projects.put_back(former, "Autumn", who="bob") == 2
    assert of(stores, tasks) == ["Spring", None, "Autumn"]
    assert projects.move(tasks, "", who="bob") == ({tasks[0]: "Spring", tasks[2]: "Autumn"}, "")
    assert stores.history.detail(tasks[2]).events[-1].kind == "moved_out"


def test_undo_leaves_what_somebody_else_has_moved_since_where_they_put_it(stores: Stores) -> None:
    projects, tasks = Projects(stores.db, stores.clock), asked(stores, "Spring", "Spring", None)
    former, _ = projects.move(tasks, "autumn", who="bob")
    projects.move(tasks[:1], "Winter", who="cy")
    projects.move(tasks[2:], "", who="cy")
    assert projects.put_back(former, "AUTUMN", who="bob") == 1
    assert of(stores, tasks) == ["Winter", "Spring", None]
    assert stores.history.detail(tasks[0]).events[-1].who == "cy"
    former, _ = projects.move(tasks, "", who="bob")
    projects.move(tasks[:1], "Winter", who="cy")
    assert (projects.put_back(former, "", who="bob"), of(stores, tasks)) == (1, ["Winter", "Spring", None])


def test_a_name_is_the_same_however_a_keyboard_composes_its_accents(stores: Stores) -> None:
    composed, apart = "Frühling", "Fru\u0308hling"
    tasks = asked(stores, apart, composed)
    search = Search(stores.db)
    assert (of(stores, tasks), search.names().projects) == ([composed] * 2, {"frühling": composed})
    for typed in (f"project:{apart}", f"project:{composed}"):
        reading = search.read(typed)
        assert (search.ids(reading.query, "bob"), reading.hints) == ((tasks[1], tasks[0]), ()), typed
    assert Projects(stores.db, stores.clock).move(tasks, apart, who="bob") == ({}, composed)


def test_a_project_is_there_as_long_as_something_stands_in_it(stores: Stores) -> None:
    projects, search = Projects(stores.db, stores.clock), Search(stores.db)
    (task,) = asked(stores, "Spring")
    projects.move([task], "Autumn", who="ann")
    assert search.names().projects == {"autumn": "Autumn"}
    assert "There is no project “spring”" in search.read("project:spring").hints[0].sentence
    again = asked(stores, "SPRING", "spring")
    assert (search.names().projects["spring"], of(stores, again)) == ("SPRING", ["SPRING"] * 2)
    assert (of(stores, asked(stores, "Spring")), search.names().projects["spring"]) == (["SPRING"], "SPRING")


@pytest.mark.parametrize("name", ['""', "none", "NONE", "x" * (LONGEST_PROJECT + 1)])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_made_or_moved(stores: Stores, name: str) -> None:
    (task,) = asked(stores, "Spring")
    with pytest.raises(NotAllowed, match="Nothing was changed"):
        Projects(stores.db, stores.clock).move([task], name, who="ann")
    with pytest.raises(NotAllowed):
        asked(stores, "Autumn", name)
    assert (stores.history.total(), of(stores, [task])) == (1, ["Spring"])
    assert Search(stores.db).names().projects == {"spring": "Spring"}


def test_what_is_asked_for_again_stays_in_its_project(stores: Stores) -> None:
    tasks = asked(stores, "Spring", None, "Autumn")
    for number in range(3):
        stores.submissions.accepted((claim := stores.claim()).submission_id, f"p{number}")
        stores.fail(claim, f"p{number}", cause="policy")
    again = stores.tasks.retry_failed(stores.card(tasks[0]).batch_id, who="bob").tasks
    assert of(stores, [task.id for task in again]) == ["Spring", None, "Autumn"]
    for task in again:
        stores.tasks.cancel(task.id, who="bob")
    assert of(stores, [stores.tasks.retry(again[0].id, who="bob").id]) == ["Spring"]


def test_a_pick_is_the_teams_and_says_who_was_first(stores: Stores) -> None:
    marks, tasks = Marks(stores.db, stores.clock), asked(stores, None, None)
    first = stores.clock()
    marks.pick(tasks[:1], "ann")
    stores.clock.forward(hours=1)
    marks.pick(tasks, "bob")
    picks = {task_id: marked.pick for task_id, marked in marks.of(tasks, "cy").items()}
    assert {task_id: pick and (pick.person, pick.at) for task_id, pick in picks.items()} == {
        tasks[0]: ("ann", first), tasks[1]: ("bob", stores.clock()),
    }  # fmt: skip
    assert [event.kind for event in stores.history.detail(tasks[0]).events] == ["created", "picked"]
    assert Search(stores.db).ids(read("pick:yes").query, "cy") == (tasks[1], tasks[0])
    former = marks.unpick(tasks[:1], "cy")
    assert (former, marks.unpick(tasks[:1], "cy")) == ({tasks[0]: picks[tasks[0]]}, {})
    assert Search(stores.db).ids(read("pick:no").query, "cy") == (tasks[0],)
    assert [(event.kind, event.who) for event in stores.history.detail(tasks[0]).events][1:] == [
        ("picked", "ann"), ("unpicked", "cy"),
    ]  # fmt: skip
    assert (marks.pick_back(former, "cy"), marks.of(tasks[:1], "cy")[tasks[0]].pick) == (1, Picked("ann", first))
    assert [(event.kind, event.who) for event in stores.history.detail(tasks[0]).events][3:] == [("pick_back", "cy")]
    gone = marks.unpick(tasks, "cy")
    marks.pick(tasks[:1], "dan")
    assert marks.pick_back(gone, "cy") == 1
    assert [marks.of(tasks, "cy")[task].pick for task in tasks] == [
        Picked("dan", stores.clock()), Picked("bob", stores.clock()),
    ]  # fmt: skip
