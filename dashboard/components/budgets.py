"""Budgets on the Settings page: each limit with what is used of it, who set it and when, and one line to change one."""

import re
from decimal import Decimal

import streamlit as st

from dashboard import resources
from dashboard.components import formats, people, server, toasts, trouble
from dashboard.language import language, t
from data.ledger import EVERYBODY, TEAM, Standing, month_of, person_scope
from data.money import MICRO
from data.schema import Budget
from data.sentences import Sentence, paragraph

_MOST = 10**9  # credits; more than anybody has, and far inside what a database column holds
_NONE = "No budget is set: everybody may ask for as much as the provider accounts hold."


def budgets(me: str) -> None:
    """The whole section."""
    here = resources.desk().ledger
    now = resources.now()
    limits = {row.scope: row for row in here.budgets()}
    if not limits:
        st.markdown(t(_NONE))
    how = Sentence(
        "Credits that may be asked for in a month, counted in UTC; it is {month}. What is under way is held back "
        "until it is charged or has come to nothing; a doubt that was given up counts as charged.",
        month=formats.month(now),
    )
    st.caption(t(paragraph(how, "Practice does not count.") if server.about().practice else how))
    spent = {row.scope: row for row in here.spent(month_of(now))}
    scopes = [TEAM, EVERYBODY, *sorted({*limits, *spent, person_scope(me)} - {TEAM, EVERYBODY})]
    shown = [scope for scope in scopes if scope in limits or scope in spent]
    for index, scope in enumerate(shown):
        with st.container(border=True, gap="small", key=f"budget_{index}"):
            _row(scope, limits.get(scope), spent.get(scope), me)
    _editor(scopes, limits, me)


def _row(scope: str, limit: Budget | None, standing: Standing | None, me: str) -> None:
    used = standing.reserved + standing.charged if standing else 0
    most = limit.micro if limit else standing.limit if standing else None
    said = t("{credits} used", credits=formats.money(used))
    if standing and standing.reserved:
        said = t("{used}, of them {n} held back", used=said, n=formats.figure(standing.reserved))
    title = f"**{formats.literal(_name(scope, me))}**"
    if scope == EVERYBODY:
        said = t("for each person who has no budget of their own")
    if most is None:
        st.markdown(f"{title} · {t('{used}, no limit', used=said)}")
        return
    of = t("{credits} a month", credits=formats.money(most))
    st.markdown(f"{title} · {said} · {of}")
    if scope != EVERYBODY:
        st.progress(min(1.0, used / most) if most else 1.0)
    if limit:
        when = formats.date_and_time(limit.set_at)
        st.caption(formats.literal(t("Set {by}, {when}", by=people.by(limit.set_by, me), when=when)))


def _editor(scopes: list[str], limits: dict[str, Budget], me: str) -> None:
    with st.form("budget", border=True, clear_on_submit=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            # With another language it is another field: a browser sends the name that it shows, which is nobody's then.
            key = f"budget_scope_{language()}"
            scope = st.selectbox(t("Whose budget"), scopes, key=key, format_func=lambda one: _name(one, me))
            st.text_input(t("Credits a month"), key="budget_credits", placeholder="500", max_chars=20,
                          help=t("A whole number, or one with one decimal. Empty means no limit."))  # fmt: skip
            st.form_submit_button(t("Set the limit"), key="budget_set", type="primary", on_click=_set, args=(me,))
        if fault := st.session_state.pop("budget_fault", ""):
            st.error(formats.literal(fault), icon=":material/error:")
        elif limits and scope in limits:
            st.caption(t("An empty field lifts the limit."))


def _set(me: str) -> None:
    """The form's callback."""
    state = st.session_state
    try:
        micro = parse(state["budget_credits"] or "")
    except ValueError as error:
        state["budget_fault"] = t(error.args[0])
        return
    with trouble.callback():
        scope = state[f"budget_scope_{language()}"]
        resources.desk().ledger.set_budget(scope, micro, who=me)
        state["budget_credits"] = ""
        whose = _name(scope, me)
        if micro is None:
            done = t("{whose}: There is no limit now.", whose=whose)
        else:
            done = t("{whose}: The limit is {credits} a month now.", whose=whose, credits=formats.in_credits(micro))
        toasts.leave(done, ":material/check:")


def parse(text: str) -> int | None:
    """Micro-credits of "1,500" or "12.5"; None for an empty text. Raises ValueError with a sentence."""
    plain = re.sub(r"[\s,'_](?=\d{3}(?:\D|$))", "", text.strip())
    if not plain:
        return None
    if not re.fullmatch(r"\d{1,10}(\.\d)?", plain, re.ASCII) or Decimal(plain) > _MOST:
        raise ValueError(
            Sentence(
                "“{text}” is no number of credits. Write a whole number such as 500, or one with a single decimal "
                "such as 12.5, up to {most}; nothing was changed.", text=text.strip(), most=f"{_MOST:,}",
            )
        )  # fmt: skip
    return int(Decimal(plain) * MICRO)


def _name(scope: str, me: str) -> str:
    if scope in (TEAM, EVERYBODY):
        return t("The team together") if scope == TEAM else t("Everybody")
    return people.name_of(scope.removeprefix("person:"), me)
