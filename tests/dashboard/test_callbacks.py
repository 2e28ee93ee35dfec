"""Whatever the browser asks for meanwhile, a callback is done to its end."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.callbacks import never_interrupted


def page() -> None:
    """A press during which the browser asks for something newer, three times."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    def ask() -> None:
        context = get_script_run_ctx()
        assert context is not None
        assert context.script_requests is not None
        assert context.script_requests.request_rerun(RerunData())

    def pressed() -> None:
        ask()
        st.session_state["begun"] = True
        ask()
        st.query_params["task"] = "kite"
        ask()
        st.session_state["done"] = True

    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.button("Press", on_click=pressed)


@pytest.fixture
def app() -> AppTest:
    never_interrupted()
    return AppTest.from_function(page)


def test_a_callback_is_done_to_its_end_and_the_newer_request_is_served(app: AppTest) -> None:
    app.run().button[0].click().run()
    assert app.session_state["begun"]
    assert app.session_state["done"]
    assert app.session_state["runs"] == 2
    assert not app.exception
