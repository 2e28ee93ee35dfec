"""Templates on Generate: the dialog that lists, keeps, edits and deletes them, and the fields for a template's blanks.

While a template is in the form, its text stands in the prompt field with its blanks, so that nobody's words are ever
overwritten; what is asked for is that text with the blanks filled (`form.read`).
"""

import re
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import blanks, formats, people, trouble
from dashboard.components.form import keep_draft
from dashboard.components.mount import mount
from dashboard.components.saved import save_button
from dashboard.language import t, tn
from data.schema import Template
from data.templates import LONGEST_NAME, MOST, slots

_MANY = 6
"""More than so many are worth a search field."""
_SHOWN = 300
"""Characters of a prompt that are shown where it only has to be recognised."""


def button() -> None:
    """Opens the dialog."""
    st.button(t("Templates"), key="templates_open", icon=":material/dashboard_customize:", type="tertiary",
              on_click=_open, help=t("Prompts with blanks to fill in, your own and your team’s"))  # fmt: skip


def fields(person: str) -> None:
    """One field for each blank of the template in the form, and what comes of it; nothing where there is none."""
    in_use, prompt = st.session_state["template"], st.session_state["prompt"] or ""
    if in_use is None:
        return
    names = blanks.names(prompt)
    with st.container(border=True, gap="small", key="blanks_panel"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(t("Template **{name}**", name=formats.literal(in_use["name"])), width="content")
            st.button(t("Keep as plain text"), key="plain", type="tertiary", on_click=_leave, args=(person,),
                      help=t("Puts what you have filled in into the prompt, and lets the template go"))  # fmt: skip
        if not names:
            st.caption(t("It has no blanks: write them as {example}.", example=r"\{subject\}"))
            return
        grid = st.grid("auto", min_column_width=180)
        for name in names:
            key = f"blank_{in_use['use']}_{name}"
            st.session_state.setdefault(key, st.session_state["blanks"].get(name, ""))
            with grid:
                st.text_input(formats.literal(name), key=key, live=True, on_change=_fill_in, args=(name, key))
        st.caption(t("Asked for: {prompt}", prompt=formats.literal(_short(blanks.asked(prompt)))))


def _fill_in(name: str, key: str) -> None:
    blanks.fill_in(name, st.session_state[key] or "")


def _leave(person: str) -> None:
    st.session_state["prompt"] = blanks.asked(st.session_state["prompt"] or "")
    blanks.take(None)
    keep_draft(person)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def dialog_if_open(person: str) -> None:
    """A full rerun closes dialogs, so the form calls this on every run."""
    state = st.session_state
    if state.get("templating") and "task" not in st.query_params and not state.get("choosing"):
        st.dialog(t("Templates"), width=560, position="right", on_dismiss=_close)(_body)(person)


def _open() -> None:
    st.session_state.update({"templating": True, "templates_gone": [], "template_edited": None, "templates_said": "",
                         "template_before": None})  # fmt: skip


def _close() -> None:
    st.session_state["templating"] = False


def _body(person: str) -> None:
    if not st.session_state.get("templating"):
        st.rerun()
    with trouble.live_part("templates"):
        edited = st.session_state["template_edited"]
        mine = resources.desk().templates.visible(person, st.session_state["templates_gone"])
        found = next((one for one in mine if one.id == edited and one.person == person), None)
        if found is None:
            _keep(person)
            _list(mine, person)
        else:
            _edit(found, person)


def _keep(person: str) -> None:
    """The form's prompt as a new template."""
    prompt = st.session_state["prompt"] or ""
    with st.expander(t("Save the prompt in the form as a template"), icon=":material/bookmark_add:"):
        if not prompt.strip():
            st.caption(t("There is no prompt in the form yet."))
            return
        found = slots(prompt)
        st.markdown(f":small[{formats.literal(_short(prompt))}]")
        st.caption(
            t("Blanks: {names}.", names=formats.literal(" · ".join(found))) if found
            else t("It has no blanks yet. Write {example} into the prompt where something changes from time to time.",
                   example=r"\{subject\}")
        )  # fmt: skip
        name = st.text_input(t("Name"), key="template_name", max_chars=LONGEST_NAME, live="300ms")
        st.toggle(t("For the whole team"), key="template_team")
        save_button(t("Save template"), name, "template_save", _save, person)


def _save(person: str) -> None:
    state = st.session_state
    with trouble.callback():
        settings = {"choice": state["chosen"], "count": state.get("count") or 1, "wanted": state["wanted"]}
        made = resources.desk().templates.save(
            person, state["template_name"] or "", state["prompt"], settings, team=bool(state["template_team"])
        )
        state["templates_said"], state["template_before"] = t("“{name}” is saved.", name=made.name), None
        state["template_name"] = ""


def _list(found: tuple[Template, ...], person: str) -> None:
    data = {
        "label": t("Templates"), "many": _MANY, "said": st.session_state["templates_said"],
        "items": [_item(one, person) for one in found],
        "words": {
            "use": t("Use"), "edit": t("Edit"), "delete": t("Delete"), "undo": t("Undo"),
            "search": t("Search templates"), "none": t("No template fits these words."),
            "found": t("{count} of {all}", count="{count}", all="{all}"),
            "empty": t("No templates yet. Write a prompt, put a blank such as {example} where it changes, and save it "
                       "here: the next time you only fill the blank.", example="{subject}"),
        },
    }  # fmt: skip
    if len(found) >= MOST:
        st.caption(t("Only {n} templates are shown, your own first. Delete some that nobody uses to see the rest.",
                     n=MOST))  # fmt: skip
    if said := st.session_state["templates_said"]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/check: {formats.literal(said)}", width="content")
            if st.session_state["template_before"]:
                st.button(t("Undo"), key="template_undo", type="tertiary", on_click=_undo, args=(person,))
    mount("templates", key="templates", data=data, on_event=lambda act, name: _act(act, name, person))


def _item(one: Template, person: str) -> dict[str, Any]:
    by = people.name_of(one.person, person) if one.person != person else t("yours")
    uses = tn(one.uses, "used once", "used {n} times") if one.uses else t("not used yet")
    facts = [by, t("for the team") if one.team else t("only for you"), uses]
    return {
        "id": one.id, "name": one.name, "prompt": one.prompt, "parts": re.split(r"(\{[^{}\n]{1,40}\})", one.prompt),
        "by": by, "facts": " · ".join(facts), "own": one.person == person,
        "deleted": t("“{name}” is deleted.", name=one.name) if one.deleted_at else None,
    }  # fmt: skip


def _act(act: str, template_id: str, person: str) -> None:
    state, templates = st.session_state, resources.desk().templates
    state["templates_said"] = ""
    with trouble.callback():
        if act == "use":
            found = next((one for one in templates.visible(person) if one.id == template_id), None)
            if found is not None:
                state["fill"] = {"prompt": found.prompt, "params": {}, "references": None, "template": found}
                _close()
        elif act == "edit":
            state["template_edited"] = template_id
        elif act == "delete":
            templates.delete(template_id, who=person)
            state["templates_gone"] = [*state["templates_gone"], template_id]
        elif act == "restore":
            templates.restore(template_id, who=person)


def _edit(one: Template, person: str) -> None:
    """One's own, in place of the list."""
    keys = {name: f"template_{name}_{one.id}" for name in ("name", "prompt", "team")}
    for name, key in keys.items():
        st.session_state.setdefault(key, getattr(one, name))
    name = st.text_input(t("Name"), key=keys["name"], max_chars=LONGEST_NAME, live="300ms")
    st.text_area(t("Prompt"), key=keys["prompt"], height=180)
    st.toggle(t("For the whole team"), key=keys["team"])
    with st.container(horizontal=True):
        save_button(t("Save"), name, "template_change", _change, one.id, keys, person)
        st.button(t("Cancel"), key="template_let_be", on_click=_let_be, args=(keys,))


def _change(template_id: str, keys: dict[str, str], person: str) -> None:
    state = st.session_state
    with trouble.callback():
        words = {"name": state[keys["name"]] or "", "prompt": state[keys["prompt"]] or ""}
        before = resources.desk().templates.change(template_id, who=person, team=bool(state[keys["team"]]), **words)
        state["template_before"] = template_id, before
        state["templates_said"] = t("“{name}” is saved.", name=words["name"])
        _let_be(keys)


def _undo(person: str) -> None:
    state = st.session_state
    with trouble.callback():
        template_id, before = state["template_before"]
        resources.desk().templates.change(template_id, who=person, **before)
        state["templates_said"], state["template_before"] = t("“{name}” is as it was.", name=before["name"]), None


def _let_be(keys: dict[str, str]) -> None:
    state = st.session_state
    state["template_edited"] = None
    for key in keys.values():
        state.pop(key, None)
