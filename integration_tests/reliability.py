"""Writes `docs/reliability.md`: each promise, the test that proves it, and how much it tries.

    python -m integration_tests.reliability > docs/reliability.md

A test compares the page with what this prints, so neither a test nor a figure can go unnoticed.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAD = """# Reliability

What this connector promises, and the test that proves it. All of these tests sync over real sockets with the
[provider sandbox](../integration_tests/sandbox/README.md), a process of its own. `make test` runs them; `make soak`
runs ten times the rounds of those that draw their cases by chance. Days lost in all of them: 0, or the test is red.

This page is written by `python -m integration_tests.reliability`, and a test compares the two."""
BOUNDS = """
## Bounds

| What | Bound |
|---|---|
| One response, from the look-up of the host name to the last byte | {answer:.0f} s, {size} MB |
| Silence of a server within an answer | {silence:.0f} s |
| Requests to a provider in a second | ten times "Parallel requests" |
| Tries of a request | 1, and 5 retries after 1, 2, 4, 8 and 16 s |
| Pauses after HTTP 429 without Retry-After | 1, 2, 4 … {backoff:.0f} s, until 180 s pass without a good response |
| Rejections of the key in a row that end an endpoint | {rejections} |
| A Retry-After that is waited for | {wait:.0f} s |
| A request that gets no good answer, in a sync | fails after 180 s |
| A provider that gives no good answer, in a sync | given up after 180 s and {failed} different requests |
| The same in a connection test | the first request fails after {check} s |
| Groups that a stream's state names | {groups:,} |
"""
PROMISES = {
    "The contract": {
        "After a sync that succeeds, the deduped table of each daily stream says, for every day, what the provider "
        "said of it when it was last read; and a day is read again by every sync until one has read it at an age of "
        "at least `lookback_days`": (
            "test_history.py",
            "test_given_any_history_of_an_account_then_each_table_says_what_was_said_of_each_day_when_it_was_last_read",
        ),
        "So it does where many days are told by one request": (
            "test_history.py",
            "test_given_any_history_of_an_account_of_few_groups_when_windows_are_asked_then_each_table_says_so_too",
        ),
    },
    "Time and state": {
        "Windows tile: each complete day is asked, none twice but for the lookback, none of the future": (
            "test_windows.py",
            "test_given_any_sequence_of_syncs_then_windows_tile_and_only_the_lookback_is_asked_again",
        ),
        "Dated answers are asked a year at a time, without gap or overlap": (
            "test_windows.py",
            "test_given_ten_years_when_read_then_the_dated_answers_are_asked_a_year_at_a_time_without_gap_or_overlap",
        ),
        "A day that fails is asked again, whichever day, worker and order": (
            "test_failed_days.py",
            "test_given_a_day_that_fails_then_the_state_stays_before_it_and_the_next_sync_makes_all_rows_right",
        ),
        "The other days are delivered": (
            "test_failed_days.py",
            "test_given_one_failing_day_when_read_then_the_other_days_are_delivered",
        ),
        "A year that fails as a whole is asked for in halves, and each of its days arrives": (
            "test_failed_days.py",
            "test_given_a_year_that_fails_as_a_whole_when_read_then_its_halves_tell_each_day",
        ),
        "States keep up with the rows, also with one request at a time": (
            "test_windows.py",
            "test_given_one_request_at_a_time_when_many_days_are_read_then_the_states_keep_up_with_them",
        ),
        "A killed process loses no day": (
            "test_killed.py",
            "test_given_a_process_that_is_killed_when_the_next_sync_ends_then_no_row_is_missing",
        ),
        "Late corrections arrive; the stored state is yesterday whatever the lookback": (
            "test_failed_days.py",
            "test_given_late_corrections_within_the_lookback_then_they_arrive_and_the_stored_state_is_yesterday",
        ),
        "The requests of a sync of a silent account do not grow": (
            "test_windows.py",
            "test_given_a_year_of_daily_syncs_then_the_requests_of_a_sync_do_not_grow",
        ),
        "A state in the future is clamped with a warning": (
            "test_windows.py",
            "test_given_a_state_in_the_future_when_read_then_it_is_clamped_with_a_warning_and_no_silent_stall",
        ),
        "A state of any form it ever had works": (
            "test_windows.py",
            "test_given_a_state_in_any_form_it_ever_had_when_read_then_the_days_after_it_and_the_lookback_are_asked",
        ),
        "An impossible or future start date is a config error": (
            "test_windows.py",
            "test_given_an_impossible_start_date_when_read_then_it_is_a_config_error",
        ),
        "A sync across midnight keeps each day whole": (
            "test_windows.py",
            "test_given_a_sync_that_runs_across_midnight_then_each_day_is_whole_and_the_next_sync_reads_the_rest",
        ),
        "29 February, daylight saving and New Year are days like others": (
            "test_windows.py",
            "test_given_days_of_odd_length_when_read_then_each_is_asked_once",
        ),
        "A day that was running is read again, however long the pause": (
            "test_windows.py",
            "test_given_include_today_and_a_long_pause_then_the_day_that_was_running_is_read_again",
        ),
        "Any number of days with any number of workers ends": (
            "test_process.py",
            "test_given_more_days_than_the_cdk_lets_wait_when_read_then_all_arrive_and_silent_ones_cost_no_request",
        ),
        "SMSFactor's day boundaries: green means right, for all servers and settings, at any time": (
            "test_day_boundaries.py",
            "test_given_any_server_and_any_setting_when_checked_at_any_time_then_green_means_right",
        ),
    },
    "Figures": {
        "Every record of every stream is what the providers hold, for any settings": (
            "test_records.py",
            "test_given_settings_when_read_then_every_stream_holds_exactly_what_the_providers_hold",
        ),
        "A year told by few requests has the same records": (
            "test_records.py",
            "test_given_a_year_of_few_groups_or_silence_when_read_then_few_requests_give_the_exact_records",
        ),
        "PHP's shapes and the accounts' states give the same exact records": (
            "test_records.py",
            "test_given_a_shape_or_a_state_of_the_accounts_when_read_then_the_records_are_exact",
        ),
        "Texts arrive as they were sent, but for what no destination stores": (
            "test_labels.py",
            "test_given_odd_groups_when_read_then_each_arrives_as_it_was_sent_or_mended",
        ),
        "Filters of SMSFactor: the same records, whatever the API's own filters do": (
            "test_records.py",
            "test_given_any_way_smsfactor_may_filter_when_filters_are_set_then_the_records_are_the_same",
        ),
    },
    "Bodies": {
        "A broken body is an error with a sentence, and delivers nothing": (
            "test_bodies.py",
            "test_given_a_broken_body_when_read_then_each_stream_fails_with_a_sentence_and_delivers_nothing",
        ),
        "A broken body fails the connection test with a sentence": (
            "test_bodies.py",
            "test_given_a_broken_body_when_checked_then_the_status_is_failed_with_a_sentence",
        ),
        "A right answer with one thing wrong is an error that names it": (
            "test_bodies.py",
            "test_given_a_right_answer_with_one_thing_wrong_when_read_then_it_is_an_error_that_names_it",
        ),
        "An empty answer for a day with messages is no record of zeros": (
            "test_bodies.py",
            "test_given_an_empty_grouping_of_a_day_with_messages_when_read_then_it_is_no_record_of_zeros",
        ),
        "A balance of exactly 900 is a balance": (
            "test_bodies.py",
            "test_given_a_balance_of_exactly_900_when_read_and_checked_then_it_is_a_balance",
        ),
        "A wrong key is an error": (
            "test_bodies.py",
            "test_given_a_wrong_key_when_checked_and_read_then_it_is_a_config_error",
        ),
    },
    "Wire": {
        "What fails once is asked again, and all records arrive": (
            "test_wire.py",
            "test_given_a_failure_once_when_read_then_it_is_retried_and_all_records_arrive",
        ),
        "What fails for ever ends soon as a transient error": (
            "test_wire.py",
            "test_given_a_failure_for_ever_when_read_then_it_ends_soon_as_a_transient_error",
        ),
        "An outage ends the sync within its limit, however many days are left": (
            "test_wire.py",
            "test_given_an_outage_over_thousands_of_days_then_the_sync_ends_with_its_limit",
        ),
        "One day that never answers costs no other day": (
            "test_wire.py",
            "test_given_one_day_that_never_answers_when_read_then_all_other_days_arrive",
        ),
        "A dead or silent host is answered by the connection test within 15 s": (
            "test_wire.py",
            "test_given_a_dead_host_when_checked_then_it_is_told_within_15_seconds",
        ),
        "A response is the one to its request, also after interim responses": (
            "test_wire.py",
            "test_given_interim_responses_when_read_then_they_are_skipped",
        ),
        "A body that comes late answers no later request": (
            "test_wire.py",
            "test_given_a_late_body_when_read_then_it_answers_no_later_request",
        ),
        "A rate limit makes a sync slower, not red": (
            "test_wire.py",
            "test_given_a_limit_a_minute_when_read_then_the_sync_is_slower_and_green",
        ),
        "A key that is rejected gets few more requests": (
            "test_wire.py",
            "test_given_a_key_that_is_revoked_when_read_then_few_requests_follow",
        ),
        "A reader that stops for a while fails no request": (
            "test_wire.py",
            "test_given_a_reader_that_stops_when_requests_fail_then_they_are_retried",
        ),
        "Retry-After is obeyed by all workers": (
            "test_wire.py",
            "test_given_retry_after_when_read_then_no_worker_asks_before",
        ),
        "A provider that asks for a pause does not hold up the other": (
            "test_wire.py",
            "test_given_a_provider_that_asks_for_a_pause_then_the_other_is_read_meanwhile",
        ),
        "A provider gets ten requests a second and worker at most, however quick it is": (
            "test_wire.py",
            "test_given_a_quick_provider_then_it_gets_ten_requests_a_second_and_worker",
        ),
        "A redirect carries no key anywhere": (
            "test_wire.py",
            "test_given_a_redirect_when_read_then_nobody_else_gets_a_request",
        ),
        "No key, header, query or body is printed, also with debug logs": (
            "test_secrecy.py",
            "test_given_any_failure_when_checked_and_read_with_debug_logs_then_nothing_secret_is_printed",
        ),
        "Only GET, only the read endpoints": (
            "test_wire.py",
            "test_when_everything_is_read_then_only_gets_of_read_endpoints_are_sent",
        ),
        "Plain http is for loopback only": (
            "test_wire.py",
            "test_given_a_base_url_when_validated_then_plain_http_is_for_loopback_only",
        ),
        "The number of workers is what the provider sees": (
            "test_wire.py",
            "test_given_a_number_of_workers_then_the_provider_sees_as_many_requests_at_once",
        ),
    },
    "Process": {
        "A read that nobody waits for ends at once, and asks no more": (
            "test_process.py",
            "test_given_a_read_of_many_days_when_nobody_waits_for_it_then_the_process_ends_at_once",
        ),
        "A consumer that leaves leaves no worker behind": (
            "test_process.py",
            "test_given_a_consumer_that_closes_the_read_then_its_workers_ask_no_more_and_end",
        ),
        "Any locale, any encoding of the output": (
            "test_process.py",
            "test_given_any_place_when_read_then_files_and_messages_are_utf_8",
        ),
        "Fields that are null or empty are as if absent": (
            "test_process.py",
            "test_given_all_that_is_optional_as_null_when_each_command_runs_then_it_is_as_if_absent",
        ),
        "A file that is no JSON is named, with the place": (
            "test_process.py",
            "test_given_settings_that_are_no_json_when_checked_then_the_status_names_the_file_and_the_place",
        ),
    },
}


def page() -> str:
    """The page, with the number of cases that pytest finds."""
    from source_sms_providers import check, state
    from source_sms_providers.http import account, body, client, requester

    cases = _cases()
    lines = [HEAD]
    for title, promises in PROMISES.items():
        lines += [f"\n## {title}\n", "| Promise | Test | Tries |", "|---|---|---|"]
        for promise, (file, test) in promises.items():
            lines.append(f"| {promise} | [`{test}`](../integration_tests/{file}) | {_tries(file, test, cases)} |")
    bounds = BOUNDS.format(
        answer=requester.TOTAL_TIMEOUT_SECONDS,
        size=body.MAX_BODY_BYTES >> 20,
        silence=client.READ_TIMEOUT_SECONDS,
        wait=requester.MAX_RETRY_AFTER_SECONDS,
        check=check.OUTAGE_SECONDS,
        failed=account.CIRCUIT_BREAKER_THRESHOLD,
        backoff=account.MAX_BACKOFF_SECONDS,
        rejections=account.REJECTIONS_THRESHOLD,
        groups=state.MAX_GROUPS,
    )
    return "\n".join(lines) + "\n" + bounds


def _tries(file: str, test: str, cases: Counter[str]) -> str:
    module = import_module(f"integration_tests.{file.removesuffix('.py')}")
    if file == "test_killed.py":
        return f"{module.ROUNDS} kills"
    if drawn := getattr(getattr(module, test), "_hypothesis_internal_use_settings", None):
        return f"{drawn.max_examples} drawn by chance"
    if not (count := cases[f"integration_tests/{file}::{test}"]):
        raise LookupError(f"{file} has no {test}")
    return f"{count} case{'s' if count != 1 else ''}"


def _cases() -> Counter[str]:
    files = sorted({f"integration_tests/{file}" for promises in PROMISES.values() for file, _ in promises.values()})
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", *files]
    found = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True, check=True)
    return Counter(line.split("[")[0] for line in found.stdout.splitlines() if "::" in line)


if __name__ == "__main__":
    print(page(), end="")
