"""In the batch dialog: whether the form's references go with each picture, and which ones these are.

A tick alone is overlooked: *Edit* has put a picture into the form, and whoever then starts a list buys edits of it.
"""

from collections.abc import Callable
from html import escape

import streamlit as st

from dashboard import resources
from dashboard.components import awaited
from dashboard.components.batch_kept import Kept
from dashboard.language import t, tn
from data.images import StoredImage


def choice(here: Kept, on_change: Callable[[str], None]) -> None:
    """The tick and the pictures beside it; nothing where the form has none."""
    images: list[StoredImage] = list(st.session_state.get("references") or ())
    coming = awaited.waiting()
    if not images and not coming:
        return
    st.session_state["batch_references"] = here.references
    label = tn(len(images) + len(coming), "Make each from the form’s reference picture too",
               "Make each from the form’s {n} reference pictures too")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="batch_with_references"):
        st.checkbox(
            label, key="batch_references", on_change=on_change, args=("references",), width="content",
            help=t("Without it, every picture is made from its prompt alone. The form keeps its references."),
        )  # fmt: skip
        st.html("".join([
            f"<div class='batch-references{'' if here.references else ' off'}'>",
            *(_picture(image, number) for number, image in enumerate(images, start=1)),
            *(f"<span title='{escape(name)}'>…</span>" for _, name in coming), "</div>",
        ]), width="content")  # fmt: skip


def _picture(image: StoredImage, number: int) -> str:
    name = escape(image.filename or t("Image {number}", number=number))
    return f"<img src='{escape(resources.picture_url(image.sha256, '320'))}' alt='{name}' title='{name}'>"
