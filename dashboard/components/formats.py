"""Numbers, money and times as people read them in their language, and text made safe for places that read Markdown."""

import math
import re
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard.language import t, tn
from data.glances import COUNTED
from data.money import CREDIT_USD_MICRO, MICRO, MICRO_CREDITS_PER_USD, PRICE_UNKNOWN, format_credits, format_usd

_FINEST = MICRO // 100
"""Micro-credits. What has a finer part is told rounded: where a provider counts tokens, each sum has six decimals."""
_JOINER = "\u2060"
"""Joins two words, has no width, and belongs into no address."""
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
_SHORT = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def money(micro: int, *, practice: bool = False) -> str:
    """What was charged: "4 credits ($0.02)"; in practice, where nothing is, "4 practice credits"."""
    return _of_money(figure(micro), micro, practice=practice)


def money_short(micro: int, *, practice: bool = False) -> str:
    """What was charged, where there is no room for the dollars: "4 credits", or "4 practice credits"."""
    return _credits(micro, figure(micro), practice=practice)


def about_short(micro: int | None, *, practice: bool = False) -> str:
    """What it will cost, where there is no room for the dollars: "≈ 4 credits", or "price unknown"."""
    return t(PRICE_UNKNOWN) if micro is None else _credits(micro, _around(figure(micro)), practice=practice)


def balance(micro: int, *, practice: bool) -> str:
    """What an account holds: "1,984 credits left ($9.92)"."""
    left, dollars = f"{micro / MICRO:,.0f}", f"${micro * CREDIT_USD_MICRO / MICRO / MICRO:,.2f}"
    if practice:
        return t("{n} practice credits left", n=left)
    return t("{n} credits left ({dollars})", n=left, dollars=dollars)


def about(micro: int | None, *, times: int = 1, practice: bool = False) -> str:
    """What it will cost: "≈ 16 credits ($0.08)", or "price unknown"; in practice "≈ 16 practice credits"."""
    if micro is None:
        return t(PRICE_UNKNOWN)
    total = micro * times
    return _of_money(_around(figure(total)), total, practice=practice)


def in_credits(micro: int) -> str:
    """ "4 credits", "1 credit", "1,000 credits"."""
    return _credits(micro, figure(micro))


def _credits(micro: int, said: str, *, practice: bool = False) -> str:
    if practice:
        return t("{n} practice credit", n=said) if micro == MICRO else t("{n} practice credits", n=said)
    return t("{n} credit", n=said) if micro == MICRO else t("{n} credits", n=said)


def _of_money(said: str, micro: int, *, practice: bool) -> str:
    """Credits that are worth something name it; those of practice are called so, for nothing is charged."""
    many = _credits(micro, said, practice=practice)
    return many if practice else t("{credits} ({dollars})", credits=many, dollars=_dollars(micro))


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


def requests(count: int, most: int = COUNTED) -> str:
    """ "1 request", "13 requests", "more than 10,000 requests" where the count went no further."""
    if count > most:
        return t("more than {n} requests", n=f"{most:,}")
    return tn(count, "{n} request", "{n} requests")


def seconds(value: float) -> str:
    """A wait: "18 s", "4 min"."""
    if value < 99.5:
        return t("{n} s", n=max(1, round(value)))
    return t("{n} min", n=round(value / 60))


def within(value: float) -> str:
    """An upper bound of a wait, rounded up: "41 s", "4 min"."""
    return seconds(math.ceil(value) if value < 99 else math.ceil(value / 60) * 60)


def span(low: float, high: float) -> str:
    """Waits of several: "9–40 s", "18 s", "40 s to 3 min"."""
    first, last = seconds(low), seconds(high)
    if first == last:
        return first
    if high < 99.5:
        return t("{low}–{high} s", low=max(1, round(low)), high=max(1, round(high)))
    return t("{low} to {high}", low=first, high=last)


def length(milliseconds: int) -> str:
    """How long a video is: "0:08", "2:28"."""
    whole = max(1, round(milliseconds / 1000))
    return f"{whole // 60}:{whole % 60:02}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    if number % 100 in (11, 12, 13) or number % 10 not in (1, 2, 3):
        return t("{n}th", n=number)
    return (t("{n}st", n=number), t("{n}nd", n=number), t("{n}rd", n=number))[number % 10 - 1]


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
    """ "3 October 2026, 14:20" at the person's place: how a moment is written out, wherever it is."""
    there = local(moment)
    return t("{date}, {time}", date=full_date(there), time=f"{there:%H:%M}")


def full_date(there: date) -> str:
    """ "3 October 2026"."""
    return t("{day} {month} {year}", day=there.day, month=t(_MONTHS[there.month - 1]), year=there.year)


def month(there: date) -> str:
    """ "October 2026"."""
    return t("{month} {year}", month=t(_MONTHS[there.month - 1]), year=there.year)


def day(moment: datetime, now: datetime) -> str:
    """ "8 Dec" at the person's place, with the time of day where that is today or tomorrow."""
    there = local(moment)
    said = t("{day} {month}", day=there.day, month=t(_SHORT[there.month - 1]))
    return t("{date}, {time}", date=said, time=f"{there:%H:%M}") if moment - now < timedelta(days=1) else said


def age(moment: datetime, now: datetime) -> str:
    """How long ago, short: "just now", "5 min ago", "3 h ago", "2 d ago", then the date."""
    gone = now - moment
    if gone < timedelta(minutes=1):
        return t("just now")
    if gone < timedelta(hours=1):
        return t("{n} min ago", n=gone // timedelta(minutes=1))
    if gone < timedelta(days=1):
        return t("{n} h ago", n=gone // timedelta(hours=1))
    if gone < timedelta(days=7):
        return t("{n} d ago", n=gone // timedelta(days=1))
    there = local(moment)
    return t("{day} {month} {year}", day=there.day, month=t(_SHORT[there.month - 1]), year=there.year)


def literal(text: str) -> str:
    """Text for a place that reads Markdown, with every sign that it would take as markup escaped.

    Addresses are looked for in what is left, whatever was escaped: a sign that nobody sees breaks them.
    """
    broken = re.sub(r"(?i)(@|\bhttps?:|\bwww)(?=\S)", rf"\1{_JOINER}", text)
    return "".join(f"\\{char}" if char in r"\`*_{}[]()<>#+-.!|$:~" else char for char in broken)


def prose(text: str) -> str:
    """Like `literal`, with addresses set as code, so that they are not turned into links."""
    parts = re.split(r"(https?://[!-_a-~]*[!-_a-~])(?<![.,;)])", text)
    return "".join(f"`{part}`" if index % 2 else literal(part) for index, part in enumerate(parts))


def megabytes(size: int) -> str:
    """Bytes for people: "1.3 MB", "840 kB"."""
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000))} kB"
