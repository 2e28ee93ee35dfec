"""Numbers, money and times as people read them, and text made safe for places that read Markdown."""

import math
import re
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from data.glances import COUNTED
from data.money import CREDIT_USD_MICRO, MICRO, MICRO_CREDITS_PER_USD, format_credits, format_usd

_FINEST = MICRO // 100
"""Micro-credits. What has a finer part is told rounded: where a provider counts tokens, each sum has six decimals."""


def money(micro: int, *, practice: bool = False) -> str:
    """What was charged: "4 credits ($0.02)"; in practice "4 practice credits", which are worth nothing."""
    text = in_credits(micro, practice=practice)
    return text if practice else f"{text} ({_dollars(micro)})"


def money_short(micro: int) -> str:
    """What was charged, where there is little room: "4 cr"."""
    return f"{figure(micro)} cr"


def about_short(micro: int | None) -> str:
    """What it will cost, where there is little room: "≈ 4 cr", or "price unknown"."""
    return format_credits(None) if micro is None else _around(money_short(micro))


def balance(micro: int, *, practice: bool) -> str:
    """What an account holds: "1,984 credits left ($9.92)"."""
    left, dollars = micro / MICRO, micro * CREDIT_USD_MICRO / MICRO / MICRO
    return f"{left:,.0f} practice credits left" if practice else f"{left:,.0f} credits left (${dollars:,.2f})"


def about(micro: int | None, *, times: int = 1, in_dollars: bool = True, practice: bool = False) -> str:
    """What it will cost: "≈ 16 credits ($0.08)", or "price unknown"."""
    if micro is None:
        return format_credits(None)
    total = micro * times
    text = _around(in_credits(total, practice=practice))
    return f"{text} ({_dollars(total)})" if in_dollars and not practice else text


def in_credits(micro: int, *, practice: bool = False) -> str:
    """ "4 credits", "1 credit", "1,000 credits", "6.5 practice credits"."""
    return practised(f"{figure(micro)} {'credit' if micro == MICRO else 'credits'}", practice=practice)


def figure(micro: int) -> str:
    """Credits as a number alone: exact with up to two decimals, "≈ 27.6" where there are more."""
    many = Decimal(format_credits(micro))
    if not micro % _FINEST:
        return f"{many:,}"
    return f"≈ {round(many, 1) if many >= 10 else _three_figures(many):,f}"


def _dollars(micro: int) -> str:
    """The same in dollars, rounded where the credits are."""
    if not micro % _FINEST:
        return format_usd(micro)
    usd = Decimal(micro) / MICRO_CREDITS_PER_USD
    return f"${usd:.2f}" if usd >= 1 else f"${_three_figures(usd):f}"


def _three_figures(value: Decimal) -> Decimal:
    return value.normalize(Context(prec=3))


def _around(text: str) -> str:
    return f"≈ {text.removeprefix('≈ ')}"


def practised(text: str, *, practice: bool) -> str:
    """A sentence as it is, or in practice with its credits called what they are."""
    return re.sub(r"(?<!practice )\bcredits?\b", r"practice \g<0>", text) if practice else text


def requests(count: int, most: int = COUNTED) -> str:
    """ "1 request", "13 requests", "more than 10,000 requests" where the count went no further."""
    many = f"more than {most:,}" if count > most else f"{count:,}"
    return f"{many} {'request' if count == 1 else 'requests'}"


def seconds(value: float) -> str:
    """A wait: "18 s", "4 min"."""
    return f"{max(1, round(value))} s" if value < 99.5 else f"{round(value / 60)} min"


def within(value: float) -> str:
    """An upper bound of a wait, rounded up: "41 s", "4 min"."""
    return seconds(math.ceil(value) if value < 99 else math.ceil(value / 60) * 60)


def span(low: float, high: float) -> str:
    """Waits of several: "9–40 s", "18 s", "40 s to 3 min"."""
    first, last = seconds(low), seconds(high)
    if first == last:
        return first
    return f"{first.removesuffix(' s')}–{last}" if last.endswith("s") else f"{first} to {last}"


def length(milliseconds: int) -> str:
    """How long a video is: "0:08", "2:28"."""
    whole = max(1, round(milliseconds / 1000))
    return f"{whole // 60}:{whole % 60:02}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def local(moment: datetime) -> datetime:
    """The moment in the browser's time zone, where it tells one."""
    try:
        return moment.astimezone(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return moment


def clock(moment: datetime) -> str:
    """The time of day at the person's place: "14:20"."""
    return local(moment).strftime("%H:%M")


def date_and_time(moment: datetime) -> str:
    """ "3 October 2026, 14:20:05" at the person's place."""
    there = local(moment)
    return f"{there.day} {there:%B %Y, %H:%M:%S}"


def full_date(there: date) -> str:
    """ "3 October 2026"."""
    return f"{there.day} {there:%B %Y}"


def day(moment: datetime, now: datetime) -> str:
    """ "8 Dec" at the person's place, with the time of day where that is today or tomorrow."""
    there = local(moment)
    near = moment - now < timedelta(days=1)
    return f"{there.day} {there:%b}, {there:%H:%M}" if near else f"{there.day} {there:%b}"


def age(moment: datetime, now: datetime) -> str:
    """How long ago, short: "just now", "5 min ago", "3 h ago", "2 d ago", then the date."""
    gone = now - moment
    if gone < timedelta(minutes=1):
        return "just now"
    if gone < timedelta(hours=1):
        return f"{gone // timedelta(minutes=1)} min ago"
    if gone < timedelta(days=1):
        return f"{gone // timedelta(hours=1)} h ago"
    if gone < timedelta(days=7):
        return f"{gone // timedelta(days=1)} d ago"
    there = local(moment)
    return f"{there.day} {there:%b %Y}"


def literal(text: str) -> str:
    """Text for a place that reads Markdown, with every sign that it would take as markup escaped."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()<>#+-.!|$:~" else char for char in text)


def prose(text: str) -> str:
    """Like `literal`, with addresses set as code, so that they are not turned into links."""
    parts = re.split(r"(https?://[^\s`]*[^\s`.,;)])", text)
    return "".join(f"`{part}`" if index % 2 else literal(part) for index, part in enumerate(parts))


def megabytes(size: int) -> str:
    """Bytes for people: "1.3 MB", "840 kB"."""
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000))} kB"
