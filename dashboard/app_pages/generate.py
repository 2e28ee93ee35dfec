"""Generate: the form on the left, what became of it on the right."""

import streamlit as st

from dashboard.auth import current_user
from dashboard.components import form
from dashboard.components.batch import dialog_if_open
from dashboard.components.composer import composer
from dashboard.components.drawer import drawer_if_asked
from dashboard.components.mount import begin_page
from dashboard.components.now import now_strip

begin_page()
user = current_user()
form.start(user.id)

left, right = st.columns([5, 7], gap="large")
with right:  # first: after a press its cards are what a person waits for
    now_strip(user.id)
with left, st.container(key="composer"):
    composer(user.id)

if not dialog_if_open(user.id):  # one dialog at a time
    drawer_if_asked(user.id)
