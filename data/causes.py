"""Why a task waits or failed, in words: what happened, was it charged, what to do.

The database keeps the cause's code and the provider's own words; the sentence is made here, for screens and API alike,
so that it can name what was really charged.
"""

from dataclasses import dataclass

from data.money import MICRO, format_credits
from data.sentences import Joined, Sentence, paragraph

ALL_HERE = Sentence(
    "Every finished file of this request has been downloaded already. Nothing more was charged; look at it once more."
)
NONE_NAMED = Sentence(
    "The provider has named no finished file of this request, so there is none to download. Asking cost nothing; "
    "what the request itself cost stands in its details."
)
NOT_KEPT = Sentence(
    "The provider keeps no copy of this file, so it cannot be fetched again. Asking cost nothing; only a backup can "
    "bring the file back."
)
NO_DOUBT = Sentence("Nothing about this request is in doubt any more, so nothing was changed. Look at it once more.")
ID_TAKEN = Sentence(
    "Another request is known by this id already. Nothing was changed; copy the id from the provider's list once more."
)
"""Why a wish about a task that waits or failed is refused."""


@dataclass(frozen=True)
class Cause:
    """`happened` and `do` are full sentences; the charge stands between them."""

    happened: str
    do: str

    @property
    def told(self) -> Joined:
        """Both, where nobody wonders about a charge."""
        return paragraph(self.happened, self.do)


DIRECT = {"gemini": "Google", "ark": "ByteDance"}
"""Roads that answer at once or not at all: nothing there can be looked up, and nobody calls back."""

WAITING: dict[str, Cause] = {
    "rate_limited": Cause("The provider asked us to slow down.", "It goes on by itself in a few seconds."),
    "no_credits": Cause("The provider account is out of credits.", "It waits; an admin can top up the account."),
    "key_refused": Cause(
        "The provider does not accept our key.", "It waits; an admin must set a valid key and restart."
    ),
    "key_capped": Cause("The key has reached the cap set at the provider.", "It waits; an admin can raise the cap."),
    "maintenance": Cause("The provider is under maintenance.", "It goes on by itself when the provider is back."),
    "unreachable": Cause("The provider cannot be reached.", "It goes on by itself when the provider answers."),
    "held_up": Cause("Our own server held it up before it was sent.", "It is sent as soon as its turn comes."),
    "upload_failed": Cause("A reference could not be handed to the provider yet.", "We try again by ourselves."),
    "provider_retry": Cause("The provider had a fault of its own.", "We try once more by ourselves."),
    "storage_full": Cause(
        "The result is ready, but our disk refuses to store it.", "An admin must make room; then it goes on."
    ),
    "download_retry": Cause("The result is ready, but the download broke off.", "We try again by ourselves."),
    "reader_down": Cause(
        "The video is ready, but the program that checks videos does not start on our machine.",
        "An admin must look at the machine; then it goes on by itself.",
    ),
    "no_account": Cause("No provider is connected for this model.", "It waits; an admin must set a key."),
}

