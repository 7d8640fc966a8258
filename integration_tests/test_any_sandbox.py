"""Any account that the sandbox can play is read right, or refused with a sentence that leads there."""

from __future__ import annotations

import os
import re
from datetime import date, timedelta
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.settings import Settings
from integration_tests.streams import PRIMARY_KEYS
from integration_tests.sync import check, sync, without_nulls

pytestmark = pytest.mark.usefixtures("no_waiting")

ROUNDS = int(os.environ.get("ROUNDS", "1"))
TODAY = date(2026, 3, 10)
FIRST = date(2026, 3, 1)
STREAMS = tuple(stream for stream in PRIMARY_KEYS if stream != "pricing")
CHOICE = re.compile(r"Choose (\w+)")

NUMBERS: dict[str, st.SearchStrategy[Any]] = {
    "seed": st.integers(1, 99),
    "correction_days": st.integers(0, 3),
    "account_opened": st.sampled_from([None, "2026-03-05", "2026-03-09"]),
    "balance_amount": st.sampled_from([None, 900, -12.345, 0]),
    "seven_most_days": st.sampled_from([0, 0, 1, 3]),
    "seven_subaccounts": st.integers(0, 3),
    "smsfactor_most_days": st.sampled_from([0, 0, 3, 31]),
    "smsfactor_sub_accounts": st.integers(0, 4),
    "smsfactor_total_off_by": st.sampled_from([0, 0, 7]),
    "postpaid_limit": st.sampled_from([False, 500, 12.5]),
}
"""Switches that are no choice between a few values."""
OF_TESTS = {
    *("today", "latency", "corrections", "seven_keys", "seven_ip_refused", "smsfactor_tokens"),
    *("seven_unlisted", "seven_unnamed", "seven_labels_gone"),
    *("seven_days_reported", "seven_days_left_out", "seven_most_groups", "seven_ungrouped"),
}
"""Left to other tests: `test_history.py` has corrections and what is left out, `test_bodies.py` invalid keys,
`test_figures.py` missing groups and labels, and `test_subaccounts.py` accounts that are not listed."""


def switches() -> dict[str, st.SearchStrategy[Any]]:
    """Every switch, with the values that it takes."""
    found = dict(NUMBERS)
    for knob, hint in get_type_hints(Settings).items():
        if knob not in {*NUMBERS, *OF_TESTS}:
            found[knob] = st.booleans() if hint is bool else st.sampled_from(get_args(hint))
    return found


@settings(
    max_examples=10 * ROUNDS,
    # The same examples in each run; `ROUNDS=10 make test` draws new ones.
    derandomize=ROUNDS == 1,
    # Not made smaller where one fails: each try is a check and a sync.
    phases=(Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
@given(knobs=st.fixed_dictionaries(switches()), include_today=st.booleans())
def test_given_any_sandbox_then_check_leads_to_settings_that_read_every_stream_right(
    sandbox: Sandbox, knobs: dict[str, Any], include_today: bool
) -> None:
    sandbox.reset()
    sandbox.set(**knobs, today=str(TODAY))
    config = sandbox.config(start_date=str(FIRST), include_today=include_today, countries=[])
    status, sentence, kind = check(config, TODAY)
    if status == "FAILED":
        assert kind == "config_error", sentence
        assert "'SMSFactor date range bounds'" in sentence or "is consistent with both" in sentence
        config["smsfactor_day_boundaries"] = knobs["smsfactor_day_boundaries"]
        if choice := CHOICE.search(sentence):
            assert knobs["smsfactor_day_boundaries"] in sentence[choice.start() :]

    result = sync(config, STREAMS, now=TODAY)

    assert result.error is None, result.sentence
    last = TODAY if include_today else TODAY - timedelta(days=1)
    expected = expected_records(sandbox.settings(), config, TODAY, FIRST, last)
    for stream in STREAMS:
        assert without_nulls(result.records(stream), stream) == without_nulls(expected[stream], stream), stream
