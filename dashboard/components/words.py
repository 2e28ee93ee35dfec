"""The sentences people read; those of the form that depend on what stands in it are in `form_words.py`.

Constants are English, and whoever draws one says `t(words.X)`; functions answer in the session's language. It draws
nothing and reads no database.
"""

from datetime import datetime, timedelta

from dashboard.components import formats
from dashboard.language import t, tn
from dashboard.retold import retold
from data.causes import DIRECT
from data.requests import MAX_COUNT
from data.sentences import Sentence, paragraph
from data.status import TaskStatus

APP = "Picture Desk"
GENERATE, HISTORY, SETTINGS = "Generate", "History", "Settings"
COMPARE, RESULTS = "Compare", "Results"

SIGN_IN = "Sign in"
SIGN_OUT = "Sign out"
SIGN_IN_WHY = "Sign in to commission pictures and to see what your team has made."

PRACTICE = "**Practice mode:** pictures cost nothing. How to make real ones: [Settings](settings)."
FAULTS = "To see what failure looks like, write [[fault:fail]], [[fault:stuck]] or [[fault:lost_answer]] into it."
SERVER_NEVER = (
    "**The callback server has not started yet.** Requests wait and nothing is lost. Start everything with `make run`."
)
DATABASE_TROUBLE = (
    "The database does not answer. What was asked for already goes on, and nothing is paid twice. "
    "Wait a moment, then try again."
)
PRESS_UNANSWERED = (
    "The database did not answer, so it is not certain whether this was asked for. Nothing you typed is lost. "
    "Press again: the same request is made, and paid for, only once."
)
CHANGED = (
    "What a press would buy changed just before yours arrived, so nothing was asked for and nothing was charged. "
    "Look at the button again; if it is right now, press it."
)
HALTED_LABEL = "The model catalogue is broken – nothing is sent"
HALTED_DO = "Nothing can be asked for until the file that the banner names is mended; then this button works again."
HALTED_PRESS = (
    "The admin’s model catalogue cannot be read, so nothing was asked for and nothing was charged. "
    "Mend the file that the banner names, then press again."
)
LIVE_PAUSED = "Live updates paused: the database does not answer. The work goes on, and this goes on by itself."
LIVE_PAUSED_SINCE = "Live updates paused, last {time}: the database does not answer. The work goes on."
TRY_AGAIN, DETAILS = "Try again", "Details"

CANNOT_BE_SHOWN = "The picture cannot be shown now: its file is missing, or the callback server does not answer."
NO_SUCH_REQUEST = "The link names a request that does not exist here."

PROMPT = "Prompt"
PROMPT_HINT = "Describe what you want to see…"
EXAMPLES: dict[str, str] = {
    "Product on marble": "A matte black coffee grinder on a slab of white marble, soft window light from the left, "
    "shallow depth of field, editorial product photograph",
    "Isometric icon": "Isometric icon of a small greenhouse with glowing windows, pastel colours, clean edges, "
    "plain light background",
    "Edit: change background": "Keep the subject exactly as it is and replace the background with a quiet beach at "
    "sunrise, matching light and shadows",
}
IDEAS: tuple[tuple[str, str, str], ...] = (
    ("Portrait of a place", "4:3", "A narrow street in Lisbon after rain, yellow tram coming round the corner, "
     "wet cobblestones mirroring shop lights, 35 mm photograph"),
    ("Cover illustration", "3:4", "Flat illustration of a lighthouse keeper reading beside a lamp, "
     "limited palette of navy, cream and coral, generous empty space at the top"),
    ("Wide banner", "16:9", "Terraced tea fields at dawn, mist between the rows, one tiny figure with a straw hat, "
     "aerial view, natural colours"),
    ("Sticker", "1:1", "Die-cut sticker of a sleepy red panda wrapped in a scarf, thick white outline, soft shading, "
     "plain background"),
)  # fmt: skip
MODEL, SHAPE, COUNT, REFERENCES, ADVANCED = "Model", "Shape", "Pictures", "Reference pictures", "Advanced"
COUNTS = {"image": "Pictures", "video": "Videos"}
AT_MOST = Sentence("One press makes at most {most}, over all models together.", most=MAX_COUNT)
COUNTS_EACH = {"image": "Pictures of each", "video": "Videos of each"}
PICKER = {
    "several": "Several at once", "pick_one": "Price of one with the settings of the form, and the usual time.",
    "pick_several": "One press asks all of them for the same.", "done": "Done",
}  # fmt: skip
FAMILIES = {"nano-banana": "Nano Banana", "seedream": "Seedream", "veo": "Veo", "sora": "Sora"}
OTHER_KIND = {
    "image": "Makes pictures: not to be compared with videos.",
    "video": "Makes videos: not to be compared with pictures.",
}  # fmt: skip
KEYS = {"kie": "NANO_BANANA_API_KEY", "gemini": "GEMINI_API_KEY", "ark": "ARK_API_KEY"}
"""The setting that connects each road."""
EACH = ("Model", "Is asked for", "Price of one")
SHAPES_OF_BOTH = "Only the shapes that both models have."
SHAPES_OF_ALL = "Only the shapes that all of these models have."
EACH_ITS_OWN = "Not common to all, so each uses its own"
LEFT_OUT = "left out: see below"
MODEL_CHOOSES_SIZE = "the model chooses the size"
NOT_YET = "Cannot generate yet"
NONE_TAKES_IT = "None of these models takes this"
STILL_LOADING = (
    "A reference picture is still loading, so nothing was asked for and nothing was charged. "
    "Wait until it is here, or take it out."
)
PASTED_IN_VAIN = (
    "What you pasted was not added: no chosen model takes reference pictures. Nothing was charged. "
    "Choose one that does, then paste it again."
)
BY_ADDRESS = "By address"
ADDRESS_REFUSED = "Address refused"
DROP_HERE = "Drop to use as reference"
REORDER = "drag them, or use the arrows, to reorder"
SLOTS = {
    "remove": "Remove", "dismiss": "Dismiss", "left": "Move left", "right": "Move right",
    "moved": "{name} is now {place} of {count}", "loading": "loading…",
}  # fmt: skip
ADD_PROMPT = "Add a prompt"
NOW = "Now"
EMPTY_TITLE = "Your pictures appear here"
EMPTY_TEXT = "Write what you want to see and press Generate, or start from one of these: a click fills the form."
USE_IDEA = "Use this"

