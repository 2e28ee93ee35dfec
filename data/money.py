"""Credits and dollars as people read them. Inside, money is an integer of micro-credits, never a float."""

from decimal import Decimal

from data.sentences import Sentence

CREDIT_USD_MICRO = 5000
"""What one credit is worth, in millionths of a US dollar: 0.005 USD, says the provider's price page."""

PRICE_UNKNOWN = Sentence("price unknown")
MICRO = 1_000_000
"""Micro-credits in a credit, and millionths in a dollar."""
MICRO_CREDITS_PER_USD = MICRO * MICRO // CREDIT_USD_MICRO
"""Micro-credits in a US dollar, exact: what is priced in dollars is counted in micro-credits too."""


def format_credits(micro: int | None) -> str:
    """Micro-credits as people read credits, exact: "4", "6.5"; None is "price unknown"."""
    if micro is None:
        return PRICE_UNKNOWN
    return f"{(Decimal(micro) / MICRO).normalize():f}"


def format_usd(micro: int | None) -> str:
    """Micro-credits as US dollars, exact, with two decimals or more: "$0.02", "$0.0325"; None is "price unknown"."""
    if micro is None:
        return PRICE_UNKNOWN
    usd = Decimal(micro) * CREDIT_USD_MICRO / MICRO / MICRO
    exact = f"{abs(usd).normalize():f}"
    cents = f"{abs(usd):.2f}"
    return f"{'-' if micro < 0 else ''}${max(exact, cents, key=len)}"
