"""Settings: is everything well, what may be spent, how to leave practice mode, what is configured, what is remembered.

All of it on one page, so that the browser finds whatever is looked for; where there is room its sections stand beside
it as a list. Each begins with the question that it answers.
"""

from html import escape

import streamlit as st

from dashboard import language
from dashboard.auth import current_user
from dashboard.components import budgets, elsewhere, formats, lamps, trouble, words
from dashboard.components.controls import joined
from dashboard.components.mount import begin_page
from dashboard.components.remap import remap
from dashboard.components.server import about
from dashboard.language import t
from dashboard.resources import desk
from dashboard.retold import retold
from data.sentences import paragraph

begin_page()
user = current_user()
known = about()
SECTIONS = {"health": t("Health"), "budgets": t("Budgets"), "real": t("Make real pictures"),
            "configured": t("What is configured"), "you": t("About you"), "keys": t("Keys")}  # fmt: skip
"""By their anchors."""
if not known.practice:
    del SECTIONS["real"]


def section(anchor: str, question: str) -> None:
    """The head of one."""
    st.header(SECTIONS[anchor], anchor=anchor)
    st.caption(question)


def configured() -> None:
    """Name and value of each setting. Its own list: a table would be cut off at the edge of a phone."""
    rows = "".join(f"<dt>{escape(one['name'])}</dt><dd>{escape(retold(one['value']))}</dd>" for one in known.configured)
    st.html(f"<dl>{rows}</dl>")


def speak() -> None:
    """The language's widget, as its callback."""
    with trouble.callback():
        language.choose(user.id, st.session_state["speak"])


def you() -> None:
    """Language, who this is, and what the form starts with."""
    st.segmented_control(
        t("Language"), list(language.LANGUAGES), default=language.language(), required=True, key="speak",
        format_func=language.LANGUAGES.__getitem__, on_change=speak,
    )  # fmt: skip
    elsewhere.switch(user.id)
    kept = desk().preferences.all(user.id)
    names = {"choice": t("Model"), "count": t("Pictures at once")}
    told = {
        name: joined(kept[name]) if isinstance(kept[name], list) else str(kept[name])
        for name in names
        if kept.get(name)
    }
    remembered = " · ".join(f"{names[name]}: **{formats.literal(value)}**" for name, value in told.items())
    if user.signed_in:
        st.markdown(t("Signed in as **{name}**.", name=formats.literal(user.name)))
    else:
        st.markdown(t("No sign-in is configured: everybody who opens this desk is the same local user."))
    starts, nothing = t("The form starts with what you used last."), t("Nothing is remembered yet.")
    st.markdown(t(paragraph(starts, remembered or nothing)))
    if user.signed_in:
        st.button(t(words.SIGN_OUT), key="sign_out", on_click=st.logout)


beside, page = st.columns([2, 9], gap="large")
with beside, st.container(key="settings_list"):
    st.markdown("\n".join(f"- [{title}](#{anchor})" for anchor, title in SECTIONS.items()))
with page, st.container(key="settings"):
    section("health", t("Is everything well?"))
    lamps.lamps()

    section("budgets", t("How much may be asked for in a month?"))
    budgets.budgets(user.id)

    if known.practice:
        section("real", t("How does this desk begin to make real pictures?"))
        st.markdown(t(words.LEAVE_PRACTICE))

    section("configured", t("With which settings was the callback server started?"))
    if known.configured:
        configured()
        st.caption(t("Secrets are shown only as a mask. Change them in the environment or in `.env`, then restart."))
    else:
        st.caption(t("The callback server tells this once it runs."))

    section("you", t("Which language, and what is remembered of you?"))
    you()

    section("keys", t("Which key does what? Press one of them, then the key that it shall be."))
    remap(user.id)
