"""The batch dialog: a pasted list or a CSV file, by models, shapes and repeats, looked through before it is started.

The form's one button never turns into this: what it says, it buys, up to eight at once. "Batch…" stands beside it, and
counts the lines where somebody has written a list into the prompt; for a prompt may well have several lines and mean
one picture, and only its writer knows.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import batch_press, batch_references, budget, formats, press, project_choice, server
from dashboard.components.batch_card import outlook, seconds_left
from dashboard.components.batch_kept import (
    FILE,
    LINES,
    Kept,
    kept,
    models_of,
    open_with,
    remember,
    reviewed,
    several,
    shapes_on_offer,
    swap,
)
from dashboard.components.batch_rows import MOST_PICTURES, Review, Row
from dashboard.components.form import Form
from dashboard.components.mount import mount, mount_lines
from dashboard.components.standing import standing
from dashboard.language import t, tn
from data.batch_text import MOST_BYTES, decoded
from data.catalog import catalog
from data.errors import InvalidRequest
from data.plan import LONGEST_NAME

SHOWN_PROMPTS = 5
SHOWN_FAULTS = 20
EXAMPLE = (
    "prompt,model,ratio,repeat\n"
    '"A red kite over dunes, wide view",Seedream 4.5,16:9,2\n'
    "A paper boat in the rain,,1:1,\n"
)  # fmt: skip


def button(person: str, now: Form) -> None:
    """Beside the button that spends."""
    lines = several(now.prompt)
    names = [ask.choice.name for ask in now.asks]
    st.button(
        tn(lines, "Batch…", "Batch of {n} lines…") if lines else t("Batch…"), key="batch_button", on_click=open_with,
        args=(person, names, now.prompt), help=t("Many prompts at once: a list, a CSV file, several models and shapes"),
    )  # fmt: skip


def dialog_if_open(person: str) -> bool:
    """Opens the dialog while it is wanted. A full rerun closes dialogs, so the page calls this on every run."""
    if not st.session_state.get("batch_open"):
        return False
    st.dialog(t("Batch"), width="large", icon=":material/dynamic_feed:", on_dismiss=_close)(_dialog)(person)
    return True


def _close() -> None:
    st.session_state["batch_open"] = False


def _dialog(person: str) -> None:
    if not st.session_state.get("batch_open"):
        st.rerun()  # it has been started: the page closes it and shows its card
    here = kept()
    _prompts(here, person)
    _beside(here)
    found = reviewed(here)
    _notices(here, found)
    _table(here, found)
    _start(here, found, person)


# What is asked for ---------------------------------------------------------------------------------------------------


def _prompts(here: Kept, person: str) -> None:
    names = {LINES: t("Paste a list"), FILE: t("CSV file")}
    _set("batch_origin", here.origin)
    st.segmented_control(
        t("Prompts from"), list(names), key="batch_origin", required=True, format_func=names.__getitem__,
        label_visibility="collapsed", on_change=_take, args=("origin",),
    )  # fmt: skip
    if here.origin == FILE:
        _file(here)
        return

    def told(text: str) -> None:
        here.text, here.refused = text, ""
        remember(person)

    mount_lines(key="batch_lines", label=t("One prompt a line"), text=here.text, typed=here.typed, on_text=told)
    if here.before.strip():
        st.button(t("Back to the list of before"), key="batch_before", type="tertiary", on_click=swap)


def _file(here: Kept) -> None:
    if here.file:
        with st.container(horizontal=True, vertical_alignment="center", key="batch_kept_file"):
            st.markdown(f":material/description: **{formats.literal(here.file_name)}**", width="content")
            st.button(t("Take another file"), key="batch_forget", type="tertiary", on_click=_forget_file)
        return
    st.file_uploader(
        t("CSV file"), type=["csv", "tsv", "txt"], key="batch_file", on_change=_read_file,
        label_visibility="collapsed", max_upload_size=max(1, MOST_BYTES // 1_000_000),
    )  # fmt: skip
    if here.file_fault:
        st.error(formats.literal(t(here.file_fault)), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center", key="batch_columns"):
        st.caption(t(
            "The first line names the columns: `prompt`, and if you like `model`, `ratio`, `repeat`, `project`, and "
            "any setting such as `quality` or `seed`. An empty cell means: as chosen below."
        ))  # fmt: skip
        example = "\ufeff" + EXAMPLE  # without the mark, Excel takes UTF-8 for something else
        st.download_button(t("Example"), example, "batch.csv", "text/csv", key="batch_example", type="tertiary",
                           on_click="ignore")  # fmt: skip


def _read_file() -> None:
    here, upload = kept(), st.session_state["batch_file"]
    here.file_fault = here.refused = ""
    if upload is not None:
        try:
            here.file, here.file_name = decoded(upload.getvalue()), upload.name
        except InvalidRequest as error:
            here.file_fault = error.sentence


def _forget_file() -> None:
    here = kept()
    here.file = here.file_name = here.file_fault = here.refused = ""


def _beside(here: Kept) -> None:
    """What lines leave open: models, shapes, how often; and whether the form's references go with each."""
    models = catalog()
    today, known = resources.now().date(), server.about()
    usable = [
        choice.name for choice in models.choices
        if not standing(models.spec_of(choice), known, today).reason or choice.name in models_of(here, models)
    ]  # fmt: skip
    _set("batch_models", models_of(here, models))
    st.multiselect(t("Models"), usable, key="batch_models", on_change=_take, args=("models",),
                   placeholder=t("Choose at least one"))  # fmt: skip
    shapes = shapes_on_offer(here, models)
    left, right = st.columns([3, 1], gap="small")
    with left:
        _set("batch_shapes", [one for one in here.shapes or () if one in shapes])
        st.multiselect(t("Shapes"), shapes, key="batch_shapes", on_change=_take, args=("shapes",),
                       placeholder=t("As in the form"))  # fmt: skip
    with right:
        _set("batch_repeat", here.repeat)
        st.number_input(t("Of each"), 1, MOST_PICTURES, key="batch_repeat", on_change=_take, args=("repeat",))
    batch_references.choice(here, _take)


