"""Compare: two pictures that the address names, `?a=<task>&b=<task>.2&mode=slider`, or a way to choose them.

Up to four more, `c` to `f`, stand beside these two; then there is one mode. The letter is a picture's number and stays
with it (a is 1), the order of the letters in the address is that in which they stand: `?c=…&a=…&b=…` has 3 first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from dashboard.auth import current_user
from dashboard.components import acts, pair, several, trouble, undo
from dashboard.components.drawer import drawer_if_asked
from dashboard.components.mount import begin_page
from dashboard.components.pair import Found, Shot
from dashboard.language import t
from dashboard.resources import desk, picture_url
from data.query import ME, Choice, Query

OFFERED = 12
RECENT = 24
"""Tasks among which a person's last pair is looked for."""
DONE = Query(status=Choice(("done",)))


def heard(act: str, name: str) -> None:
    """What was pressed in the view: the address changes, and the view is drawn by it."""
    asked = st.query_params
    if act in ("b", "mode", "bright"):
        asked.pop(act, None)
        if name not in ("", pair.MODES[0]):  # what goes without saying does not stand in the address
            asked[act] = name
    elif act == "other":
        asked.pop("b", None)
    elif act in ("front", "leave"):
        one = {letter: ref for letter, ref in named().items() if ref == name}
        rest = {letter: ref for letter, ref in named().items() if ref != name}
        put(one | rest if act == "front" else rest)
    elif act == "swap" and "a" in asked and "b" in asked:
        asked["a"], asked["b"] = asked["b"], asked["a"]
    else:
        acts.perform(act, name, user.id)


def compare() -> None:
    """The view, a fragment: walking, swapping and another mode draw nothing else on the page."""
    asked = st.query_params
    if named() and named().keys() not in ({"a"}, {"a", "b"}) and len(named()) < 3:
        put_two([*named().values()])
    with trouble.live_part("several" if len(named()) > 2 else "pair", of=tuple(named().items())):
        many = three_or_more() if len(named()) > 2 else {}
        a = pair.find(asked["a"]) if asked.get("a") else ""
        if many:
            several.draw(many, heard, person=user.id)
        elif isinstance(a, str):
            empty(a)
        else:
            b = other(asked["b"], a.shot) if asked.get("b") else None
            pair.draw(a, b, ring(a.shot, b.shot) if b else offers(a.shot), look(), heard, person=user.id)
        acts.follow_up()
    undo.show(heard)


def named() -> dict[str, str]:
    """What the address names, by letter, in its order."""
    return {letter: ref for letter, ref in st.query_params.items() if letter in acts.COMPARED and ref}


def put(refs: Mapping[str, str]) -> None:
    """Names these in this order, and no others; what else the address says stays."""
    rest = {name: value for name, value in st.query_params.items() if name not in acts.COMPARED}
    st.query_params.from_dict({**refs, **rest})


def put_two(refs: Sequence[str]) -> None:
    """Two at most are A and B, whatever their numbers were among several."""
    put(dict(zip("ab", refs, strict=False)))


def three_or_more() -> dict[int, Found]:
    """By number, all that the address names and that are there, each once; nothing where these are two at most."""
    found, refs = dict[int, Found](), set[str]()
    for letter, ref in named().items():
        one = pair.find(ref)
        if isinstance(one, str):
            st.warning(one, icon=":material/link_off:")
        elif one.shot.ref not in refs:
            refs.add(one.shot.ref)
            found[1 + acts.COMPARED.index(letter)] = one
    if len(found) > 2:
        return found
    put_two([one.shot.ref for one in found.values()])
    return {}


def look() -> pair.Look:
    """As the address has it; side by side where it names no mode of ours."""
    mode = st.query_params.get("mode", "")
    return pair.Look(mode if mode in pair.MODES else pair.MODES[0], bright=bool(st.query_params.get("bright")))


def other(ref: str, a: Shot) -> Found | None:
    """B, or a sentence on the page that says why there is none."""
    found = pair.find(ref)
    if isinstance(found, str):
        st.warning(found, icon=":material/link_off:")
        return None
    if found.shot.ref == a.ref:
        st.info(t("Both are the same picture. Choose another to compare it with."), icon=":material/content_copy:")
        return None
    return found


def ring(a: Shot, b: Shot) -> list[Shot]:
    """What B walks through: a snapshot of its siblings, taken when it was chosen, so that no picture slips in."""
    kept = st.session_state.get("pair_ring", ())
    if b.card.id not in kept:
        kept = st.session_state["pair_ring"] = desk().pairing.siblings(b.card.id)
    found = [shot for shot in pair.shots(desk().history.cards(kept)) if shot.ref != a.ref]
    return found if b.ref in {shot.ref for shot in found} else [b, *found]


def offers(a: Shot) -> list[Shot]:
    """What a picture may be compared with: its siblings, then the newest of all."""
    st.session_state.pop("pair_ring", None)
    near = desk().history.cards(desk().pairing.siblings(a.card.id))
    newest = desk().search.page(DONE, user.id, limit=OFFERED + 1).cards
    every = {shot.ref: shot for shot in pair.shots([*near, *newest])}
    every.pop(a.ref, None)
    return list(every.values())[:OFFERED]


def empty(why: str) -> None:
    """Nothing to compare yet: says how two are chosen, and offers this person's last two of one batch."""
    if why:
        st.warning(why, icon=":material/link_off:")
    with st.container(key="pair_empty"):
        st.subheader(t("Which two?"), anchor=False)
        if desk().glances.count() == 0:
            st.caption(t("Two pictures are needed for it, and there is none yet."))
            if st.button(t("Make the first one"), type="primary", key="make_first"):
                st.switch_page("app_pages/generate.py")
            return
        st.caption(
            t("Select two to six in History and press *Compare*, or choose *Compare with…* in the menu of a picture.")
        )
        if st.button(t("Go to History"), type="primary", key="to_history"):
            st.switch_page("app_pages/history.py")
        two = last_two()
        if two:
            st.caption(t("Or take your last two of one batch."))
            with st.container(horizontal=True):
                for shot in two:
                    st.image(picture_url(shot.picture.sha256, "320"), width=160, alt=shot.card.prompt)
            st.button(t("Compare these two"), key="last_two", on_click=choose, args=[shot.ref for shot in two])


def last_two() -> list[Shot]:
    """This person's newest two pictures of one batch; nothing where no batch has two."""
    mine = desk().search.page(replace(DONE, by=Choice((ME,))), user.id, limit=RECENT).cards
    made = pair.shots(mine[::-1])
    many = Counter(shot.card.batch_id for shot in made)
    batch = next((card.batch_id for card in mine if many[card.batch_id] > 1), None)
    return [shot for shot in made if shot.card.batch_id == batch][:2]


def choose(a: str, b: str) -> None:
    """Puts two pictures into the address."""
    st.query_params["a"], st.query_params["b"] = a, b


begin_page()
user = current_user()
st.fragment(compare)()
drawer_if_asked(user.id)
