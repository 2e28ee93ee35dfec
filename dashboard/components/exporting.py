"""The list as a table for other programs: what is in it is said first, then the browser saves it."""

import streamlit as st

from dashboard.components import gallery, listing
from dashboard.language import t, tn
from dashboard.resources import desk, now
from data.export import to_csv
from data.query import Query
from data.search import COUNTED, SELECTED


def ask() -> None:
    """Opens the question at the next run."""
    st.session_state["export_asked"] = True


def dialog_if_asked(person: str, query: Query) -> None:
    """Says what will be in the file, and hands it over."""
    if not st.session_state.get("export_asked"):
        return
    matching = gallery.counted(query, person)

    @st.dialog(t("Export as CSV"), on_dismiss=_close)
    def question() -> None:
        many = tn(matching, "{n} request", "{n} requests")
        if matching > COUNTED:
            most = f"{SELECTED:,}"
            many = t("The newest, at most {n} requests", n=most)
            if query.sort:
                many = t("The first of the list, at most {n} requests", n=most)
        st.write(
            t("{many}, one line each: prompt, model, person, settings, status, cost, files, star, tags, project and "
              "pick.", many=many)
        )  # fmt: skip
        st.caption(t("The pictures themselves are not in it: select them and download a ZIP."))
        st.download_button(
            t("Download"), lambda: _table(query, person), file_name=f"picture-desk-{now():%Y-%m-%d}.csv",
            mime="text/csv", type="primary", icon=":material/download:", key="export_csv", on_click="ignore",
        )  # fmt: skip

    question()


def _close() -> None:
    st.session_state.pop("export_asked", None)


def _table(query: Query, person: str) -> bytes:
    """Of what the list shows; nothing that has come since."""
    kept = listing.known()
    top = kept.top if kept is not None else None
    cards = desk().search.page(query, person, top=top, limit=SELECTED).cards
    marks = desk().marks.of([card.id for card in cards], person)
    return to_csv(cards, marks, desk().preferences.everybodys("name"))
