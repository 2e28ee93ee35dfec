"""Every key that the screens hear, in one table: the sheet that `?` opens shows it, a test holds it to the JavaScript.

No key leads to another page, and that is meant: 1 to 4 are Compare's, Alt with a number changes the tab of a browser on
Linux, C and R are Streamlit's, and the four links are the first that Tab reaches. `/` leads to where one types.
"""

from dashboard.components import keymap, words
from dashboard.components.keymap import Group, Key
from dashboard.components.mount import mount
from dashboard.language import t
from data.sentences import Sentence

_EVERYWHERE = Group(Sentence("Everywhere"), "keys", (
    Key("?", Sentence("Show or hide this list"), ("?", "？")),
    Key("/", Sentence("Write: to the prompt, or to the search"), ("/",)),
    Key("Tab Shift+Tab", Sentence("To the next thing that can be used, or back"), ("Tab",)),
    Key("Enter Space", Sentence("Press it")),
    Key("Enter", Sentence("In the field for a name: keep it"), ("Enter",)),
    Key("Esc", Sentence("Close what is open; an answer of No where something is asked"), ("Escape",)),
))  # fmt: skip
_PROMPT = Group(Sentence("Prompt"), "composer", (
    Key("Ctrl+Enter", Sentence("Generate, also while you type"), ("Enter",)),
))  # fmt: skip
_RECALL = Group(Sentence("Earlier prompts"), "recall", (
    Key("Alt+↑ Alt+↓", Sentence("In the prompt field: an older one, a newer one"), ("ArrowUp", "ArrowDown")),
    Key("↑ ↓ Home End", Sentence("Move in it"), ("ArrowUp", "ArrowDown", "Home", "End")),
))  # fmt: skip
_FAMILIES = Group(Sentence("Families of models"), "families", (
    Key("← → ↑ ↓", Sentence("Move"), ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown")),
))  # fmt: skip
_MODELS = Group(Sentence("List of models"), "picker", (
    Key("↓", Sentence("Open it"), ("ArrowDown",)),
    Key("↑ ↓ Home End", Sentence("Move in it"), ("ArrowUp", "ArrowDown", "Home", "End")),
    Key("A … Z", Sentence("To the next that begins with this letter")),
    Key("Enter Space", Sentence("Choose"), ("Enter", " ")),
    Key("Tab", Sentence("Leave the list"), ("Tab",)),
))  # fmt: skip
_REFERENCES = Group(Sentence("References"), "slots", (
    Key("← →", Sentence("Move this picture one place"), ("ArrowLeft", "ArrowRight")),
))  # fmt: skip
_SHELF = Group(Sentence("Pictures of History, for a reference"), "shelf", (
    Key("← → ↑ ↓ Home End", Sentence("Move"),
        ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End")),
))  # fmt: skip
_TEMPLATES = Group(Sentence("Templates"), "templates", (Key("Esc", Sentence("Close"), ("Escape",)),))
_LINES = Group(Sentence("Lines of a batch"), "lines", (
    Key("Ctrl+Enter", Sentence("Take over what is written"), ("Enter",)),
    Key("Esc", Sentence("Close; what is written is kept"), ("Escape",)),
))  # fmt: skip
_DEEDS = Group(Sentence("A card with the focus, and the open picture"), "actions", (
    Key("D", Sentence("Download"), ("D",)),
    Key("E", Sentence("Edit"), ("E",)),
    Key("V", Sentence("Vary"), ("V",)),
    Key("F K", Sentence("Star or unstar"), ("F", "K")),
    Key("B", Sentence("Pick for the team, or take the pick off"), ("B",)),
))  # fmt: skip
_SHEET = Group(Sentence("The open picture"), "sheet", (
    Key("← →", Sentence("To its neighbour in the list"), ("ArrowLeft", "ArrowRight")),
    Key("Z", Sentence("Look closer, at 100 %"), ("Z",)),
    Key("Enter", Sentence("In the field for a tag or a project: take it over"), ("Enter",)),
    Key("Esc", Sentence("Leave that field, or close the picture"), ("Escape",)),
))  # fmt: skip
_CLOSER = Group(Sentence("A picture at 100 %"), "closer", (
    Key("← →", Sentence("To its neighbour in the list"), ("ArrowLeft", "ArrowRight")),
    Key("↑ ↓ Shift+← Shift+→", Sentence("Move what is zoomed"), ("ArrowUp", "ArrowDown")),
    Key("+", Sentence("Zoom in"), ("+", "=")),
    Key("−", Sentence("Zoom out"), ("-",)),
    Key("0", Sentence("Fit, or 100 %"), ("0",)),
    Key("Z Esc", Sentence("Back"), ("Z",)),
))  # fmt: skip
_GALLERY = Group(Sentence("Pictures"), "gallery", (
    Key("← → ↑ ↓", Sentence("Move"), ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown")),
    Key("Home End", Sentence("To the first, to the last"), ("Home", "End")),
    Key("Enter", Sentence("Open"), ("Enter",)),
    Key("Space", Sentence("Select or deselect"), (" ",)),
    Key("Shift+← Shift+→ Shift+↑ Shift+↓", Sentence("Select on the way")),
    Key("Ctrl+A", Sentence("Select the page"), ("A",)),
    Key("S", Sentence("Select mode: a click selects"), ("S",)),
    Key("F", Sentence("Star or unstar"), ("F",)),
    Key("B", Sentence("Pick for the team, or take the pick off"), ("B",)),
    Key("T", Sentence("Tags"), ("T",)),
    Key("M", Sentence("Project…"), ("M",)),
    Key("Delete", Sentence("Delete"), ("Delete", "Backspace")),
    Key("Z", Sentence("Undo"), ("Z",)),
    Key("N", Sentence("Next page"), ("N",)),
    Key("P", Sentence("Previous page"), ("P",)),
    Key("Esc", Sentence("Clear the selection"), ("Escape",)),
))  # fmt: skip
_NOT_OF_THE_DELETED = {"Enter", "F", "B", "T", "M", "Delete", "Z", "P"}
_DELETED = Group(Sentence("Deleted"), "gallery", (
    Key("Enter", Sentence("Select or deselect"), ("Enter",)),
    *(key for key in _GALLERY.keys if not _NOT_OF_THE_DELETED & {*key.heard}),
))  # fmt: skip
"""The same grid with less to do: nothing opens there, and the only deed is to bring back."""
_PAIR = Group(Sentence("Two pictures"), "pair", (
    Key("← →", Sentence("Previous or next B; on the divider, move it"), ("ArrowLeft", "ArrowRight")),
    Key("Home End", Sentence("On the divider: to its ends"), ("Home", "End")),
    Key("1", Sentence("Side by side"), ("1",)),
    Key("2", Sentence("Slider"), ("2",)),
    Key("3", Sentence("Flicker"), ("3",)),
    Key("4", Sentence("Difference"), ("4",)),
    Key("+", Sentence("Zoom in"), ("+", "=")),
    Key("−", Sentence("Zoom out"), ("-",)),
    Key("0", Sentence("Fit"), ("0",)),
    Key("Z", Sentence("100 %: one pixel of the picture on one of the screen"), ("Z",)),
    Key("Shift+← Shift+→ Shift+↑ Shift+↓", Sentence("Move what is zoomed"), ("ArrowUp", "ArrowDown")),
    Key("Space", Sentence("In Flicker: B as long as it is held; else play or pause two videos"), (" ",)),
    Key("S", Sentence("Swap A and B"), ("S",)),
))  # fmt: skip
_REMAP = Group(Sentence("These keys, in Settings"), "remap", (
    Key("Tab Esc", Sentence("Instead of a new key: leave it as it is"), ("Tab", "Escape")),
))  # fmt: skip

_RESULTS = Group(Sentence("Results of a batch"), "results", (
    Key("← → ↑ ↓", Sentence("Move"), ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown")),
    Key("Home End", Sentence("To the ends of the row; with Ctrl, of the table"), ("Home", "End")),
    Key("Enter", Sentence("Open"), ("Enter",)),
    Key("Space", Sentence("Select or deselect, to compare"), (" ",)),
    Key("X", Sentence("Swap rows and columns"), ("X",)),
    Key("Esc", Sentence("Clear the selection"), ("Escape",)),
))  # fmt: skip

_SEVERAL = Group(Sentence("Several pictures"), "several", (
    Key("1", Sentence("Put picture 1 first; with Shift, leave it out"), ("1",)),
    Key("2", Sentence("Put picture 2 first; with Shift, leave it out"), ("2",)),
    Key("3", Sentence("Put picture 3 first; with Shift, leave it out"), ("3",)),
    Key("4", Sentence("Put picture 4 first; with Shift, leave it out"), ("4",)),
    Key("5", Sentence("Put picture 5 first; with Shift, leave it out"), ("5",)),
    Key("6", Sentence("Put picture 6 first; with Shift, leave it out"), ("6",)),
    Key("+", Sentence("Zoom in"), ("+", "=")),
    Key("−", Sentence("Zoom out"), ("-",)),
    Key("0", Sentence("Fit"), ("0",)),
    Key("Z", Sentence("100 %: one pixel of the picture on one of the screen"), ("Z",)),
    Key("← → ↑ ↓", Sentence("Move what is zoomed"), ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown")),
))  # fmt: skip

GROUPS = {
    words.GENERATE: (
        _PROMPT, _RECALL, _FAMILIES, _MODELS, _REFERENCES, _SHELF, _TEMPLATES, _LINES, _DEEDS, _SHEET, _CLOSER,
    ),
    words.HISTORY: (_GALLERY, _DEEDS, _SHEET, _CLOSER),
    words.COMPARE: (_PAIR, _SEVERAL, _DEEDS, _SHEET, _CLOSER),
    words.RESULTS: (_RESULTS, _DEEDS, _SHEET, _CLOSER),
    words.SETTINGS: (_REMAP,),
}  # fmt: skip
"""By page, in the order of the sheet; what is heard everywhere comes last."""
WRITE = {words.GENERATE: ".st-key-prompt textarea", words.HISTORY: ".st-key-q input"}
"""Where a page is typed in. The browser looks for all of them: it hears a key as soon as a page begins to be drawn."""


def groups(page: str, *, deleted: bool = False) -> tuple[Group, ...]:
    """What the sheet lists on the page of that name, or of History where it shows what was `deleted`."""
    return (*((_DELETED,) if deleted else GROUPS[page]), _EVERYWHERE)


def table() -> tuple[Group, ...]:
    """All of them once, what is heard everywhere first."""
    return (_EVERYWHERE, *dict.fromkeys(one for page in GROUPS.values() for one in page))


def keys(page: str, *, deleted: bool) -> None:
    """The button and its sheet; after all else of a page, because it stands in the page's head and takes no room."""
    moved = keymap.moved()
    shown = [
        (t(one.title), [(keymap.caps(one.file, key, moved), t(key.does)) for key in one.keys])
        for one in groups(page, deleted=deleted)
    ]
    told = {"open": t("Keys"), "close": t("Close")}
    data = {"groups": shown, "write": ", ".join(WRITE.values()), "words": told}
    mount("keys", key="keys", data=data, on_event=_nothing)


def _nothing(act: str, name: str) -> None:
    """The sheet tells Python nothing."""
