"""The fake seven.io price list: as many countries and networks as the real one, with invented networks.

Shape after a recording of 2023: sorted by country code, one entry without a code and without networks,
a default row first in every other country, several mcc in one text, leading zeros in mncs.
(country code, mcc, network name) is unique; (mcc, mnc) is not.
"""

from __future__ import annotations

import datetime
import zlib
from functools import lru_cache
from random import Random
from typing import NamedTuple

from .countries import COUNTRIES
from .settings import Settings

_BRANDS = (
    "Telekom", "Mobile", "Vodafone", "Orange", "Airtel", "Digicel", "MTN", "Tele2", "Lycamobile",
    "Hutchison 3", "Viva", "Claro", "Movistar", "Télé Öst", "GSM-R/Rail",
)  # fmt: skip
_FEATURES = ("alpha", "numeric", "dlr", "sc")
_DAYS_PER_PRICE = 50
"""A network keeps its price for 50 days; as all start on different days, 2 % of the prices change daily."""


class Network(NamedTuple):
    """One row of the price list; `price` in 1/10,000 EUR per SMS."""

    mcc: str
    mncs: tuple[str, ...] | None
    name: str | None
    features: tuple[str, ...]
    comment: str | None
    price: int


class Country(NamedTuple):
    """One country of the price list with its networks."""

    code: str
    name: str
    prefix: str
    networks: tuple[Network, ...]


def price_list(settings: Settings, today: datetime.date) -> tuple[Country, ...]:
    """The whole price list as valid on `today`, sorted by country code."""
    return _price_list(settings.seed, today)


@lru_cache(maxsize=16)
def _price_list(seed: int, today: datetime.date) -> tuple[Country, ...]:
    return tuple(
        country._replace(
            networks=tuple(
                network._replace(price=_price(f"{seed}:{country.code}:{index}", network.price, today))
                for index, network in enumerate(country.networks)
            )
        )
        for country in _countries(seed)
    )


def _price(network_key: str, usual: int, today: datetime.date) -> int:
    period = (today.toordinal() + zlib.crc32(network_key.encode())) // _DAYS_PER_PRICE
    swing = zlib.crc32(f"{network_key}:{period}".encode()) % 41 - 20
    return max(1, usual + usual * swing // 100)


@lru_cache(maxsize=4)
def _countries(seed: int) -> tuple[Country, ...]:
    """The price list with each network's usual price."""
    shared = Country("", "International Networks, shared code", "882", ())
    return (shared, *(_country(seed, *row) for row in COUNTRIES))


def _country(seed: int, code: str, prefix: str, name: str) -> Country:
    rng = Random(f"{seed}:seven:networks:{code}")
    first = 200 + zlib.crc32(code.encode()) % 540
    mccs = [str(first + n) for n in range(rng.choice((1, 1, 1, 1, 1, 1, 2, 3)))]
    usual = rng.randint(80, 2500)
    default = Network(", ".join(mccs), None, None, (), None, usual)
    brands = rng.sample(_BRANDS, rng.randint(1, len(_BRANDS)))
    networks = [_network(rng, mccs, f"{brand} {name}", usual) for brand in brands]
    return Country(code, name, prefix, (default, *networks))


def _network(rng: Random, mccs: list[str], name: str, usual: int) -> Network:
    mncs = tuple(f"{rng.randint(0, 99):02}" for _ in range(rng.choice((1, 1, 1, 2, 3))))
    return Network(
        mcc=", ".join(mccs) if rng.random() < 0.3 else rng.choice(mccs),
        mncs=None if rng.random() < 0.03 else mncs,
        name=name,
        features=rng.choice(((), (), _FEATURES, _FEATURES[:3], _FEATURES[:1])),
        comment=rng.choice((None, "", "", "3G start date: 2006; closed 31/12/2025")),
        price=usual + rng.randint(0, 120),
    )
