"""Measures the models on 400 days, 300 countries and 50 accounts, each of which has usage.

.venv-models/bin/python -m dbt_sms_spend.integration_tests.large
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from dbt_sms_spend.integration_tests.spend import Spend
from dbt_sms_spend.integration_tests.test_never_halted import large_case

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        seconds = large_case(Spend(Path(folder)), days=400, countries=300, accounts=50)
        print(f"All models of 400 days, 300 countries and 50 accounts (6,000,000 rows) in {seconds:.0f} s.")