SEARCH = "Search"
SEARCH_HINT = "Search prompts in any language: red kite, 猫, “on marble”, model:seedream, by:me, cost:>10 …"
SEARCH_HELP = (
    "All words must be there; “…” is a phrase, and - before a word excludes it. Narrow with `model:seedream`, `by:me`, "
    "`status:failed`, `project:spring`, `pick:yes`, `cost:>10`, `after:2026-11-01`, `before:2026-12-01`."
)
EMPTY_PAGE = "This page of the list is empty."
ALL_HIDE = "No filter hides them alone: only together do they leave nothing."

WORDS: dict[TaskStatus, tuple[str, str]] = {
    TaskStatus.QUEUED: ("Queued", "wait"),
    TaskStatus.SUBMITTING: ("Sending", "work"),
    TaskStatus.UNCONFIRMED: ("Unconfirmed", "doubt"),
    TaskStatus.RUNNING: ("Drawing", "work"),
    TaskStatus.FETCHING: ("Saving", "work"),
    TaskStatus.SUCCEEDED: ("Done", "done"),
    TaskStatus.FAILED: ("Failed", "bad"),
    TaskStatus.CANCELLED: ("Cancelled", "off"),
}
"""State word and tone; the tone picks a colour, never the only carrier of the state."""

GIVE_UP = "Give up"
GIVE_UP_AND_AGAIN = "Give up and try again"
KEEP_WAITING, LEAVE_IT = "Keep waiting", "Leave it"
NOTHING_CHARGED = "nothing"
MODEL_CHOOSES = "the model chooses"
CHARGE_UNKNOWN = "not known whether charged"
CHARGE_OF_ANOTHER_UNKNOWN = "not known whether another call was charged"
NAME_IT = "It is in the provider’s list? Paste its id"
NAMED = "Thank you. We ask the provider for it now."

NO_CONNECTION = "no connection could be made"
NO_ANSWER_IN_TIME = "no answer came in time"
BROKEN_OFF = "the connection broke off before an answer came"

CANCELLING = "Cancelling"
REFUSED = "Refused"
KEPT_IF_IT_COMES = "We will keep what comes of it."
CANCELLED_AS_IT_LEAVES = (
    "It is being sent at this moment, so it may still be charged. It is stopped if it still can be; if not, we will "
    "keep what comes of it."
)
CANCELLED_AS_IT_LEAVES_PRACTISING = (
    "It is being sent at this moment. It is stopped if it still can be; if not, we will keep what comes of it."
)
KEPT_THOUGH_SENT = "It was sent already; what comes of it is kept"
CANCEL_WISHED = paragraph("You cancelled after it was sent, so it may still be charged.", KEPT_IF_IT_COMES)
CANCEL_WISHED_PRACTISING = paragraph("You cancelled after it was sent.", KEPT_IF_IT_COMES)

LEAVE_PRACTICE = """
1. Make a key at [kie.ai](https://kie.ai/api-key) and put some credits on the account.
2. Stop Picture Desk and write the key where it starts, in a file called `.env`: `NANO_BANANA_API_KEY=…`
3. Start it again with `make run`. The banner is gone, and *Provider kie.ai* above shows your credits.

Google and ByteDance can be asked directly as well, each with a key of its own: `GEMINI_API_KEY=…`, `ARK_API_KEY=…`.
Models behind a road without a key stay in the list, and say so.

What was drawn in practice mode stays in History.
"""


