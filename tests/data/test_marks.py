"""Stars are one's own, tags are the team's, and views are kept as what was typed."""

import pytest
from stores import Stores

from data.errors import NotAllowed, NotFound
from data.marks import LONGEST_TAG, MOST_TAGS, Marked, Marks
from data.preferences import Preferences
from data.query import Query
from data.query_reading import read
from data.saved_views import LONGEST_NAME, SavedViews
from data.search import Search


def test_a_star_is_its_owners_alone(stores: Stores) -> None:
    marks, (one, other) = Marks(stores.db, stores.clock), (stores.task().id, stores.task().id)
    for _ in range(2):
        marks.star([one, "no such task"], "ann")
    assert (marks.of([one, other], "ann"), marks.of([one, other], "bob")) == ({one: Marked(starred=True)}, {})
    assert Search(stores.db).ids(Query(star=True), "bob") == ()
    marks.unstar([one, other], "bob")
    assert marks.of([one], "ann")[one].starred
    marks.unstar([one], "ann")
    assert marks.of([one], "ann") == {}


def test_of_many_it_is_counted_how_many_have_ones_star_and_the_teams_pick(stores: Stores) -> None:
    marks, ids = Marks(stores.db, stores.clock), [stores.task().id for _ in range(3)]
    marks.star(ids[:2], "ann")
    marks.pick(ids[:1], "bob")
    assert (marks.count(ids, "ann"), marks.count(ids, "bob"), marks.count(ids[2:], "ann")) == ((2, 1), (0, 1), (0, 0))


def test_a_tag_is_seen_and_taken_away_by_everybody(stores: Stores) -> None:
    marks, task = Marks(stores.db, stores.clock), stores.task().id
    assert marks.tag([task], ' Red  "Car" ', "ann") == "red car"
    assert marks.tag([task], "red car", "bob") == "red car"
    marks.tag([task], "海报", "bob")
    assert marks.of([task], "cy") == {task: Marked(tags=("red car", "海报"))}
    assert Search(stores.db).ids(Search(stores.db).read('tag:"RED CAR"').query, "cy") == (task,)
    marks.untag([task], "Red Car")
    assert marks.of([task], "ann")[task].tags == ("海报",)


@pytest.mark.parametrize("name", ["", '""', "x" * (LONGEST_TAG + 1)])
def test_a_tag_that_nobody_could_read_is_refused(stores: Stores, name: str) -> None:
    with pytest.raises(NotAllowed, match="Nothing was changed"):
        Marks(stores.db, stores.clock).tag([stores.task().id], name, "ann")


def test_too_many_tags_are_refused_and_none_of_the_tasks_is_tagged(stores: Stores) -> None:
    marks, (full, empty) = Marks(stores.db, stores.clock), (stores.task().id, stores.task().id)
    for number in range(MOST_TAGS):
        marks.tag([full], f"tag {number}", "ann")
    with pytest.raises(NotAllowed, match="at most 20"):
        marks.tag([empty, full], "one more", "ann")
    assert marks.of([empty], "ann") == {}


def test_the_tags_of_several_tasks_are_counted(stores: Stores) -> None:
    marks, (one, other) = Marks(stores.db, stores.clock), (stores.task().id, stores.task().id)
    marks.tag([one, other], "poster", "ann")
    marks.tag([one], "car", "bob")
    assert list(marks.tags_of([one, other, "no such task"]).items()) == [("car", 1), ("poster", 2)]


def test_a_view_gets_another_name_and_never_one_that_is_taken(stores: Stores) -> None:
    views = SavedViews(stores.db)
    views.save("ann", "cars", Query(star=True))
    views.save("ann", "kites", Query())
    with pytest.raises(NotAllowed, match="Another"):
        views.rename("ann", "cars", "kites")
    with pytest.raises(NotFound):
        views.rename("bob", "cars", "boats")
    assert views.rename("ann", "cars", " Dear  cars ") == "Dear cars"
    assert views.rename("ann", "kites", "kites") == "kites"
    assert views.all("ann") == {"Dear cars": Query(star=True), "kites": Query()}


def test_a_view_is_kept_under_its_name_for_one_person(stores: Stores) -> None:
    views = SavedViews(stores.db)
    query = read('"red car" model:seedream -by:me cost:>4').query
    assert views.save("ann", " Dear  cars ", query) == "Dear cars"
    views.save("ann", "100% _", Query())
    Preferences(stores.db).remember("ann", theme="dark")
    assert views.all("ann") == {"100% _": Query(), "Dear cars": query}
    assert views.all("bob") == {}
    views.save("ann", "Dear cars", Query(star=True))
    views.forget("ann", "100% _")
    views.forget("bob", "Dear cars")
    assert views.all("ann") == {"Dear cars": Query(star=True)}
    assert Preferences(stores.db).all("ann")["theme"] == "dark"
    with pytest.raises(NotAllowed):
        views.save("ann", "x" * (LONGEST_NAME + 1), query)
