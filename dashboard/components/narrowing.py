"""What narrows a list, in words: each filter by the name that it has above the list, and what it is set to."""

from dataclasses import fields
from datetime import timedelta

from dashboard.components import failed, filters, formats
from dashboard.language import t
from data.query import PARTS, Choice, Query

_LABELS = {
    "words": "Words", "model": "Model", "by": "Person", "status": "Status", "project": "Project", "tag": "Tags",
    "cause": "Cause", "batch": "Batch", "cost": "Cost", "date": "Date", "star": "", "pick": "",
}  # fmt: skip
assert _LABELS.keys() == PARTS.keys()
_BATCH = 8
"""Of a batch's id, as much as tells it from others."""


def told(part: str, query: Query, person: str) -> str:
    """ "Person: Only mine"; of a mark alone, "Starred"."""
    value = _value(part, query, person)
    return t("{label}: {value}", label=t(_LABELS[part]), value=value) if _LABELS[part] else value


def named(query: Query, person: str) -> str:
    """All of it in a line, a name for a view: "red kite · Done · Only mine"."""
    return " · ".join(_value(part, query, person) for part in query.parts)


def _value(part: str, query: Query, person: str) -> str:
    if part == "words":
        return " ".join([*map(str, query.words), *(f"-{word}" for word in query.without)])
    if part == "cost":
        return _only(part, query).text.replace("cost:", "")
    if part == "date":
        return _days(query)
    if part == "star":
        return t("Starred") if query.star else t("Not starred")
    if part == "pick":
        return t("Picked") if query.pick else t("Not picked")
    choice: Choice = getattr(query, part)
    names = [_name(part, value, person) for value in choice.of]
    names += [t("not {name}", name=_name(part, value, person)) for value in choice.but]
    return t(", ").join(names)


def _only(part: str, query: Query) -> Query:
    """Nothing but this part of it."""
    return Query(**{each.name: getattr(query, each.name) for each in fields(Query) if each.name in PARTS[part]})


def _days(query: Query) -> str:
    if query.last is not None:
        return filters.last_days(str(query.last))
    until = query.before - timedelta(days=1) if query.before else None
    ends = (formats.full_date(one) if one else "…" for one in (query.after, until))
    return " – ".join(dict.fromkeys(ends))


def _name(part: str, value: str, person: str) -> str:
    """What people read for a value of this part."""
    if part == "model":
        return filters.model_name(value)
    if part == "by":
        return filters.people_here(value, person).get(value, value)
    if part == "status":
        return t(filters.STATUS_WORDS[value])
    if part == "project":
        return filters.project_name(value)
    if part == "cause":
        return failed.name(value) or value
    return value[:_BATCH] if part == "batch" else value
