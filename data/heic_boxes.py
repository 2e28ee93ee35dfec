"""The boxes of a HEIC file (ISO/IEC 14496-12 and 23008-12): where its main picture lies, and how that is laid out.

Nothing is decoded here. A stranger's boxes may name one another as often as fits into the file, so what they name is
found in one step and never copied anew: the time this takes grows as the file does, and `_MOST_NUMBERS` ends it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import error, unpack_from
from typing import NoReturn

from data.image_flaws import CONVERT, Flaw, too_many
from data.sentences import Sentence

_MOST_NUMBERS = 500_000  # read of a file; an honest one has some thousands
_MOST_STRETCHES = 2048  # 64 megapixels are 244 tiles of 512 pixels a side, each in one; an argument holds 128 KB
_MOST_OF_A_CONFIGURATION = 10_000  # bytes
_ALPHA = re.compile(rb"urn:mpeg:(hevc:2015:auxid:1|mpegB:cicp:systems:auxiliary:alpha)\x00")
_HDR = (16, 18)  # transfer characteristics (H.273): shown as they are, such pictures look pale
_KNOWN = (b"hvcC", b"ispe", b"irot", b"imir", b"clap", b"colr", b"pixi", b"pasp", b"auxC", b"clli", b"mdcv")
_REFERENCES = (b"auxl", b"dimg")
_CHANGING = (b"clap", b"irot", b"imir")

BROKEN = (error, LookupError, ValueError)
"""What comes of reading boxes that make no sense."""

Property = tuple[bytes, memoryview]  # kind and body


def _unknown() -> Flaw:
    return Flaw("unsupported_format", Sentence("is a HEIC picture of a kind that cannot be read here"), CONVERT)


@dataclass
class Plan:
    """What is to be decoded, and how it is laid out. Places are bytes of the file, sizes pixels."""

    width: int
    height: int
    columns: int
    configuration: bytes
    tiles: list[list[tuple[int, int]]]  # of each, the stretches that it consists of: place and length
    properties: list[Property]  # of the whole, in the order in which they work
    profile: bytes = b""
    matrix: int = 2  # 2: as the HEVC stream says (H.273)
    full_range: bool | None = None


@dataclass
class _Item:
    kind: bytes = b""
    properties: list[Property] = field(default_factory=list)
    method: int = 0  # 0: places are of the file, 1: of the box `idat`
    stretches: list[tuple[int, int]] = field(default_factory=list)

    def first(self, kind: bytes) -> memoryview:
        """The body of its first property of that kind. Raises LookupError."""
        return next((body for name, body in self.properties if name == kind), None) or _none(kind)


def _none(kind: bytes) -> NoReturn:
    raise LookupError(kind)


class Boxes:
    """The parts of `meta` that tell of pictures (ISO/IEC 14496-12, 8.11). Raises one of BROKEN."""

    def __init__(self, data: bytes) -> None:
        self._data, self._left = memoryview(data), _MOST_NUMBERS
        meta = dict(self._boxes(*dict(self._boxes(0, len(data)))[b"meta"], head=4))
        self._items: dict[int, _Item] = {}
        self._idat = meta.get(b"idat", (0, 0))
        self.main = self._number(meta[b"pitm"][0] + 4, 2 if self._byte(meta[b"pitm"][0]) == 0 else 4)
        self._read_kinds(*meta[b"iinf"])
        self._read_places(*meta[b"iloc"])
        self._read_properties(*meta[b"iprp"])
        self._wide = b"iref" in meta and self._byte(meta[b"iref"][0]) == 1
        self._references: dict[tuple[bytes, int], int] = {}  # how and by which item, and where it says to how many
        if b"iref" in meta:
            self._read_references(*meta[b"iref"])

    def alpha(self) -> int | None:
        """The item that says how opaque the main one is."""
        for number, item in self._items.items():
            is_alpha = any(kind == b"auxC" and _ALPHA.match(body, 4) for kind, body in item.properties)
            if is_alpha and self.main in self._parts(number, b"auxl"):
                return number
        return None

    def plan(self, number: int, max_pixels: int) -> Plan:
        """How an item is decoded. Raises Flaw besides."""
        main = self._items[number]
        order, columns = [number], 1
        width, height = unpack_from(">4xLL", main.first(b"ispe"))
        if main.kind == b"grid":
            rows, columns, width, height = self._grid(main)
            if rows * columns > _MOST_STRETCHES:
                raise _unknown()
            order = self._parts(number, b"dimg")
            if len(order) != rows * columns:
                raise ValueError("tiles are missing")
        if not 0 < width * height <= max_pixels:
            raise too_many(width, height, max_pixels) if width * height else ValueError("no pixels")
        tiles = {one: self._items[one] for one in order}  # a grid may show one of them in many places
        first = tiles[order[0]]
        configuration = bytes(first.first(b"hvcC")) if first.kind == b"hvc1" else b""
        if not 0 < len(configuration) <= _MOST_OF_A_CONFIGURATION or any(
            tile.kind != b"hvc1" or tile.method or tile.first(b"hvcC") != configuration for tile in tiles.values()
        ):  # fmt: skip
            raise _unknown()
        if not all(tile.stretches for tile in tiles.values()):
            raise ValueError("tiles of no bytes")
        if sum(len(tiles[one].stretches) for one in order) > _MOST_STRETCHES or (
            len([kind for kind, _ in main.properties if kind in _CHANGING]) > len(_CHANGING)
        ):
            raise _unknown()
        plan = Plan(width, height, columns, configuration, [tiles[one].stretches for one in order], main.properties)
        for _, body in (one for one in [*main.properties, *first.properties] if one[0] == b"colr"):
            self._colours(plan, body)
        return plan

    def _colours(self, plan: Plan, body: memoryview) -> None:
        kind = bytes(body[:4])
        if kind in (b"prof", b"rICC"):
            plan.profile = plan.profile or bytes(body[4:])
        elif kind == b"nclx":
            transfer, plan.matrix, full = unpack_from(">6xHHB", body)
            plan.full_range = bool(full & 0x80)
            if transfer in _HDR:
                raise _unknown()

    def _grid(self, main: _Item) -> tuple[int, int, int, int]:
        (place, length), start = main.stretches[0], self._idat[0] if main.method else 0
        body = bytes(self._data[start + place : start + place + length])
        rows, columns = body[2] + 1, body[3] + 1
        width, height = unpack_from(">LL" if body[1] & 1 else ">HH", body, 4)
        return rows, columns, width, height

    def _parts(self, number: int, wanted: bytes) -> list[int]:
        """The items that this one refers to in that way, in their order."""
        size = 4 if self._wide else 2
        if (at := self._references.get((wanted, number))) is None:
            return []
        return [self._number(at + 2 + size * each, size) for each in range(self._number(at, 2))]

    def _read_references(self, at: int, end: int) -> None:
        size = 4 if self._wide else 2
        for kind, (start, _) in self._boxes(at, end, head=4):
            if kind in _REFERENCES:
                self._references.setdefault((kind, self._number(start, size)), start + size)

    def _read_kinds(self, at: int, end: int) -> None:
        for kind, (start, _) in self._boxes(at, end, head=6 if self._byte(at) == 0 else 8):
            if kind == b"infe" and (version := self._byte(start)) >= 2:
                size = 2 if version == 2 else 4
                after = start + 4 + size + 2
                self._item(self._number(start + 4, size)).kind = bytes(self._data[after : after + 4])

    def _read_places(self, at: int, end: int) -> None:
        version, sizes = self._byte(at), self._number(at + 4, 2)
        of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
        wide = 4 if version == 2 else 2
        count, at = self._number(at + 6, wide), at + 6 + wide
        for _ in range(count):
            item, at = self._item(self._number(at, wide)), at + wide
            if version:
                item.method, at = self._number(at, 2) & 15, at + 2
            if item.stretches:
                raise ValueError("in two places")
            base, at = self._number(at + 2, of_base), at + 2 + of_base
            stretches, at = self._number(at, 2), at + 2
            if version == 0:
                of_index = 0
            for _ in range(stretches):
                at += of_index
                place, length = self._number(at, of_offset), self._number(at + of_offset, of_length)
                at += of_offset + of_length
                item.stretches.append((base + place, length))
                if at > end or (not item.method and base + place + length > len(self._data)):
                    raise ValueError("beyond the end")

    def _read_properties(self, at: int, end: int) -> None:
        known: list[Property] = []
        for kind, (start, stop) in self._boxes(at, end):
            if kind == b"ipco":
                known = [(name, self._data[a:b]) for name, (a, b) in self._boxes(start, stop)]
            elif kind == b"ipma":
                self._read_associations(start, known)

    def _read_associations(self, at: int, known: list[Property]) -> None:
        of_id, of_index = 4 if self._byte(at) else 2, 2 if self._byte(at + 3) & 1 else 1
        count, at = self._number(at + 4, 4), at + 8
        for _ in range(count):
            item, at = self._item(self._number(at, of_id)), at + of_id
            indexes, at = self._byte(at), at + 1
            for _ in range(indexes):
                index, at = self._number(at, of_index), at + of_index
                essential = index >> (8 * of_index - 1)
                index &= (1 << (8 * of_index - 1)) - 1
                if index:
                    one = known[index - 1]
                    if essential and one[0] not in _KNOWN:
                        item.kind = b"????"  # whoever does not know it must not show the picture
                    item.properties.append(one)

    def _item(self, number: int) -> _Item:
        return self._items.setdefault(number, _Item())

    def _boxes(self, at: int, end: int, head: int = 0) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """Kind and body (from, to) of each box in a stretch, after `head` bytes."""
        at += head
        while at + 8 <= end:
            length, kind = self._number(at, 4), bytes(self._data[at + 4 : at + 8])
            start = at + 8
            if length == 1:
                length, start = self._number(start, 8), start + 8
            stop = end if length == 0 else at + length
            if not start <= stop <= end:
                raise ValueError("a box without an end")
            yield kind, (start, stop)
            at = stop

    def _number(self, at: int, size: int) -> int:
        self._left -= 1
        if at + size > len(self._data) or self._left < 0:
            raise ValueError("beyond the end")
        return int.from_bytes(self._data[at : at + size])

    def _byte(self, at: int) -> int:
        return self._data[at]
