"""Draws docs/spend.svg, the chart of README.md, from the data of the sandbox.

.venv-models/bin/python -m dbt_sms_spend.integration_tests.picture
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import duckdb
import vl_convert

from dbt_sms_spend.integration_tests.spend import PACKAGE, Spend, build, world
from examples.dashboard_parts import charts, data

PICTURE = PACKAGE.parent / "docs/spend.svg"
# It comes with the library, so that the picture is the same on every machine.
FONT = "Liberation Sans"


def picture(spend: Spend) -> str:
    """The page's chart of 28 days of seven.io, as SVG."""
    chosen = data.Chosen(("seven.io",), (), date(2026, 2, 12), date(2026, 3, 11))
    with duckdb.connect(str(spend.database), read_only=True) as database:
        models = data.Spend(database, ["spend"])
        rows, step, form = charts.days_of(models, chosen, "EUR")
        chart, _ = charts.days_chart(rows, [], chosen, step, form, charts.colours_of(models))
    chart = chart.properties(width=720, title="seven.io: spend by day, EUR").configure(font=FONT, background="white")
    return vl_convert.vegalite_to_svg(chart.configure_title(anchor="start").configure_view(stroke=None).to_dict())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(picture(build(Path(folder), world())), encoding="utf-8")
    print(f"Drew {PICTURE}")
