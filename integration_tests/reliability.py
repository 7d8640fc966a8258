"""Writes `docs/reliability.md`: each promise, the test that proves it, and the number of its cases.

    python -m integration_tests.reliability > docs/reliability.md

A test compares the page with the output, so that no test and no number goes out of date unnoticed.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAD = """# Reliability

What this connector promises, and the test that proves each promise. The tests sync over real sockets with the
[provider sandbox](../integration_tests/sandbox/README.md), which runs in its own process. `make test` runs them.
`ROUNDS=10 make test` runs ten times as many random cases. `python -m integration_tests.reliability` writes this page.

## The rules

- **Every day is current.** Each deduplicated daily table holds, for every day, the values the provider reported when
  that day was last read. Every sync reads a day again until one has read it at least `lookback_days` days after its
  date.
- **Every grouping adds up.** For each complete day, the rows by country, label and account add up to the row of
  `analytics`: counters exactly, cost within half a cent per row. Usage that seven.io leaves out of a grouping is in a
  row with an empty group.
- **A removed group becomes zero, or stays.** It becomes zero if the day adds up without it. It stays if the total still
  contains it, for example because an account was deleted. For an account that SMSFactor no longer lists, its group
  total decides in the same way.
- **Each day of SMSFactor has its own request.** Its responses contain no dates, so a response for several days does not
  show what each of them had.
- **Known values are never replaced by missing ones.** A day that a provider no longer reports keeps its rows. It fails
  while it is in the lookback window.
- **A failed day is read again** by the next sync. All other days are delivered.
- **A killed sync loses no row.** Rows are saved in the state before they are written, and the next sync writes them
  again.
- **Changing a filter leaves existing rows as they are.** Days that are read from then on follow the new setting.
- **A partial day does not stay partial.** It is written again once it is over.

**What does not hold:** a destination can keep rows without the state that follows them. The next sync reads their days
again and replaces the rows. But if a group was first written in exactly that gap, and the provider removed it before
the next sync, its row stays, because no saved state contains it. To correct it, delete that row in the
table: it was extracted earlier than the other rows of its day."""
BOUNDS = """
## Bounds

