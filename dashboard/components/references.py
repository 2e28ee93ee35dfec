"""Reference pictures: the ways to add some, and the slots that show what was taken or refused.

A file comes through `drop_zone.py`. A picture that is named by its address is one of ours, and taken at once
(`ours.py`), or has its slot until the server has fetched it (`awaited.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import awaited, chooser, form_words, formats, ours, trouble, words
from dashboard.components.controls import named
from dashboard.components.drop_zone import drop_zone, refuse
from dashboard.components.form import Ask, Form, keep_references
from dashboard.components.mount import mount
from dashboard.language import t
from data.catalog import ModelSpec, ReferenceSpec, catalog
from data.errors import PictureDeskError
from data.images import StoredImage
from data.linked import MOST_WAITING
from data.sentences import Sentence, paragraph
from data.shrinking import UPLOAD_MB, Fit


def references(form: Form, person: str) -> None:
    """The drop zone and the slots, with the limits of the models that take pictures."""
    takers = [(ask, taken) for ask in form.asks if (taken := _edit_spec(ask).references) is not None]
    limits = [taken for _, taken in takers]
    most = min((one.max for one in limits), default=0)
    roles = limits[0].roles if len({one.roles for one in limits}) == 1 else ()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="add_references"):
        with st.container(key="drop_zone"):
            drop_zone(limits, _fit(limits))
            without = [named(ask.spec) for ask in form.asks if _edit_spec(ask).references is None]
            if without and not form.references:  # otherwise the slots say it
                st.caption(formats.literal(form_words.text_alone(without)))
            if roles:
                st.caption(formats.literal(form_words.in_order(roles)))
        with st.container(horizontal=True, gap="small", width="content", key="other_sources"):
            chooser.button(most)
            _by_address(_fit(limits), most)
    chooser.dialog_if_open(person, most)
    _carried_here(_fit(limits), most)
    awaited.watch(person)
    images, refused, coming = form.references, st.session_state["refused"], awaited.waiting()
    fit = _together(_fit(limits), limits, images)
    if images or refused or coming:
        users = form_words.users([named(ask.spec) for ask, _ in takers], [named(ask.spec) for ask in form.asks])
        said = {name: t(text) for name, text in words.SLOTS.items()}
        data = {
            "slots": [
                _slot(image, index, most, roles) | _trouble(form, index, fit) for index, image in enumerate(images)
            ],
            "awaited": [
                {"id": link_id, "number": number, "name": name}
                for number, (link_id, name) in enumerate(coming, start=len(images) + 1)
            ],
            "refused": [{"id": key, "sentence": t(sentence)} for key, sentence in refused],
            "free": form_words.free(max(0, most - len(images) - len(coming)), roles[len(images) + len(coming) :]),
            "words": said | {"title": form_words.slots(len(images) + len(coming), most, users)},
            "how": t(words.REORDER) if most and len(images) > 1 else "",
        }
        mount("slots", key="slots", data=data, on_event=lambda act, name: _act(act, name, fit))


def _edit_spec(ask: Ask) -> ModelSpec:
    """The model that takes the references of this choice."""
    return catalog().get(ask.choice.edit or "") or ask.spec


def _by_address(fit: Fit, most: int) -> None:
    """A field for the address of a picture on the web, behind a button."""
    address, why = awaited.refused_address()
    if address and "address" not in st.session_state:  # Streamlit forgets a field of a page that was left
        st.session_state["address"] = address
    label, icon = (words.ADDRESS_REFUSED, "error") if why else (words.BY_ADDRESS, "link")
    with st.popover(t(label), icon=f":material/{icon}:", disabled=not most, key="by_address"):
        # A form: what it holds comes once, with its button. A field by itself would be told again by whatever else the
        # browser says before it has heard that the field is empty now.
        with st.form("address_form", border=False), \
             st.container(horizontal=True, vertical_alignment="bottom", gap="small"):  # fmt: skip
            st.text_input(t("Address of a picture"), key="address", placeholder="https://…")
            st.form_submit_button(t("Add"), key="add_address", on_click=_typed, args=(fit,))
        if why:
            st.error(formats.literal(t(why)), icon=":material/error:", width=400)
        st.caption(t("The desk fetches the picture itself, once, and forgets the address."))


def _typed(fit: Fit) -> None:
    """Takes the address. One that is refused stays in the field, to be mended there; or comes back to it, later."""
    state = st.session_state
    with trouble.callback():
        awaited.refuse_address("", "")
        if address := (state["address"] or "").strip():
            try:
                if link_id := _take_address(address, fit):
                    awaited.remember_typed(link_id, address)
            except PictureDeskError as error:
                awaited.refuse_address(address, error.sentence)
                return
            keep_references()
        state["address"] = ""


def _carried_here(fit: Fit, most: int) -> None:
    """Hears what is dropped or pasted around the drop zone and is no file: links, pictures of other pages, our own."""
    data = {"words": {"drop": t(words.DROP_HERE)}, "on": bool(most)}
    mount("carried", key="carried", data=data, on_event=lambda act, name: _carried(act, name, fit))


def _carried(act: str, addresses: str, fit: Fit) -> None:
    if act == "link":
        _link(addresses, fit)
    elif words.PASTED_IN_VAIN not in [sentence for _, sentence in st.session_state["refused"]]:
        refuse(words.PASTED_IN_VAIN)


def _link(addresses: str, fit: Fit) -> None:
    """Takes each of these addresses, one a line; or notes why not. A callback."""
    wanted = [address for address in addresses.splitlines() if address.strip()]
    with trouble.callback():
        for address in wanted[:MOST_WAITING]:
            try:
                _take_address(address, fit)
            except PictureDeskError as error:
                refuse(error.sentence)
        if len(wanted) > MOST_WAITING:
            taken = Sentence("Of {all} pictures the first {most} were taken.", all=len(wanted), most=MOST_WAITING)
            refuse(paragraph(taken, Sentence("Nothing was charged.")))
        keep_references()


def _take_address(address: str, fit: Fit) -> str | None:
    """The id of what is waited for; None where it was one of ours, and is there."""
    state = st.session_state
    image = ours.picture(address, fit)
    if image is None:
        return awaited.ask(state["form_of"], address, fit)
    if all(image.sha256 != known.sha256 for known in state["references"]):
        state["references"] = [*state["references"], image]
    return None


def _fit(limits: Sequence[ReferenceSpec]) -> Fit:
    """The size that every chosen model takes."""
    settings = resources.desk().settings
    pixels = [settings.max_reference_megapixels * 1_000_000, *(one.max_pixels for one in limits if one.max_pixels)]
    return Fit(_largest(min((one.max_mb for one in limits), default=UPLOAD_MB)) * 1_000_000, min(pixels))


def _together(fit: Fit, limits: Sequence[ReferenceSpec], images: Sequence[StoredImage]) -> Fit:
    """The size at which all of these together are taken as well; one alone may be larger, so none arrives that small.

    What is smaller than its part leaves the rest of it to the others.
    """
    total = min((one.total_mb * 1_000_000 for one in limits if one.total_mb), default=None)
    sizes = sorted(image.size for image in images)
    if total is None or sum(sizes) <= total:
        return fit
    for count, size in zip(range(len(sizes), 0, -1), sizes, strict=True):
        if size > total // count:
            break
        total -= size
    return replace(fit, size=min(fit.size, total // count))


def _largest(model_mb: int) -> int:
    return min(model_mb, resources.desk().settings.max_reference_mb)


def _slot(image: StoredImage, index: int, most: int, roles: Sequence[str]) -> dict[str, Any]:
    facts = f"{image.width} × {image.height}, {formats.megabytes(image.size)}"
    return {
        "id": image.sha256,
        "number": index + 1,
        "src": resources.picture_url(image.sha256, "320"),
        "name": image.filename or t("Image {number}", number=index + 1),
        "note": " · ".join(filter(None, [facts, t(image.note or "")])),
        "over": "" if index < most else form_words.over(most),
        "role": t(roles[index]) if index < len(roles) else "",
    }


def _trouble(form: Form, index: int, fit: Fit) -> dict[str, str]:
    """What a model has against this very picture, and whether a press mends it: the model was chosen after it.

    That they are too large together is said of those that are larger than their part.
    """
    one = form.references[index]
    too_large = not fit.takes(one.size, one.width, one.height)
    faults = [ask.fault for ask in form.refusing if ask.fault]
    mine = [
        fault for fault in faults
        if fault.field == f"references.{index}" or (too_large and fault.code == "references_too_large_together")
    ]  # fmt: skip
    sentences = {form_words.first_of(t(fault.sentence)) for fault in mine}
    if not sentences:
        return {}
    return {"trouble": " ".join(sorted(sentences)), "shrink": t("Make it smaller") if too_large else ""}


def _shrink(sha256: str, fit: Fit) -> None:
    """Puts a smaller copy in its place, unless that is among them already; what was added stays stored as it is."""
    store = resources.desk().artifacts
    with trouble.callback():
        found: dict[str, StoredImage] = {}
        for image in st.session_state["references"]:
            small = image
            if image.sha256 == sha256:
                small = store.take_reference(store.read_original(sha256), image.filename, fit=fit)
            found.setdefault(small.sha256, small)
        st.session_state["references"] = list(found.values())


def _act(act: str, name: str, fit: Fit) -> None:
    state = st.session_state
    images: list[StoredImage] = state["references"]
    if act == "remove":
        state["references"] = [image for image in images if image.sha256 != name]
        keep_references()
    elif act == "forget":
        awaited.forget(state["form_of"], name)
        keep_references()
    elif act == "shrink":
        _shrink(name, fit)
        keep_references()
    elif act == "move":
        state["references"] = moved(images, name)
        keep_references()
    elif act == "dismiss":
        state["refused"] = [one for one in state["refused"] if one[0] != name]


def moved(images: Sequence[StoredImage], wish: str) -> list[StoredImage]:
    """The pictures with one at another place: "<sha256> <place from 0>". A wish that fits nothing changes nothing."""
    sha256, _, place = wish.partition(" ")
    mine = [image for image in images if image.sha256 == sha256]
    if not mine or not place.isdecimal():
        return list(images)
    others = [image for image in images if image.sha256 != sha256]
    return [*others[: int(place)], *mine, *others[int(place) :]]
