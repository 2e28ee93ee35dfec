"""What a person has pressed is done to its end.

Streamlit ends a run at any look at the session and at any message to the browser, once the browser has asked for
something newer, and its callbacks with it (`ScriptRunner._maybe_handle_execution_control_request`): a press that had
begun to fill the form filled half of it, one that had begun to buy bought nothing, and nobody heard of it. Behind the
callbacks it looks for newer requests by itself, before it draws, so nothing waits longer than a callback takes. There
is no setting for it; `tests/dashboard/test_callbacks.py` fails where a new Streamlit does it in another way.
"""

from functools import wraps
from typing import Any

from streamlit.runtime.state import SafeSessionState


def never_interrupted() -> None:
    """For all sessions of this process, from now on. To be called as often as one likes."""
    run = SafeSessionState.on_script_will_rerun
    if hasattr(run, "__wrapped__"):
        return

    @wraps(run)
    def to_the_end(self: SafeSessionState, *args: Any, **kwargs: Any) -> None:
        runner = self._yield_callback.__self__  # type: ignore[attr-defined]  # its method
        runner._execing = False
        try:
            run(self, *args, **kwargs)
        finally:
            runner._execing = True

    SafeSessionState.on_script_will_rerun = to_the_end  # type: ignore[method-assign]