| What | Bound |
|---|---|
| One response, from the lookup of the host name to the last byte | {answer:.0f} s, {size} MB |
| Time without data within a response | {silence:.0f} s |
| Requests to a provider per second | ten times "Concurrent requests per provider" |
| Attempts of a request | 1, and 5 retries after 1, 2, 4, 8 and 16 s |
| Pauses after HTTP 429 without Retry-After | 1, 2, 4 … {backoff:.0f} s, until 180 s pass without a good response |
| Consecutive rejections of the key that stop requests to an endpoint | {rejections} |
| Retry-After that a sync waits for | below 180 s; the error of a longer one tells the time |
| A request without a good response, in a sync | fails after 180 s |
| A provider without a good response, in a sync | no further requests after 180 s and {failed} different requests |
| A request without a good response, in a connection test | fails after {check} s |
| Rows in the state of a stream | {groups:,} |
"""
PROMISES = {
    "The contract": {
        "After a sync that succeeds, each deduplicated daily table follows these rules, for any history of an "
        "account": (
            "test_history.py",
            "test_given_any_history_then_each_table_holds_what_the_last_reading_reported",
        ),
        "The same if one response covers many days": (
            "test_history.py",
            "test_given_any_history_of_few_groups_when_read_in_windows_then_tables_are_right",
        ),
    },
    "Time and state": {
        "Every complete day is requested once, the lookback window again, and no future day": (
            "test_windows.py",
            "test_given_any_sequence_of_syncs_then_no_day_is_missed_and_only_lookback_repeats",
        ),
        "Responses that contain dates are requested a year at a time, without gap or overlap": (
            "test_windows.py",
            "test_given_ten_years_then_they_are_requested_by_year_without_gap_or_overlap",
        ),
        "A day that fails is read again, whichever day, worker and order": (
            "test_failed_days.py",
            "test_given_a_day_that_fails_then_the_state_waits_and_the_next_sync_reads_it",
        ),
        "The other days are delivered": (
            "test_failed_days.py",
            "test_given_one_failing_day_when_read_then_the_other_days_are_delivered",
        ),
        "A year that fails as a whole is requested in halves, and each of its days arrives": (
            "test_failed_days.py",
            "test_given_a_year_that_fails_as_a_whole_when_read_then_its_halves_give_each_day",
        ),
        "States are saved while rows are written, even with one request at a time": (
            "test_windows.py",
            "test_given_one_worker_when_many_days_are_read_then_the_states_keep_up_with_them",
        ),
        "A killed process loses no day": (
            "test_killed.py",
            "test_given_a_killed_process_when_the_next_sync_ends_then_no_row_is_missing",
        ),
        "Late corrections arrive; the saved state is yesterday, whatever the lookback window": (
            "test_failed_days.py",
            "test_given_late_corrections_then_they_arrive_and_the_stored_state_is_yesterday",
        ),
        "A daily sync of an account without usage sends the same number of requests each day": (
            "test_windows.py",
            "test_given_a_year_of_daily_syncs_then_the_requests_of_a_sync_do_not_grow",
        ),
        "A state in the future is limited to yesterday, with a warning": (
            "test_windows.py",
            "test_given_a_state_in_the_future_then_it_is_clamped_and_days_are_still_read",
        ),
        "States of all earlier versions work": (
            "test_windows.py",
            "test_given_a_state_of_any_version_then_lookback_and_new_days_are_requested",
        ),
        "An impossible or future start date is a config error": (
            "test_windows.py",
            "test_given_an_impossible_start_date_when_read_then_it_is_a_config_error",
        ),
        "A sync across midnight keeps each day whole": (
            "test_windows.py",
            "test_given_a_sync_across_midnight_then_days_are_whole_and_the_next_sync_goes_on",
        ),
        "29 February, daylight saving and New Year are days like others": (
            "test_windows.py",
            "test_given_days_of_odd_length_when_read_then_each_is_requested_once",
        ),
        "A partial day is read again, however long the pause between two syncs": (
            "test_windows.py",
            "test_given_include_today_and_a_long_pause_then_the_partial_day_is_read_again",
        ),
        "A sync of any number of days with any number of workers ends": (
            "test_process.py",
            "test_given_more_days_than_the_cdk_can_queue_then_all_arrive_in_few_requests",
        ),
        "If the connection test accepts the SMSFactor date range bounds, they are right, at any time": (
            "test_day_boundaries.py",
            "test_given_any_server_and_setting_when_checked_at_any_time_then_success_is_right",
        ),
    },
    "Values": {
        "Every record of every stream equals the data of the providers, for any settings": (
            "test_records.py",
            "test_given_settings_when_read_then_every_stream_holds_what_the_providers_hold",
        ),
        "Usage that a grouping leaves out is in a row with an empty group": (
            "test_figures.py",
            "test_usage_of_no_group_beside_other_usage_is_a_row_of_the_empty_group",
        ),
        "Groups that exceed the total stay as sent, with a warning": (
            "test_figures.py",
            "test_groups_above_the_total_stay_as_sent_with_both_sums",
        ),
        "A deleted account that the total still contains keeps its rows": (
            "test_figures.py",
            "test_a_deleted_account_that_the_total_needs_stays",
        ),
        "Removed groups stay if nothing adds up and the total can contain them": (
            "test_figures.py",
            "test_removed_groups_stay_where_nothing_adds_up_and_the_total_holds_them",
        ),
        "SMSFactor: consumption that moves away from an account that is then hidden becomes zero": (
            "test_figures.py",
            "test_consumption_moved_from_an_account_that_smsfactor_then_hides_is_zero",
        ),
        "SMSFactor: a deleted account keeps its rows if the group total contains them, or if there is no total": (
            "test_figures.py",
            "test_an_account_that_smsfactor_deleted_has_what_the_group_total_holds",
        ),
        "SMSFactor: a server that counts only a part of a wide range makes no day zero": (
            "test_figures.py",
            "test_a_range_that_smsfactor_cuts_makes_no_day_zero",
        ),
        "Days that seven.io no longer reports keep their rows and fail": (
            "test_figures.py",
            "test_days_that_seven_forgets_keep_their_rows_and_fail_as_transient",
        ),
        "Rows that a killed sync did not write are right after the next sync": (
            "test_figures.py",
            "test_a_correction_that_a_kill_kept_back_is_written_from_the_state",
        ),
        "Changing a filter leaves existing rows as they are": (
            "test_figures.py",
            "test_a_filter_that_changes_takes_nothing_back",
        ),
        "No row of a complete day stays partial": (
            "test_figures.py",
            "test_no_row_of_a_complete_day_stays_partial",
        ),
        "A label that no longer exists fails its streams": (
            "test_figures.py",
            "test_a_label_in_the_settings_that_is_gone_fails_its_streams",
        ),
        "An account id that no longer exists fails its streams": (
            "test_figures.py",
            "test_an_account_in_the_settings_that_was_deleted_fails_its_streams",
        ),
        "A year that takes few requests has the same records": (
            "test_records.py",
            "test_given_a_year_of_few_groups_or_no_usage_then_few_requests_give_exact_records",
        ),
        "All JSON types that the providers' PHP may send give the same records": (
            "test_records.py",
            "test_given_accounts_of_any_shape_or_state_when_read_then_the_records_are_exact",
        ),
        "Strings arrive as they were sent, except characters that no destination stores": (
            "test_labels.py",
            "test_given_odd_groups_when_read_then_each_arrives_as_storable_text",
        ),
        "Filters of SMSFactor give the same records, whatever the API's own filters do": (
            "test_records.py",
            "test_given_any_way_smsfactor_filters_when_filters_are_set_then_records_are_equal",
        ),
    },
    "Response bodies": {
        "An invalid response body fails with an error message and delivers nothing": (
            "test_bodies.py",
            "test_given_a_broken_body_when_read_then_each_stream_fails_without_records",
        ),
        "An invalid response body fails the connection test with an error message": (
            "test_bodies.py",
            "test_given_a_broken_body_when_checked_then_the_status_is_failed_with_a_sentence",
        ),
        "One wrong field in a valid response fails with an error message that names it": (
            "test_bodies.py",
            "test_given_a_response_with_one_invalid_value_when_read_then_the_error_names_it",
        ),
        "An empty response for a day with messages yields no zero row": (
            "test_bodies.py",
            "test_given_an_empty_grouping_of_a_day_with_messages_then_there_is_no_zero_row",
        ),
        "A balance of exactly 900 is not taken for the error code 900": (
            "test_bodies.py",
            "test_given_a_balance_of_exactly_900_when_read_and_checked_then_it_is_a_balance",
        ),
        "A wrong key is a config error": (
            "test_bodies.py",
            "test_given_a_wrong_key_when_checked_and_read_then_it_is_a_config_error",
        ),
    },
    "HTTP": {
        "A request that fails once is retried, and all records arrive": (
            "test_wire.py",
            "test_given_a_failure_once_when_read_then_it_is_retried_and_all_records_arrive",
        ),
        "A request that always fails ends within the limit, as a transient error": (
            "test_wire.py",
            "test_given_a_permanent_failure_when_read_then_it_soon_ends_as_a_transient_error",
        ),
        "An outage ends the sync within the limit, however many days are left": (
            "test_wire.py",
            "test_given_an_outage_over_thousands_of_days_then_the_outage_limit_ends_the_sync",
        ),
        "If the requests of one day are never answered, all other days arrive": (
            "test_wire.py",
            "test_given_one_day_without_good_response_when_read_then_all_other_days_arrive",
        ),
        "The connection test reports a host that does not respond within 15 s": (
            "test_wire.py",
            "test_given_a_dead_host_when_checked_then_it_is_reported_within_15_seconds",
        ),
        "A response always belongs to its request, even after interim responses": (
            "test_wire.py",
            "test_given_interim_responses_when_read_then_they_are_skipped",
        ),
        "A late body is never taken for the response of a later request": (
            "test_wire.py",
            "test_given_a_late_body_when_read_then_no_later_request_gets_it",
        ),
        "A rate limit makes a sync slower and does not fail it": (
            "test_wire.py",
            "test_given_a_limit_per_minute_when_read_then_the_sync_is_slower_and_succeeds",
        ),
        "After a key is rejected, few requests follow": (
            "test_wire.py",
            "test_given_a_key_that_is_revoked_when_read_then_few_requests_follow",
        ),
        "A destination that pauses reading makes no request fail": (
            "test_wire.py",
            "test_given_a_reader_that_stops_when_requests_fail_then_they_are_retried",
        ),
        "All workers obey Retry-After": (
            "test_wire.py",
            "test_given_a_retry_after_when_read_then_no_worker_sends_a_request_before",
        ),
        "A pause of one provider does not delay the other": (
            "test_wire.py",
            "test_given_a_provider_that_requires_a_pause_then_the_other_is_read_meanwhile",
        ),
        "A provider gets at most ten requests per second and worker, however fast it is": (
            "test_wire.py",
            "test_given_a_quick_provider_then_it_gets_ten_requests_a_second_and_worker",
        ),
        "A redirect never sends the key to another host": (
            "test_wire.py",
            "test_given_a_redirect_when_read_then_nobody_else_gets_a_request",
        ),
        "No key, header, query or body is printed, even with debug logs": (
            "test_secrecy.py",
            "test_given_any_failure_when_run_with_debug_logs_then_nothing_secret_is_printed",
        ),
        "The connector sends only GET requests to read endpoints": (
            "test_wire.py",
            "test_when_everything_is_read_then_only_gets_of_read_endpoints_are_sent",
        ),
        "Plain http is allowed for loopback addresses only": (
            "test_wire.py",
            "test_given_a_base_url_when_validated_then_plain_http_is_for_loopback_only",
        ),
        "The provider sees as many concurrent requests as the setting says": (
            "test_wire.py",
            "test_given_a_number_of_workers_then_the_provider_sees_as_many_requests_at_once",
        ),
    },
    "Process": {
        "A read that is stopped ends at once and sends no further request": (
            "test_process.py",
            "test_given_a_read_of_many_days_when_it_is_stopped_then_the_process_ends_at_once",
        ),
        "Each message of a sync can be taken in a different thread": (
            "test_process.py",
            "test_given_a_consumer_with_one_thread_per_message_then_all_messages_arrive",
        ),
        "A consumer that stops leaves no worker thread running": (
            "test_process.py",
            "test_given_a_consumer_that_closes_the_read_then_workers_stop_requesting_and_end",
        ),
        "Output is UTF-8, whatever the locale": (
            "test_process.py",
            "test_given_any_place_when_read_then_files_and_messages_are_utf_8",
        ),
        "Settings that are null or empty count as not set": (
            "test_process.py",
            "test_given_optional_settings_as_null_when_a_command_runs_then_they_are_not_set",
        ),
        "An error names the file that is not valid JSON, and the place in it": (
            "test_process.py",
            "test_given_settings_that_are_no_json_when_checked_then_file_and_place_are_named",
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
        lines += [f"\n## {title}\n", "| Promise | Test | Cases |", "|---|---|---|"]
        for promise, (file, test) in promises.items():
            lines.append(f"| {promise} | [`{test}`](../integration_tests/{file}) | {_tries(file, test, cases)} |")
    bounds = BOUNDS.format(
        answer=requester.TOTAL_TIMEOUT_SECONDS,
        size=body.MAX_BODY_BYTES >> 20,
        silence=client.READ_TIMEOUT_SECONDS,
        check=check.MAX_OUTAGE_SECONDS,
        failed=account.CIRCUIT_BREAKER_THRESHOLD,
        backoff=account.MAX_BACKOFF_SECONDS,
        rejections=account.REJECTIONS_THRESHOLD,
        groups=state.MAX_ENTRIES,
    )
    return "\n".join(lines) + "\n" + bounds


def _tries(file: str, test: str, cases: Counter[str]) -> str:
    module = import_module(f"integration_tests.{file.removesuffix('.py')}")
    if file == "test_killed.py":
        return f"{module.ROUNDS} kills"
    if drawn := getattr(getattr(module, test), "_hypothesis_internal_use_settings", None):
        return f"{drawn.max_examples} random cases"
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
