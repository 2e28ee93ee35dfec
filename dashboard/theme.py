"""Spares Streamlit one piece of work: at each drawing, of the smallest part too, it writes our whole theme anew.

It looks up six times forty options and spells every name in snake case, a sixth of what an open page costs when a task
moves; and all of it changes only with the file. What we put ourselves before is no public function, so a test holds
that it is there, and that browsers are told the same, byte for byte.
"""

from functools import cache

from streamlit import config
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

_write = app_session._populate_theme_msg
_known: dict[str, CustomThemeConfig] = {}


@cache
def write_once() -> None:
    """From now on each section of the theme is written once and then copied, until the file is read anew."""
    config.on_config_parsed(_known.clear, force_connect=True)
    app_session._populate_theme_msg = copy


def copy(msg: CustomThemeConfig, section: str = "theme") -> None:
    """In place of Streamlit's own: writes the section into the message."""
    written = _known.get(section)
    if written is None:
        written = CustomThemeConfig()
        _write(written, section)
        _known[section] = written
    if written.ByteSize():  # a section without options stays absent
        msg.MergeFrom(written)
