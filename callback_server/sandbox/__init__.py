"""The stranger: a stand-in for three providers that speaks their wires over real HTTP and keeps its own books.

They share one port, one key and one ledger: kie.ai under `/api/v1` (and its files), Google's Gemini under `/gemini`,
ByteDance's Ark under `/ark/api/v3`. `models.check`, `gemini_rules.check` and `ark_rules.check` are its readings of what
a request may contain, without HTTP.

It imports nothing of ours, on purpose: two independent readings of one protocol check each other.

A person can try what failure looks like by writing a directive into the prompt, for example
``a red kite [[fault:stuck]]`` or ``a red kite [[fault:fail=400]] [[fault:callback_twice]]``. The names, their
values and what they do are listed in ``faults.py`` and at ``GET /sandbox/faults``; programs set the same faults
with ``POST /sandbox/faults``.
"""

from .app import create_app
from .config import SandboxConfig

__all__ = ["SandboxConfig", "create_app"]
