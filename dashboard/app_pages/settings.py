"""Settings: is everything well, what is configured, how to leave practice mode, and what is remembered for you."""

import streamlit as st

from dashboard import language
from dashboard.auth import current_user
from dashboard.components import budgets, formats, lamps, trouble, words
from dashboard.components.controls import joined
from dashboard.components.server import about
from dashboard.language import t
from dashboard.resources import desk
from dashboard.retold import retold
from data.sentences import paragraph

user = current_user()
known = about()


def speak() -> None:
    """The language's widget, as its callback."""
    with trouble.callback():
        language.choose(user.id, st.session_state["speak"])


with st.container(width=760, key="settings"):
    st.header(t("Health"), anchor=False)
    lamps.lamps()

    st.header(t("Budgets"), anchor="budgets")
    budgets.budgets(user.id)

    if known.practice:
        st.header(t("Make real pictures"), anchor="real")
        st.markdown(t(words.LEAVE_PRACTICE))

    st.header(t("What is configured"), anchor=False)
    if known.configured:
        # A list, because its lines break at any width: on a phone a table would be cut off at the edge.
        st.markdown("\n".join(f"- `{one['name']}`: {formats.prose(retold(one['value']))}" for one in known.configured))
        st.caption(t("Secrets are shown only as a mask. Change them in the environment or in `.env`, then restart."))
    else:
        st.caption(t("The callback server tells this once it runs."))

    st.header(t("About you"), anchor=False)
    st.segmented_control(
        t("Language"), list(language.LANGUAGES), default=language.language(), required=True, key="speak",
        format_func=language.LANGUAGES.__getitem__, on_change=speak,
    )  # fmt: skip
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
