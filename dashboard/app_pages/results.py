"""The results of one batch, `?batch=<id>&rows=prompt&cols=model`: what varies in it as a table, open to the drawer.

A page of its own and no view of History: there a list is narrowed, kept as a snapshot and turned by pages, while here
all of one batch stands at once, in another order, and is true at every moment. It stands in no menu, because it is
always of a batch: cards and History lead here.
"""

import streamlit as st

from dashboard.auth import current_user
from dashboard.components import acts, formats, news, results, trouble, undo
from dashboard.components.batch_card import title
from dashboard.components.drawer import drawer_if_asked
from dashboard.components.mount import begin_page
from dashboard.language import t
from dashboard.resources import desk
from data.results import Results


def heard(act: str, name: str) -> None:
    """What was pressed in the table: another axis changes the address; the rest is done as on a card."""
    if act in ("rows", "cols", "swap"):
        with trouble.callback():
            found = desk().results.of(st.query_params.get("batch", ""))
            if found:
                results.put(act, name, found)
    else:
        acts.perform(act, name, user.id)


def table() -> None:
    """The view, a fragment: what moves in the batch draws nothing else on the page."""
    with news.turn():
        seen, batch_id = news.seen(), st.query_params.get("batch", "")
        found: Results | None = None
        with trouble.live_part("results", of=(batch_id, *results.chosen())):
            found = desk().results.of(batch_id) if batch_id else None
            if found:
                results.draw(batch_id, found, heard)
            else:
                nothing(batch_id)
            acts.follow_up()
        undo.show(heard)
        results.keep_true(found, seen)


def nothing(batch_id: str) -> None:
    """No batch is named, or nothing of it is left: leads to this person's last ones."""
    with st.container(key="results_empty"):
        st.subheader(t("There is no such batch") if batch_id else t("Which batch?"), anchor=False)
        st.caption(t("A batch has its results on its card, and in History where `batch:` is searched for."))
        for batch in desk().batches.recent(user.id):
            st.button(formats.literal(title(batch)), key=f"results_of_{batch.id}", on_click=show, args=[batch.id])
        if st.button(t("Go to History"), type="primary", key="to_history"):
            st.switch_page("app_pages/history.py")


def show(batch_id: str) -> None:
    """Puts a batch into the address."""
    st.query_params.clear()
    st.query_params["batch"] = batch_id


begin_page()
user = current_user()
st.fragment(table)()
drawer_if_asked(user.id)
