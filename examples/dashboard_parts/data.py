"""What the page reads: the models of one build, the choice at the top, and figures as texts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

try:
    from babel import Locale
except ImportError:
    Locale = None

SANDBOX = "sandbox_spend"
MARTS = [
    "sms__days",
    "sms__completeness",
    "sms__daily_spend",
    "sms__month_forecast",
    "sms__balance_runout",
    "sms__balance_daily",
    "sms__chargeback",
    "sms__spend_by_label_month",
    "sms__monthly_statement",
    "sms__invoice_variance",
    "sms__effective_prices",
    "sms__price_history",
    "sms__price_changes",
    "sms__unusual_days",
]
NOT_NAMED = "Country not named"
UNCHANGED = "0.0 %"

Row = dict[str, Any]

VIEWS = f"""
CREATE TEMP MACRO account_text(id) AS CASE id WHEN 'main' THEN 'Main account' ELSE id END;

CREATE TEMP VIEW names AS
SELECT country_code, coalesce(listed.name, known.name) AS name
FROM (
    SELECT country_code, max(country_name) AS name FROM sms__price_history
    WHERE country_code <> '' GROUP BY country_code
) AS listed
FULL JOIN country_names AS known USING (country_code);

CREATE TEMP VIEW used AS
SELECT
    spend.provider, spend.date, spend.messages, spend.units, spend.amount, spend.amount_per_sms,
    coalesce(names.name, spend.country, '{NOT_NAMED}') AS country,
    coalesce(spend.currency, 'units') AS measured_in,
    coalesce(spend.amount, spend.units) AS used
FROM sms__daily_spend AS spend
LEFT JOIN names ON spend.country = names.country_code;

CREATE TEMP VIEW unusual AS
WITH accounts AS (
    SELECT provider, account_id, max_by(account_name, month) AS name FROM sms__chargeback GROUP BY ALL
)
SELECT
    unusual.* EXCLUDE (part),
    CASE unusual.kind
        WHEN 'country' THEN coalesce(names.name, unusual.part, '{NOT_NAMED}')
        ELSE coalesce(accounts.name, account_text(unusual.part))
    END AS part
FROM sms__unusual_days AS unusual
LEFT JOIN names ON unusual.kind = 'country' AND unusual.part = names.country_code
LEFT JOIN accounts
    ON unusual.kind = 'account' AND unusual.provider = accounts.provider AND unusual.part = accounts.account_id;
"""
CHOSEN = """
list_contains($providers, provider)
AND (len($countries) = 0 OR list_contains($countries, country))
AND date BETWEEN $first AND $last
"""


class NothingToShow(Exception):
    """There are no figures; the text says what to do."""


class Spend:
    """The models of a database that is open for reading: those of the first of the schemas that has any."""

    def __init__(self, database: duckdb.DuckDBPyConnection, schemas: Sequence[str]) -> None:
        tables = set(database.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall())
        self.schema = next((schema for schema in schemas if (schema, "sms__days") in tables), None)
        if self.schema is None:
            raise NothingToShow(
                f"There are no models in {database_file().name} yet. Run `make sync`, then `make models`."
            )
        missing = [mart for mart in MARTS if (self.schema, mart) not in tables]
        if missing:
            raise NothingToShow(f"The last build has no {', '.join(missing)}. Run `make models`.")
        self._database = database
        self.ask(f"USE {self.schema}")
        self._refuse_several_builds()
        # Names of countries that are in no price list. Without Babel, which comes with dbt, their codes are shown.
        names = Locale("en").territories if Locale else {}
        database.execute("CREATE TEMP TABLE country_names (country_code VARCHAR, name VARCHAR)")
        codes = [(code, name) for code, name in names.items() if len(code) == 2]
        if codes:
            database.executemany("INSERT INTO country_names VALUES (?, ?)", codes)
        database.execute(VIEWS)

    def _refuse_several_builds(self) -> None:
        """Figures of different builds may be of different days: they do not add up."""
        ages = " UNION ALL ".join(f"SELECT '{mart}' AS mart, max(built_at) AS built_at FROM {mart}" for mart in MARTS)
        built = {row["mart"]: row["built_at"] for row in self.ask(ages) if row["built_at"]}
        newest = max(built.values(), default=None)
        older = [f"{mart} ({at:%Y-%m-%d %H:%M})" for mart, at in built.items() if at != newest]
        if older:
            older[3:] = [f"{len(older) - 3} others"] if len(older) > 3 else []
            raise NothingToShow(
                f"The newest tables were built on {newest:%Y-%m-%d %H:%M} UTC. These are older: {', '.join(older)}. "
                "Figures of different builds do not add up, so this page shows none. Run `make models`."
            )

    def ask(self, query: str, **values: Any) -> list[Row]:
        wanted = {name: value for name, value in values.items() if f"${name}" in query}
        answer = self._database.execute(query, wanted)
        columns = [column[0] for column in answer.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


@dataclass(frozen=True)
class Chosen:
    """What the boxes at the top say."""

    providers: tuple[str, ...]
    countries: tuple[str, ...]
    first: date
    last: date

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Chosen:
        """The same for as many days before."""
        days = timedelta(days=self.length)
        return replace(self, first=self.first - days, last=self.last - days)

    @property
    def values(self) -> Row:
        lists = {"providers": list(self.providers), "countries": list(self.countries)}
        return {**lists, "first": self.first, "last": self.last}

    @property
    def period(self) -> str:
        return f"{day_text(self.first)} to {day_text(self.last)}"


def open_database() -> duckdb.DuckDBPyConnection:
    database = database_file()
    if not database.exists():
        raise NothingToShow(f"There is no {database.name} yet. Run `make sync`, then `make models`.")
    try:
        return duckdb.connect(str(database), read_only=True)
    except duckdb.IOException:
        raise NothingToShow("A sync or `make models` is running. Load this page again when it has finished.") from None


def database_file() -> Path:
    return Path(os.environ.get("SMS_SPEND_DUCKDB") or Path(__file__).resolve().parents[2] / "sms_providers.duckdb")


def schemas() -> list[str]:
    return [os.environ["SMS_SPEND_SCHEMA"]] if "SMS_SPEND_SCHEMA" in os.environ else ["main_spend", SANDBOX]


def today() -> date:
    return date.fromisoformat(os.environ["SMS_SPEND_TODAY"]) if "SMS_SPEND_TODAY" in os.environ else date.today()


def quantity(figure: Decimal | float | None, measured_in: str) -> str:
    if figure is None:
        return "not known"
    return f"{measured_in} {figure:,.2f}" if is_money(measured_in) else f"{figure:,.0f} {measured_in}"


def is_money(measured_in: str) -> bool:
    return measured_in not in ("units", "credits")


def short(figure: Decimal) -> str:
    """Rounded, for ranges."""
    return f"{figure:,.0f}"


def percent(now: Decimal, before: Decimal | None) -> str | None:
    """None if there is nothing to compare with."""
    if not before or before < 0 or now < 0:
        return None
    change = round(100 * (now / before - 1), 1)
    return f"{change:+.1f} %" if change else UNCHANGED


def day_text(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def lasting(days: int) -> str:
    return {0: "less than a day", 1: "1 day"}.get(days, f"{days} days")
