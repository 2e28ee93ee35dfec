"""Picture Desk's table of contents: page settings, who is here, the pages, and what every page shows."""

from pathlib import Path

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard import language
from dashboard.auth import current_user, is_here
from dashboard.callbacks import never_interrupted
from dashboard.components import deleted, keymap, keys, people, server, toasts, words
from dashboard.components.mount import mount_page, start_clock, style_page
from dashboard.components.now import pulse
from dashboard.language import t
from dashboard.resources import desk
from data.catalog import follow
from data.errors import PictureDeskError

ASSETS = Path(__file__).resolve().parent / "assets"

never_interrupted()
# A file of ours: an icon by name would be fetched from a font host.
st.set_page_config(page_title=words.APP, page_icon=str(ASSETS / "favicon.png"), layout="wide")
st.logo(str(ASSETS / "logo.svg"), size="large")
style_page()

language.start()
pages = {
    words.GENERATE: st.Page("app_pages/generate.py", title=t(words.GENERATE), icon=":material/brush:", default=True),
    words.HISTORY: st.Page("app_pages/history.py", title=t(words.HISTORY), icon=":material/photo_library:"),
    words.COMPARE: st.Page("app_pages/compare.py", title=t(words.COMPARE), icon=":material/compare:"),
    words.RESULTS: st.Page("app_pages/results.py", title=t(words.RESULTS), visibility="hidden"),
    words.SETTINGS: st.Page("app_pages/settings.py", title=t(words.SETTINGS), icon=":material/settings:"),
}
page = st.navigation(list(pages.values()), position="top" if is_here() else "hidden")
name = next((name for name, one in pages.items() if one.url_path == page.url_path), words.GENERATE)


def title(running: int) -> str:
    """Of the tab: how many of one's own tasks are under way, for whoever has turned to something else meanwhile."""
    return f"({running}) {t(words.APP)}" if running else f"{page.title} · {t(words.APP)}"


start_clock()
if st.session_state.get("page") != name:  # a visit begins: what an earlier one had open or frozen is over
    st.session_state["page"] = name
    for snapshot in (
        "history", "list", "selected", "undo", "deleted_list", "gallery_drawn", "gallery_missing", "pair_ring",
        "results_order", "batch_open", "templating", "choosing", "view_asked", "export_asked",
    ):  # fmt: skip
        st.session_state.pop(snapshot, None)
try:
    follow(desk().settings.state_dir)
    user = current_user()
    people.greet(user)
    language.settle(user.id)
    keymap.settle(user.id, keys.table())
    st.set_page_config(page_title=title(desk().history.active_count(user.id)))
    server.look()
    server.banners()
    page.run()
    pulse(user.id, title)
    toasts.show()
    mount_page(name)
    keys.keys(name, deleted=name == words.HISTORY and deleted.is_asked_for())
except (PictureDeskError, SQLAlchemyError) as error:
    st.error(t(words.DATABASE_TROUBLE), icon=":material/database:")
    st.button(t(words.TRY_AGAIN), key="try_again", type="primary")
    with st.expander(t(words.DETAILS)):
        told = t(error.sentence) if isinstance(error, PictureDeskError) else str(error)
        st.code(told, language=None, wrap_lines=True)
