"""Which colours and which kind of picture a prompt calls for, by its words in English and Chinese."""

import hashlib
from dataclasses import dataclass

Rgb = tuple[int, int, int]


def _rgb(text: str) -> Rgb:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


@dataclass(frozen=True)
class Palette:
    """Colours of one mood: the sky from top to horizon, the light, and land from far to near."""

    name: str
    top: Rgb
    middle: Rgb
    horizon: Rgb
    light: Rgb
    far: Rgb
    near: Rgb
    accent: Rgb
    night: bool = False

    def ramp(self) -> tuple[Rgb, ...]:
        """Return all colours in an order that runs well as one gradient."""
        return self.near, self.top, self.middle, self.accent, self.horizon, self.light


def _palette(name: str, colours: str, *, night: bool = False) -> Palette:
    top, middle, horizon, light, far, near, accent = (_rgb(part) for part in colours.split())
    return Palette(name, top, middle, horizon, light, far, near, accent, night)


PALETTES = {
    item.name: item
    for item in (
        _palette("sunset", "2b2350 a8446b f6a56b ffe3a6 a4577a 1d1533 ff6b4a"),
        _palette("dawn", "5a7fb5 c9b8d8 fbd9c4 fff3dc a9a0c4 3a3d63 f08a7a"),
        _palette("ocean", "0f4c7a 3f93b8 cfe9e6 fffbe8 4f8fa8 0a2c44 f2b950"),
        _palette("forest", "7fa8a0 b9cdb4 eef0d8 fff8d6 86a594 12302a e0a84c"),
        _palette("night", "060b22 142552 3c5a93 f4efd8 2c4278 050817 f2c66d", night=True),
        _palette("snow", "6f93bd b6cde4 f3ecef fffdf6 aebfd8 2f4766 e7826d"),
        _palette("neon", "12062e 4a0f6b e0348f 8ff3ff 5a1a86 080418 20e0e8", night=True),
        _palette("desert", "4f86a8 e6c9a8 f8dcae fff2d2 d9966a 6b2f2b c8502f"),
        _palette("gold", "1c1a22 5d4630 d7a552 fff0c0 7d5f35 14110f e9b949"),
        _palette("spring", "8fb8de e4cfe4 fbe3e6 ffffff b8a9cc 4d5f52 e9698a"),
        _palette("autumn", "6a7f96 d9b896 f6d9a4 fff0cc b5714a 3a1f1c d9541e"),
        _palette("ink", "d9d6cc e8e4d9 f3efe5 fffdf5 a9adab 22282c b5382a"),
        _palette("mint", "1f5f66 58a89c d8efd9 fffbe0 4f948f 0d2f37 ff8c6b"),
        _palette("berry", "2a1746 77306f e58aa0 ffe6d9 7b3f80 160d28 ffb34d"),
    )
}
# the first words that occur in a prompt win, so the more telling ones come first
PALETTE_WORDS: tuple[tuple[str, str], ...] = (
    ("neon", "neon cyber synthwave arcade 霓虹 赛博"),
    ("ink", "ink wash sumi calligraphy monochrome 水墨 国画"),
    ("night", "night midnight moon star galaxy aurora dark 夜 月 星 极光"),
    ("sunset", "sunset dusk evening fire lava red 日落 夕阳 黄昏 晚霞 红"),
    ("dawn", "dawn sunrise morning pastel mist fog 日出 清晨 黎明 雾"),
    ("snow", "snow winter ice glacier frost arctic polar 雪 冰 冬"),
    ("desert", "desert dune sand canyon mars 沙漠 沙"),
    ("spring", "spring blossom cherry sakura pink flower rose 春 樱 花 粉"),
    ("autumn", "autumn fall maple orange pumpkin fox 秋 枫"),
    ("ocean", "ocean sea wave beach island boat sail whale lake river blue 海 湖 船 河 蓝"),
    ("forest", "forest tree wood jungle green garden moss 森林 树 林 绿"),
    ("gold", "gold luxury royal banana yellow honey 金 黄"),
    ("berry", "berry wine purple velvet dream magic 紫 梦"),
)
SCENE_WORDS: tuple[tuple[str, str], ...] = (
    ("bloom", "flower blossom petal rose bouquet lotus sakura dahlia 花 樱 莲"),
    ("poster", "poster geometric bauhaus logo icon pattern shapes minimal flat 海报 几何 图标"),
    ("silk", "abstract silk ribbon flow fluid marble swirl wallpaper gradient texture 抽象 丝绸 流动"),
    ("bokeh", "bokeh lights party christmas glitter lantern candle 灯 光斑"),
    ("city", "city skyline street tokyo cyber neon building tower urban shanghai 城市 街 楼 霓虹"),
    ("ocean", "ocean sea wave beach boat sail ship lake harbour harbor coast island whale 海 湖 船 岛"),
    ("dunes", "desert dune sand sahara camel mars 沙漠 沙"),
    ("forest", "forest tree wood pine jungle deer fox bear 森林 树 林 鹿"),
    ("mountains", "mountain hill alps peak valley landscape snow sunset sunrise sky 山 雪 日落 日出 风景"),
)
ANY_SCENE = ("mountains", "silk", "ocean", "poster", "dunes", "mountains", "bloom", "forest", "bokeh", "mountains")


def _first(prompt: str, table: tuple[tuple[str, str], ...]) -> str | None:
    lowered = prompt.lower()
    plain = "".join(char if char.isalnum() else " " for char in lowered).split()
    latin = {*plain, *(word.rstrip("s") for word in plain)}
    for name, words in table:
        for word in (name, *words.split()):
            if word in latin or (not word.isascii() and word in lowered):
                return name
            if len(word) > 3 and any(other.startswith(word) for other in latin):  # snowy, flowers, foggy
                return name
    return None


def digest(*parts: object) -> int:
    """Return a number that always is the same for the same parts."""
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).digest()[:8], "big")


def palette_for(prompt: str) -> Palette:
    """Choose the palette: by words, otherwise by the prompt's own number."""
    name = _first(prompt, PALETTE_WORDS)
    return PALETTES[name] if name else list(PALETTES.values())[digest("palette", prompt) % len(PALETTES)]


def scene_for(prompt: str) -> str:
    """Choose the kind of picture: by words, otherwise by the prompt's own number."""
    return _first(prompt, SCENE_WORDS) or ANY_SCENE[digest("scene", prompt) % len(ANY_SCENE)]
