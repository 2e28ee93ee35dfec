"""Above the form, after it was filled: the task that the next press comes of, what was changed, and one Undo."""

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import family, form, origin, project_choice, standing, trouble, walk
from dashboard.components.controls import joined
from dashboard.components.form import Form
from dashboard.components.mount import mount
from dashboard.language import t, tn
from data.catalog import catalog
from data.difference import pieces
from data.history import Detail
from data.lineage import SEED, relation
from data.relation import Relation
from data.requests import GenerationRequest


def filled(now: Form) -> None:
    """Draws it; nothing where the form comes of nothing and nothing can be undone. `now`: the form as it stands."""
    with trouble.live_part("filled_from", of=st.session_state.get("filled")):
        from_task, rows = _from(now), _changes(now)
        if from_task is None and not rows:
            return
        here = origin.of_the_form()
        data = {
            "origin": from_task, "note": here.note if here and from_task else "", "rows": rows, "undo": bool(rows),
            "summary": tn(len(rows), "{n} change in the form", "{n} changes in the form"),
            "token": st.session_state.get("filled", ""), "open": any("pieces" in row for row in rows),
            "words": _words(),
        }  # fmt: skip
        mount("filled", key="filled_from", data=data, on_event=_heard)


def way(now: Form) -> Relation | None:
    """How what the form says now comes of the task that it was filled from."""
    here, whole = origin.of_the_form(), origin.detail()
    return _relation(now, whole, here.lent) if here and whole else None


def _heard(act: str, name: str) -> None:
    if act == "undo":
        origin.undo()
        form.keep_all()
    elif act == "cut":
        origin.cut()
        origin.keep()
    else:
        walk.to(name)


def _from(now: Form) -> dict[str, Any] | None:
    whole, found = origin.detail(), way(now)
    if whole is None or found is None:
        return None
    first = whole.card.pictures[0] if whole.card.pictures else None
    src = resources.picture_url(first.sha256, "320") if first else None
    return {"id": whole.card.id, "src": src, "way": _called(found, now, whole), "prompt": whole.card.prompt[:200]}


def _called(found: Relation, now: Form, whole: Detail) -> str:
    """What used again stands there unchanged is no variation yet; what is made of it then is one."""
    here, ask = origin.of_the_form(), now.asks[0]
    seeds = ask.params.get(SEED), whole.card.params.get(SEED)
    same = found == Relation.VARIATION and ask.spec.id == whole.card.model and seeds[0] == seeds[1]
    return t("The same as") if here and here.again and same else family.relation_of(found)


def _relation(now: Form, whole: Detail, lent: str) -> Relation | None:
    """Of the first model asked; what it refuses is judged when it is pressed."""
    ask = now.asks[0]
    return relation(whole, GenerationRequest(ask.spec.id, now.prompt.strip(), ask.params, now.references), {lent})


def _changes(now: Form) -> list[dict[str, Any]]:
    """What the form says now and did not say before it was filled."""
    before = origin.former()
    if before is None:
        return []
    rows: list[dict[str, Any]] = []
    prompt = st.session_state["prompt"] or ""
    if before["draft"] != prompt:
        if before["draft"].strip():
            whole = pieces(before["draft"], prompt)
            rows.append({"name": t("Prompt"), "pieces": [[piece.kind, piece.text] for piece in whole]})
        else:
            rows.append({"name": t("Prompt"), "a": t("empty"), "b": t("filled")})
    names = [ask.choice.name for ask in now.asks]
    had_names = before["chosen"] or [standing.first_usable(catalog(), resources.now().date()).name]
    if set(had_names) != set(names):
        rows.append({"name": t("Model"), "a": joined(had_names), "b": joined(names)})
    rows += _settings(before["wanted"], st.session_state["wanted"], now)
    if (had_project := before.get("project", "")) != (has_project := project_choice.chosen()):
        none = t("No project")
        rows.append({"name": t("Project"), "a": had_project or none, "b": has_project or none})
    had, has = [one.sha256 for one in before["references"]], [one.sha256 for one in now.references]
    if had != has:
        rows.append({"name": t("References"), "a": _many(len(had)), "b": _many(len(has))})
    return rows


def _settings(before: Mapping[str, Any], wanted: Mapping[str, Any], now: Form) -> Iterable[dict[str, Any]]:
    labels = {param.name: param.label for spec in catalog().models for param in spec.params}
    labels |= {param.name: param.label for ask in now.asks for param in ask.spec.params}
    for name in dict.fromkeys([*before, *wanted]):
        if before.get(name) != wanted.get(name):
            yield {"name": labels.get(name, name), "a": _said(before.get(name)), "b": _said(wanted.get(name))}


def _said(value: object) -> str:
    if isinstance(value, bool):
        return t("on") if value else t("off")
    return t("the default") if value is None else str(value)


def _many(count: int) -> str:
    return tn(count, "{n} picture", "{n} pictures") if count else t("none")


def _words() -> dict[str, str]:
    return {
        "group": t("What the form was filled from"), "filled": t("The form was filled"), "undo": t("Undo"),
        "undo_title": t("Bring the form back as it was before"), "open": t("Open it"),
        "cut": t("Forget where it came from"), "becomes": t("becomes"),
        "gone": t("no longer: "), "new": t("new: "),
    }  # fmt: skip
