"""The official validator of FOCUS on sms__focus_1_2. It needs Python 3.12, so it has a virtual environment of its own.

FOCUS_VALIDATOR names the command `focus-validator` (2.2.1, with pyarrow below 22). Without it the test is skipped. The
validator knows FOCUS 1.2 at most, and ends with 0 on failures: its report is read.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import duckdb
import pytest

from dbt_sms_spend.integration_tests.spend import Spend

VALIDATOR = os.environ.get("FOCUS_VALIDATOR", "")
HOLDS = (
    "ACCOUNT_NAMING_SUPPORTED",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
    "VIRTUAL_CURRENCY_SUPPORTED",
)
FINDINGS = {
    # The names of accounts are those of the provider, umlauts included.
    "SubAccountName-C-002-M",
    # One rule wants it null in each row, the next one in none: either fails.
    "InvoiceId-C-003-C",
    "InvoiceId-C-004-C",
    "InvoiceId-C-005-C",
    # A refund: the text of this rule speaks of another column.
    "PricingCurrencyEffectiveCost-C-004-M",
    # It fails on a column without nulls, and pulls the other one with it.
    "ConsumedQuantity-C-004-C",
    "ConsumedQuantity-C-006-C",
}


@pytest.mark.skipif(not VALIDATOR, reason="FOCUS_VALIDATOR names no command")
def test_the_validator_finds_nothing_else(built: Spend, tmp_path: Path) -> None:
    with duckdb.connect(str(built.database), read_only=True) as database:
        rows = "SELECT * EXCLUDE (built_at) FROM spend.sms__focus_1_2"
        database.execute(f"COPY ({rows}) TO '{tmp_path}/focus.parquet' (FORMAT parquet)")
    python = Path(VALIDATOR).with_name("python")
    where = "import focus_validator, pathlib; print(pathlib.Path(focus_validator.__file__).parent.parent)"
    folder = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run(
        [
            VALIDATOR,
            "--validate-version=1.2.0.1",
            "--block-download",
            f"--data-file={tmp_path}/focus.parquet",
            f"--applicability-criteria={','.join(HOLDS)}",
        ],
        # It looks for its list of currencies beside the folder that it is started in.
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    report = done.stdout + done.stderr
    failed = re.findall(r"^- ([A-Za-z]+-C-\d+-[A-Z]): violations=\d+; (.*)$", report, re.MULTILINE)
    assert failed, report[-2000:]
    # A rule that only sums up others is not listed.
    assert {rule for rule, text in failed if "AND failed" not in text} <= FINDINGS