def _set(key: str, value: Any) -> None:
    """A widget of the dialog shows what is kept: Streamlit forgets it each time the dialog closes."""
    st.session_state[key] = value


def _take(name: str) -> None:
    """A widget's callback: what it says now is kept."""
    here = kept()
    value = st.session_state[f"batch_{name}"]
    setattr(here, name, list(value) if isinstance(value, list) else value)
    here.refused = ""


# What comes of it ----------------------------------------------------------------------------------------------------


def _notices(here: Kept, found: Review) -> None:
    """What was read and what was not, before any row is judged."""
    lines = found.lines
    if lines.missing:
        st.error(formats.literal(t(lines.missing)), icon=":material/table:")
    if lines.unknown:
        columns = ", ".join(lines.unknown)
        st.warning(formats.literal(t("No setting is called like these columns, so they are left out: {columns}.",
                                     columns=columns)), icon=":material/view_column:")  # fmt: skip
    parts = [tn(len(lines.lines), "{n} prompt", "{n} prompts")] if lines.lines else []
    if lines.blank and here.origin == LINES:
        parts.append(tn(lines.blank, "{n} blank line left out", "{n} blank lines left out"))
    if lines.twice:
        numbers = ", ".join(map(str, lines.twice[:8])) + ("…" if len(lines.twice) > 8 else "")
        parts.append(tn(len(lines.twice), "line {lines} repeats an earlier one and is left out",
                        "{n} lines repeat an earlier one and are left out: {lines}", lines=numbers))  # fmt: skip
    parts.append(t("Kept if you close this."))
    st.caption(formats.literal(" · ".join(parts)))


