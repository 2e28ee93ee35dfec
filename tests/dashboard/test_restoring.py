"""What screens say of a picture whose file is gone from storage, from the press that asks for it again to its end."""

from datetime import timedelta
from typing import Any

from pictures import png
from room import Room, drawn, tell

from dashboard.components.formats import literal
from data.removal import Removal


def lost(room: Room) -> tuple[str, str]:
    """A finished task whose file was taken away: its id, and the file's SHA-256."""
    room.say_hello()
    task = room.ask("a boat")
    room.done()
    (row,) = room.history.detail(task.id).outputs
    room.artifacts.original_path(row.sha256).unlink()
    return task.id, row.sha256


def said(room: Room, task_id: str) -> tuple[str, list[str]]:
    """The sentence of the drawer, and the labels of what may be done about the file."""
    sheet = drawn(room.open("history", task=task_id), "sheet")
    return sheet["say"], [each["label"] for each in sheet["actions"] if each["act"] == "restore_file"]


def in_vain(room: Room) -> None:
    """The provider does not have it."""
    errand = room.errands.claim_fetch(timedelta(seconds=60))
    assert errand is not None
    assert room.errands.fetched(errand.submission_id, attempt=errand.attempt, missing=[0])


def toasts(app: Any) -> list[str]:
    return [toast.value for toast in app.toast]


def test_a_restore_is_offered_once_then_under_way_then_over(form_room: Room) -> None:
    task_id, sha256 = lost(form_room)
    say, offered = said(form_room, task_id)
    assert "The provider keeps it for 14 more days" in say
    assert offered == ["Restore from provider (free)"]
    app = form_room.open("history", task=task_id)
    app = tell(app, "gallery", "missing", sha256)
    assert drawn(app, "gallery")["items"][0]["missing"] == "File missing — restore from provider (14 days left)"
    for _ in range(2):
        app = tell(app, "sheet", "restore_file", task_id)
    assert form_room.history.detail(task_id).events[-1].kind == "download_again"
    assert [event.kind for event in form_room.history.detail(task_id).events].count("download_again") == 1
    assert drawn(app, "gallery")["items"][0]["missing"] == "File missing — it is being fetched again"
    say, offered = said(form_room, task_id)
    assert "It is being fetched from the provider again, free" in say
    assert offered == []
    in_vain(form_room)
    say, offered = said(form_room, task_id)
    assert "it did not come" in say
    assert "14 more days" not in say
    assert offered == ["Ask the provider again (free)"]
    assert drawn(app.run(), "gallery")["items"][0]["missing"] == "File missing"


def test_a_press_after_the_file_is_back_says_so(form_room: Room) -> None:
    task_id, sha256 = lost(form_room)
    app = form_room.open("history", task=task_id)
    assert form_room.artifacts.store_output(png(64, 64)).sha256 == sha256
    app = tell(app, "sheet", "restore_file", task_id)
    assert toasts(app) == [literal("The file is here again already.")]
    assert not form_room.errands.due().fetches


def test_a_file_that_another_came_in_the_place_of_is_asked_for_no_more(form_room: Room) -> None:
    task_id, _ = lost(form_room)
    app = form_room.open("history", task=task_id)
    tell(app, "sheet", "restore_file", task_id)
    errand = form_room.errands.claim_fetch(timedelta(seconds=60))
    assert errand is not None
    other = form_room.artifacts.store_output(png(80, 64))
    form_room.errands.restored(errand.submission_id, 0, other)
    assert form_room.errands.fetched(errand.submission_id, attempt=errand.attempt)
    sheet = drawn(form_room.open("history", task=task_id), "sheet")
    assert "missing" not in sheet["say"]
    assert "restore_file" not in [each["act"] for each in sheet["actions"]]
    assert [each["gone"] for each in sheet["pictures"]] == [False, True], "what is there stands first"
    assert drawn(form_room.open("history"), "gallery")["items"][0]["sha"] == other.sha256


def test_storage_that_cannot_be_read_is_said_and_nothing_breaks(form_room: Room) -> None:
    form_room.say_hello()
    task = form_room.ask("a boat")
    form_room.done()
    (row,) = form_room.history.detail(task.id).outputs
    folder = form_room.artifacts.original_path(row.sha256).parents[2]
    folder.rename(folder.with_name("aside"))
    folder.symlink_to(folder)  # a name that no system call can follow: ELOOP, as EIO or EACCES would be
    app = form_room.open("history", task=task.id)
    assert "Look at the disk" in drawn(app, "sheet")["say"]
    app = tell(app, "gallery", "missing", row.sha256)
    assert drawn(app, "gallery")["items"][0]["missing"] == "Cannot be loaded now"
    app = tell(app, "sheet", "restore_file", task.id)
    assert any("Look at the disk" in said for said in toasts(app))
    assert not app.exception


def test_a_deleted_request_that_is_brought_back_says_nothing_of_files(form_room: Room) -> None:
    form_room.say_hello()
    task = form_room.ask("a boat")
    form_room.done()
    removal = Removal(form_room.db)
    removal.delete([task.id], who="local")
    removal.restore([task.id], who="local")
    sheet = drawn(form_room.open("history", task=task.id), "sheet")
    assert [each[1] for each in sheet["timeline"][-2:]] == ["Deleted", "Deleted request brought back"]