def unconfirmed(until: datetime, road: str = "", *, practice: bool) -> str:
    """The sentence on a card in doubt. On a direct road nothing can find out: there is no record to ask for."""
    if road in DIRECT and practice:
        return t(
            "No clear answer came from {provider}, which cannot be asked about it afterwards. Nothing was charged: it "
            "is practice. It was not sent again. Give it up, or try again; left alone, it counts as failed from {time} "
            "on.", provider=DIRECT[road], time=formats.clock(until),
        )  # fmt: skip
    if practice:
        return t(
            "No answer yet. It may still arrive: we look for it until {time}. Nothing was charged: it is practice.",
            time=formats.clock(until),
        )
    if road in DIRECT:
        return t(
            "No clear answer came from {provider}, which cannot be asked about it afterwards. It may have been "
            "charged: only the account there tells. It was not sent again. Give it up, or try again; left alone, it "
            "counts as failed from {time} on.", provider=DIRECT[road], time=formats.clock(until),
        )  # fmt: skip
    return t(
        "No answer yet. It may still arrive: we look for it until {time}. You will not be charged twice.",
        time=formats.clock(until),
    )


def cancel_wished(*, leaving: bool, practice: bool) -> str:
    """Of what was cancelled after it was sent, or as it leaves."""
    if practice:
        return CANCELLED_AS_IT_LEAVES_PRACTISING if leaving else CANCEL_WISHED_PRACTISING
    return CANCELLED_AS_IT_LEAVES if leaving else CANCEL_WISHED


def on_its_way(status: TaskStatus, road: str) -> str:
    """In the place of the picture, while all is well and nothing can be counted yet."""
    if status == TaskStatus.QUEUED:
        return t("Nothing was sent yet, so nothing is charged")
    if status == TaskStatus.SUBMITTING:
        return t("On its way to {road}", road=t(road)) if road else ""
    return t("The picture is ready and is being saved") if status == TaskStatus.FETCHING else ""


def paid_twice(road: str, *, practice: bool) -> str:
    """What must be known before a request in doubt is made again."""
    if practice:
        first = Sentence("The first request was practice: nothing was charged for it.")
        return t(first if road in DIRECT else paragraph(first, "What still comes of it is kept."))
    if road in DIRECT:
        return t(
            "{provider} may have taken the first request. If it did, you pay for both, and get only the second.",
            provider=DIRECT[road],
        )
    return t(
        "The provider may have taken the first request. If it did, you pay for both; and what still comes of it is "
        "kept."
    )


def given_up(road: str, *, practice: bool) -> str:
    """What giving a doubt up means."""
    if practice:
        then = Sentence("We stop looking; what still comes of it is kept.")
        if road in DIRECT:
            then = Sentence("Nothing more can come of it.")
        return t(paragraph(then, "It was practice: nothing was charged."))
    if road in DIRECT:
        return t(
            "Nothing more can come of it. If {provider} took the request, it has been charged, and what it made is "
            "lost. The budget counts it as charged.", provider=DIRECT[road],
        )  # fmt: skip
    return t(
        "We stop looking. If the provider took it after all, it may be charged; what still comes of it is kept. The "
        "budget counts it as charged unless the provider says otherwise."
    )


def let_be(road: str) -> str:
    """The answer No to a question about a doubt: where no answer can come, nobody keeps waiting for one."""
    return t(LEAVE_IT if road in DIRECT else KEEP_WAITING)


def rescue(until: datetime, now: datetime) -> str:
    """How long a result may still be found, on a card that has failed while its call is open."""
    return t("The provider keeps results until {day}; we look until then.", day=formats.day(until, now))


def queue(waiting: int, seconds: float) -> str:
    """The one line about everybody's queue."""
    if seconds < 1:
        return t("{n} queued", n=f"{waiting:,}")
    return tn(waiting, "{n} queued, it is sent in about {wait}", "{n} queued, the last is sent in about {wait}",
              wait=formats.seconds(seconds))  # fmt: skip


def doubtful_in_batch(count: int) -> str:
    """What must be known before the failed of a batch are tried again, where some may be paid for."""
    return tn(
        count,
        "One of them may be paid for already, and may bring its picture yet: then you pay for it twice.",
        "{n} of them may be paid for already, and may bring their pictures yet: then you pay for them twice.",
    )


def server_silent(since: datetime, now: datetime) -> str:
    """The banner for a heartbeat that stopped."""
    when = formats.clock(since) if now - since < timedelta(hours=20) else formats.date_and_time(since)
    return t(
        "**The callback server has not answered since {when}.** Requests wait and nothing is lost. "
        "Restart it with `make run`; work goes on by itself.", when=when,
    )  # fmt: skip


def halted(faults: str) -> str:
    """The banner for an admin's catalogue that could not be read since the start."""
    return t(
        "**Nothing is sent, because the admin’s own models cannot be read.** What was asked for waits, and is not "
        "charged. Mend the file, then it goes on by itself: {faults}", faults=formats.prose(retold(faults)),
    )  # fmt: skip
