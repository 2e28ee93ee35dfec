"""Finds every sentence of ours that a person may read, in the code and in the catalogue, for the tests of languages.

What is drawn goes through `t`, `tn` or `spoken`; what `data` and the server say is made by `Sentence` and its kin. The
English stands in the call, or in a constant of the same file whose name stands there.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from data.catalog import load_catalog

ROOT = Path(__file__).resolve().parents[1]
_TAKES = {
    "t": slice(0, 1), "spoken": slice(0, 1), "tn": slice(1, 3), "Sentence": slice(0, 1), "counted": slice(1, 3),
    "Joined": slice(1, 3), "paragraph": slice(0, None), "Cause": slice(0, 2), "refuse": slice(1, 2),
}  # fmt: skip
"""Which arguments of these are sentences."""
_NO_TEXT = {"KEYS", "FAMILIES"}
"""Constants of words.py that hold names of settings and of products."""


@cache
def said() -> frozenset[str]:
    """All of them."""
    found = set(_of_the_catalogue())
    for room in ("dashboard", "data", "callback_server"):
        for file in (ROOT / room).glob("**/*.py"):
            found |= set(_of_file(file))
    return frozenset(text for text in found if re.search("[A-Za-z]{2}|{[a-z]", text) or text in (" ", ", "))


def _of_file(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = dict(_constants(tree))
    if file.name == "words.py":
        for name, value in constants.items():
            if name not in _NO_TEXT:
                yield from _texts(value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for argument in node.args[_TAKES.get(node.func.id, slice(0, 0))]:
                yield from _resolved(argument, constants)


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """What the file's own names stand for, also where several are set in one line."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                match target, node.value:
                    case ast.Name(id=name), value:
                        yield name, value
                    case ast.Tuple(elts=names), ast.Tuple(elts=values):
                        yield from (
                            (one.id, value)
                            for one, value in zip(names, values, strict=True)
                            if isinstance(one, ast.Name)
                        )


def _resolved(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The texts that an argument may be, as far as the file itself tells."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _resolved(one, constants)
            yield from _resolved(other, constants)
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)) if name in constants:
            yield from _texts(constants[name])
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get")) if name in constants:
            yield from _texts(constants[name])


def _texts(node: ast.expr, *, inner: bool = False) -> Iterator[str]:
    """The texts in a constant. Inside a table, lowercase words alone are names for programs."""
    match node:
        case ast.Constant(value=str(text)):
            if not (inner and re.fullmatch("[a-z_]+", text)):
                yield text
        case ast.Dict(keys=keys, values=values):
            for each in [*(key for key in keys if key), *values]:
                yield from _texts(each, inner=True)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for each in elements:
                yield from _texts(each, inner=True)


def _of_the_catalogue() -> Iterator[str]:
    """What our own models' settings are called, and what is said about them; names of models are names."""
    for spec in load_catalog(ROOT / "data" / "catalog.toml").models:
        yield spec.paused
        yield from spec.references.roles if spec.references else ()
        for param in spec.params:
            yield from (param.label, param.help)
            labels = [param.value_label(value) for value in param.allowed]
            yield from (label for label in labels if re.search("[a-z]{2}", label))