def _table(here: Kept, found: Review) -> None:
    """The first rows, and behind a button all of them: a thousand would make each step in the dialog slower."""
    if not found.rows:
        return
    head = [t("Line"), t("Prompt"), t("Model"), t("Shape"), t("Times"), t("Price of one")]
    head += [t("Project")] if any(row.project for row in found.rows) else []
    parts: list[dict[str, Any]] = []
    if found.faulty:
        shown = found.faulty if here.whole else found.faulty[:SHOWN_FAULTS]
        title = tn(len(found.faulty), "{n} row is left out", "{n} rows are left out")
        beyond = len(found.faulty) - len(shown)
        more = tn(beyond, "and {n} more row", "and {n} more rows") if beyond else ""
        parts.append(_part(title, head, shown, more, len(found.faulty)) | {"bad": True})
    if found.good:
        lines = dict.fromkeys(row.line for row in found.good)
        first = set(lines if here.whole else list(lines)[:SHOWN_PROMPTS])
        good = [row for row in found.good if row.line in first]
        title = tn(found.prompts, "The prompt, as it is asked for", "The {n} prompts, as they are asked for")
        if found.prompts > len(first):
            title = t("The first {some} of {all} prompts, as they are asked for", some=SHOWN_PROMPTS, all=found.prompts)
        parts.append(_part(title, head, good, _rest(found, good), len(found.good)))

    def show_all(_act: str, _name: str) -> None:
        here.whole = True

    mount("batch", key="batch_table", on_event=show_all,
          data={"parts": parts, "said": batch_press.label(found) if found.good else ""})  # fmt: skip


def _part(title: str, head: list[str], rows: Sequence[Row], more: str, count: int) -> dict[str, Any]:
    every = {"act": "show_all", "label": t("Show all {n}", n=f"{count:,}"), "title": ""} if more else None
    return {"title": title, "head": head, "rows": [_row(row) for row in rows], "more": more, "all": every, "bad": False}


def _row(row: Row) -> dict[str, Any]:
    price = "" if row.fault else formats.about_short(row.price, practice=server.about().practice)
    return {"line": str(row.line), "prompt": row.prompt[:300], "model": row.model, "shape": row.shape,
            "count": "" if row.fault else f"× {row.count}", "price": price,
            "project": row.project, "fault": t(row.fault)}  # fmt: skip


def _rest(found: Review, shown: list[Row]) -> str:
    prompts = found.prompts - len({row.line for row in shown})
    if prompts <= 0:
        return ""
    pictures = found.pictures - sum(row.count for row in shown)
    return tn(prompts, "and {n} more prompt: {pictures}", "and {n} more prompts: {pictures}",
              pictures=tn(pictures, "{n} picture", "{n} pictures"))  # fmt: skip


def _start(here: Kept, found: Review, person: str) -> None:
    left, middle, right = st.columns([3, 2, 2], gap="small")
    with left:
        _set("batch_name", here.name)
        st.text_input(t("Name"), key="batch_name", max_chars=LONGEST_NAME, on_change=_take, args=("name",),
                      placeholder=t("Like its file or its first prompt"))  # fmt: skip
    with middle:
        project_choice.choice("batch_project")
    with right:
        _set("batch_cap", here.cap)
        st.number_input(
            t("At most (credits)"), 0.0, 1_000_000.0, None, key="batch_cap", on_change=_take, args=("cap",), step=1.0,
            format="%g", placeholder=t("No cap of its own"),
            help=t("The batch never costs more: should the provider charge above its list, what is not sent stops."),
        )  # fmt: skip
    why = batch_press.obstacle(here, found, budget.left(person, found.price), person)
    promised = batch_press.promise(here, found)
    with st.container(key="batch_foot", gap="small"):  # in sight, however long the list is
        if found.good:
            st.caption(formats.literal(summary(found)))
        if here.refused:
            st.error(formats.literal(t(here.refused)), icon=":material/error:")
        with st.container(key="batch_start"):
            st.button(
                formats.literal(why or batch_press.label(found)), key=f"batch_{press.key(promised)}", type="primary",
                width="stretch", disabled=bool(why), shortcut=None if why else "Ctrl+Enter",
                on_click=batch_press.start, args=(person, press.number(), promised),
            )  # fmt: skip


def summary(found: Review) -> str:
    """ "160 pictures, here in about 4 min": what they cost stands on the button."""
    models = {row.request.model for row in found.good if row.request is not None}
    time = formats.seconds(seconds_left(found.pictures, outlook(found.pictures), models))
    return tn(found.pictures, "{n} picture, here in about {time}", "{n} pictures, here in about {time}", time=time)