FAILED: dict[str, Cause] = {
    "policy": Cause("The model refused this prompt (policy).", "Change the prompt, or try another model."),
    "invalid": Cause(
        "The provider refused the request as invalid.", "Check the details, change the request and try again."
    ),
    "model_unknown": Cause(
        "The provider does not offer this model, or not to this account.", "Choose another model, or ask an admin."
    ),
    "not_open": Cause(
        "This model is not switched on for our account at the provider.",
        "An admin can switch it on there; or choose another model.",
    ),
    "paused": Cause("The provider has paused this model.", "Choose another model, or try again later."),
    "price_rose": Cause(
        "The price has risen since this was asked for, so it was not sent.",
        "Ask for it again if the new price suits you; the form shows it.",
    ),
    "has_picture": Cause(
        "An earlier try at this has its picture by now, so this one was not sent.",
        "Press “Use again” on it for one more picture.",
    ),
    "over_cap": Cause(
        "Its batch has cost as much as it may, so this was not sent.", "Ask for it again if it may cost more."
    ),
    "refused": Cause("The provider refused the request.", "See the details, then change the request or ask an admin."),
    "input_unreachable": Cause(
        "The provider could not read a reference picture.", "Try again, or use another picture."
    ),
    "generation_failed": Cause("The model could not make a picture of this.", "Try again, or change the prompt."),
    "provider_error": Cause(
        "The provider failed with a fault of its own.", "Try again in a while, or try another model."
    ),
    "provider_timeout": Cause("The model took too long and the provider gave up.", "Try again in a while."),
    "empty_result": Cause(
        "The provider says it is done, but named no picture.",
        "We go on looking for it; an admin can ask the provider where it is.",
    ),
    "not_an_image": Cause(
        "The file the provider delivered is no whole picture or video.",
        "Retry the download: it costs nothing. Or try again, as a new request.",
    ),
    "unreadable": Cause(
        "The picture inside the provider's answer was damaged on the way and cannot be read.", "Try again."
    ),
    "download_failed": Cause("The finished file could not be downloaded.", "Retry the download: it costs nothing."),
    "private_address": Cause("The provider named an address we must not open.", "An admin should look at the details."),
    "expired": Cause(
        "The finished file is not at the address the provider named.", "Retry the download: it costs nothing."
    ),
    "too_large": Cause(
        "The finished file is larger than we accept.", "An admin can raise the limit, then retry the download."
    ),
    "overdue": Cause(
        "The provider did not finish in time. It may still arrive: we go on looking.", "Wait, or try again."
    ),
    "unconfirmed": Cause(
        "The provider never confirmed this request. If it was taken after all, the picture will still appear here.",
        "Trying again is a new request and may be paid for as well.",
    ),
    "written_off": Cause(
        "This unconfirmed request was given up.", "Trying again is a new request and may be paid for as well."
    ),
    "cleared": Cause(
        "This request was cleared away after the time that the settings keep failed ones; its cost stays on record.",
        "Ask for it anew.",
    ),
    "mode_changed": Cause(
        "It waited while the desk changed between practice and real pictures, so it was cancelled.", "Ask for it again."
    ),
    "references_unusable": Cause(
        "A reference could not be handed to the provider.", "Try again, or use another picture."
    ),
}

REFUSED = frozenset({"policy", "invalid", "refused"})
"""Where a provider says no to what was asked, rather than fails: unchanged, it will be refused again."""

_OTHER = Cause("It did not work.", "See the details, then try again or ask an admin.")

_PAID = frozenset(
    {
        "not_an_image",
        "download_failed",
        "private_address",
        "too_large",
        "storage_full",
        "download_retry",
        "expired",
        "reader_down",
        "unreadable",
    }
)
"""The provider finished: it charges for that, whether or not it said how much."""

_TRIED_BESIDE = frozenset({"unconfirmed", "written_off"})
"""What may have been taken after all, so that trying again may be paid for as well."""

_UNCERTAIN = frozenset({"unconfirmed", "overdue", "written_off", "empty_result"})


def explain(
    code: str | None, charged_micro: int = 0, road: str = "", *, perhaps: bool = False, practice: bool = False
) -> Joined:
    """What happened · was it charged · what to do, for the code of a waiting or failed task; money in micro-credits.

    `road` is the task's provider: on a direct one, an answer that did not come never will. `perhaps`: an earlier call
    for it may have been charged. `practice`: it was, so nothing of it is in doubt.
    """
    cause = WAITING.get(code or "") or FAILED.get(code or "") or _OTHER
    happened = cause.happened
    if code == "unconfirmed" and road in DIRECT:
        happened = Sentence(
            "No clear answer ever came, and {provider} cannot be asked about it afterwards.", provider=DIRECT[road]
        )
    do = Sentence("Trying again is a new request.") if practice and code in _TRIED_BESIDE else cause.do
    return paragraph(happened, money(code, charged_micro, perhaps=perhaps, practice=practice), do)


def money(code: str | None, charged_micro: int, *, perhaps: bool, practice: bool = False) -> Sentence:
    """Whether it was charged, as far as anybody knows."""
    if practice and charged_micro == MICRO:
        return Sentence("Nothing was charged but 1 practice credit.")
    if practice and charged_micro:
        return Sentence("Nothing was charged but {n} practice credits.", n=format_credits(charged_micro))
    if practice:
        return Sentence("Nothing was charged.")
    if charged_micro == MICRO:
        return Sentence("1 credit was charged.")
    if charged_micro:
        return Sentence("{n} credits were charged.", n=format_credits(charged_micro))
    if code in _PAID:
        return Sentence("The provider has charged for it.")
    if perhaps or code in _UNCERTAIN:
        return Sentence("It is not known whether it was charged.")
    return Sentence("Nothing was charged.")
