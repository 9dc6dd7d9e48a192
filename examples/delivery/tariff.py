"""Where the service delivers to, and for how much."""

from __future__ import annotations

from decimal import Decimal

from examples.contracts.delivery import Quote, Zone

ZONES = {
    "tas": Zone(city="tas", name="Tashkent", days=1),
    "skd": Zone(city="skd", name="Samarkand", days=2),
}
PRICE_PER_DAY = Decimal("12.50")
INSURED_FROM = Decimal(100)


def quote(city: str, total: Decimal) -> Quote:
    return Quote(price=PRICE_PER_DAY * ZONES[city].days, insured=total >= INSURED_FROM)
