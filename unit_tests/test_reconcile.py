from __future__ import annotations

from decimal import Decimal
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_sms_providers import reconcile as module
from source_sms_providers.reconcile import add_amounts, matches, reconcile, sum_amounts

MONEY = 1
"""The amounts here: SMS, EUR."""


def outcome(total, rows=(), removed=None):
    result = reconcile(total, [*rows], removed or {}, MONEY)
    return sorted(result.retained), result.remainder, result.explained, result.has_surplus


# Sums


def test_given_binary_fractions_when_summed_then_there_is_no_noise():
    assert sum_amounts([(1, 0.1), (2, 0.2)], 2) == (Decimal(3), Decimal("0.3"))


def test_given_no_rows_when_summed_then_each_amount_is_zero():
    assert sum_amounts([], 2) == (0, 0)


def test_given_a_null_amount_when_summed_then_it_counts_as_nothing():
    assert sum_amounts([(1, None), (None, 0.5)], 2) == (1, Decimal("0.5"))


@pytest.mark.parametrize(
    ("left", "right", "total"),
    [
        ((1, 0.1), (2, 0.2), (3, 0.3)),
        ((1, None), (2, 0.2), (3, 0.2)),
        ((1, None), (None, None), (1, None)),
        ((0, -0.5), (0, 0.5), (0, 0)),
    ],
)
def test_given_two_rows_when_added_then_only_two_nulls_are_null(left, right, total):
    assert add_amounts(left, right) == total


def test_given_a_whole_sum_when_added_then_it_is_an_integer():
    assert [type(value) for value in add_amounts((1, 0.5), (1, 0.5))] == [int, int]


# Counters are exact, money has half a cent a row


@pytest.mark.parametrize(("sms", "is_equal"), [(9, False), (10, True), (11, False)])
def test_given_counters_when_compared_then_they_match_exactly(sms, is_equal):
    assert matches([(4, 0), (6, 0)], [(sms, 0)], 2, MONEY) is is_equal


def test_given_a_hundred_rows_when_compared_then_their_counters_match_exactly():
    assert not matches([(1, 0.01)] * 200, [(201, 2)], 2, MONEY)


@pytest.mark.parametrize(
    ("rows", "eur", "is_equal"),
    [
        (1, 1.005, True),
        (1, 0.995, True),
        (1, 1.0051, False),
        (1, 0.9949, False),
        (4, 1.02, True),
        (4, 1.0201, False),
        (0, 0.005, True),
        (0, 0.0051, False),
    ],
)
def test_given_costs_when_compared_then_they_may_differ_by_half_a_cent_a_row(rows, eur, is_equal):
    parts = [(0, 1 / rows)] * rows if rows else []

    assert matches(parts, [(0, eur)], 2, MONEY) is is_equal


@pytest.mark.parametrize("others", [[(3, 0.3)], [(1, 0.1), (2, 0.2)], [(3, 0.3), (0, 0)]])
def test_given_lists_of_any_length_when_compared_then_their_sums_count(others):
    assert matches([(2, 0.1), (1, 0.2)], others, 2, MONEY)


@pytest.mark.parametrize("eur", [0.995, 0.9999, 1, 1.0001, 1.005])
def test_given_rounded_costs_when_reconciled_then_nothing_is_left_over(eur):
    assert outcome((10, 1), [(10, eur)]) == ([], None, True, False)


def test_given_several_rounded_costs_then_each_may_differ_by_half_a_cent():
    assert outcome((2, 2.01), [(1, 1), (1, 1)]) == ([], None, True, False)
    assert outcome((2, 2.0101), [(1, 1), (1, 1)]) == ([], (0, 0.0101), False, False)


def test_given_rounded_costs_and_a_removed_group_when_reconciled_then_it_is_removed():
    assert outcome((10, 1.0001), [(10, 1)], {"XX": (3, 0.3)}) == ([], None, True, False)


def test_given_no_money_when_reconciled_then_all_amounts_are_exact():
    assert not reconcile((10, 1.004), [(10, 1)], {}).explained


# The rows are the total


def test_given_rows_that_add_up_when_reconciled_then_removed_groups_are_gone():
    assert outcome((10, 1), [(4, 0.4), (6, 0.6)], {"XX": (4, 0.4)}) == ([], None, True, False)


def test_given_a_day_without_usage_when_reconciled_then_removed_groups_are_gone():
    assert outcome((0, 0), [], {"XX": (4, 0.4)}) == ([], None, True, False)


@pytest.mark.parametrize("of_zeros", [(0, 0), (None, 0), (None, None)])
def test_given_a_removed_group_of_zeros_when_reconciled_then_it_is_not_retained(of_zeros):
    assert outcome((10, 1), [(10, 1)], {"XX": of_zeros}) == ([], None, True, False)
    assert outcome((10, 1), [(6, 1)], {"XX": of_zeros}) == ([], (4, 0), False, False)


# The rows are less


def test_given_rows_that_lack_usage_when_reconciled_then_the_rest_is_the_remainder():
    assert outcome((10, 1), [(4, 0.4)]) == ([], (6, 0.6), False, False)


def test_given_no_rows_when_reconciled_then_all_is_the_remainder():
    assert outcome((5, 0.09)) == ([], (5, 0.09), False, False)


@pytest.mark.parametrize(
    ("total", "remainder"), [((11, 1), (1, 0)), ((10, 1.5), (0, 0.5)), ((11, 1.005), (1, 0)), ((11, 1.006), (1, 0.006))]
)
def test_given_one_amount_that_is_less_then_the_remainder_has_it_alone(total, remainder):
    assert outcome(total, [(10, 1)]) == ([], remainder, False, False)


def test_given_a_remainder_when_reconciled_then_whole_numbers_are_integers():
    [sms, eur] = reconcile((3, 0.3), [(1, 0.1)], {}, MONEY).remainder

    assert (sms, eur, type(sms)) == (2, 0.2, int)


# The rows are more


@pytest.mark.parametrize("total", [(9, 1), (10, 0.99), (0, 0)])
def test_given_rows_of_more_usage_when_reconciled_then_there_is_a_surplus(total):
    assert outcome(total, [(10, 1)]) == ([], None, False, True)


def test_given_rows_of_more_sms_and_less_cost_when_reconciled_then_both_are_reported():
    assert outcome((9, 2), [(10, 1)]) == ([], (0, 1), False, True)


def test_given_a_surplus_when_reconciled_then_no_removed_group_is_retained():
    assert outcome((9, 1), [(10, 1)], {"XX": (1, 0)}) == ([], None, False, True)


# Removed groups


def test_given_a_removed_group_that_the_total_holds_then_it_is_retained():
    assert outcome((10, 1), [(6, 0.6)], {"XX": (4, 0.4)}) == (["XX"], None, True, False)


def test_given_two_removed_groups_when_the_total_holds_one_then_that_one_is_retained():
    removed = {"FR": (4, 0.4), "AT": (1, 0.1)}

    assert outcome((10, 1), [(6, 0.6)], removed) == (["FR"], None, True, False)


def test_given_several_removed_groups_when_the_total_holds_all_then_all_are_retained():
    removed = {"FR": (3, 0.3), "AT": (1, 0.1)}

    assert outcome((10, 1), [(6, 0.6)], removed) == (["AT", "FR"], None, True, False)


def test_given_groups_of_the_same_sms_when_reconciled_then_cost_distinguishes_them():
    removed = {"FR": (4, 0.4), "CH": (4, 0.8)}

    assert outcome((10, 1.4), [(6, 0.6)], removed) == (["CH"], None, True, False)


@pytest.mark.parametrize("order", [("FR", "CH"), ("CH", "FR")])
def test_given_the_tolerance_of_many_rows_then_the_best_groups_are_retained(order):
    removed = {"FR": (1, 0.075), "CH": (1, 0.9)}

    assert outcome((301, 23.4), [(1, 0.075)] * 300, {group: removed[group] for group in order})[0] == ["CH"]


def test_given_the_tolerance_of_many_rows_then_a_group_of_costs_is_retained():
    assert outcome((300, 23.9), [(1, 0.075)] * 300, {"FR": (0, 1.4)})[0] == ["FR"]


@pytest.mark.parametrize("order", list(permutations(["AT", "BE", "CH", "DE", "EE"])))
def test_given_several_ways_to_add_up_then_the_fewest_groups_are_retained(order):
    removed = {"AT": (1, 0), "BE": (3, 0), "CH": (4, 0), "DE": (9, 0), "EE": (9, 0)}

    assert outcome((4, 0), [], {group: removed[group] for group in order}) == (["CH"], None, True, False)


def test_given_a_refund_when_reconciled_then_a_group_of_negative_cost_is_retained():
    removed = {"AT": (1, -0.5), "BE": (2, 1)}

    assert outcome((3, 0.5), [], removed) == (["AT", "BE"], None, True, False)


def test_given_eleven_groups_renamed_and_one_deleted_then_the_latter_is_retained():
    renamed = {f"X{n:02}": (n + 1, 0) for n in range(11)}
    rows = [(n + 1, 0) for n in range(11)]

    assert outcome((sum(range(12)) + 1302, 0), rows, {**renamed, "ZZ": (1302, 0)}) == (["ZZ"], None, True, False)


def test_given_28_removed_groups_of_any_amounts_then_those_that_add_up_are_retained():
    removed = {f"X{n:02}": (3**n, 0) for n in range(28)}
    kept = [group for n, group in enumerate(removed) if n % 3]

    assert outcome((sum(removed[group][0] for group in kept), 0), [], removed) == (kept, None, True, False)


def test_given_forty_groups_most_of_which_exceed_the_total_then_the_search_is_exact():
    removed = {"AT": (2, 0), "BE": (4, 0), **{f"X{n:02}": (8 * 2**n, 0) for n in range(38)}}

    assert outcome((6, 0), [], removed) == (["AT", "BE"], None, True, False)


def test_given_eleven_groups_that_are_all_renamed_then_none_is_retained():
    renamed = {f"X{n:02}": (n + 1, 0) for n in range(11)}

    assert outcome((66, 0), [(66, 0)], renamed) == ([], None, True, False)


def test_given_a_hundred_equal_groups_when_reconciled_then_the_search_is_short():
    removed = {f"X{n:02}": (1, 0.1) for n in range(100)}

    retained, remainder, explained, _ = outcome((40, 4), [], removed)

    assert (len(retained), remainder, explained) == (40, None, True)


def test_given_more_sums_than_are_searched_then_what_fits_is_retained(monkeypatch):
    monkeypatch.setattr(module, "MAX_SUBSET_SUMS", 4)
    removed = {f"X{n}": (2**n, 0) for n in range(6)}

    assert outcome((63, 0), [], removed) == (sorted(removed), None, False, False)
    assert outcome((41, 0), [], removed) == (["X0", "X3", "X5"], None, False, False)


@pytest.mark.parametrize(
    ("deficit", "retained", "remainder"), [(9, ["AT", "BE"], 2), (6, ["BE"], 2), (3, ["AT"], None), (2, [], 2)]
)
def test_given_nothing_that_adds_up_then_the_groups_that_fit_are_retained(deficit, retained, remainder):
    found = outcome((deficit, 0), [], {"AT": (3, 0), "BE": (4, 0)})

    assert found == (retained, remainder and (remainder, 0), remainder is None, False)


def test_given_a_group_that_fits_in_sms_but_not_in_cost_then_it_is_not_retained():
    assert outcome((5, 0.1), [], {"AT": (3, 0.3)}) == ([], (5, 0.1), False, False)


# Amounts that are not sent


def test_given_a_total_without_a_counter_when_reconciled_then_it_is_not_compared():
    assert outcome((None, 1), [(10, 1)]) == ([], None, True, False)
    assert outcome((None, 2), [(10, 1)], {"XX": (7, 1)}) == (["XX"], None, True, False)


def test_given_a_total_without_a_counter_then_the_remainder_has_none_either():
    assert outcome((None, 2), [(10, 1)]) == ([], (None, 1), False, False)


def test_given_a_total_without_costs_when_reconciled_then_the_counters_are_exact():
    assert outcome((10, None), [(10, 1)]) == ([], None, True, False)
    assert outcome((11, None), [(10, 1)]) == ([], (1, None), False, False)


def test_given_a_total_without_a_counter_then_the_cost_keeps_its_tolerance():
    result = reconcile((None, 5, 1.004), [(1, 5, 1)], {}, money=2)

    assert (result.explained, result.remainder) == (True, None)


def test_given_a_row_without_a_counter_when_reconciled_then_it_counts_as_zero():
    assert outcome((3, 1), [(None, 1)]) == ([], (3, 0), False, False)


def test_given_a_total_without_any_amount_then_everything_is_explained():
    assert outcome((None, None), [(1, 1)], {"XX": (1, 1)}) == ([], None, True, False)


# Any day


AMOUNTS = st.tuples(st.integers(0, 6), st.integers(0, 300).map(lambda cents: cents / 100))


@settings(max_examples=200, deadline=None)
@given(total=AMOUNTS, rows=st.lists(AMOUNTS, max_size=3), removed=st.dictionaries(st.sampled_from("ABCDE"), AMOUNTS))
def test_given_any_day_then_rows_and_what_follows_add_up_to_its_total(total, rows, removed):
    result = reconcile(total, rows, removed, MONEY)

    written = [*rows, *(removed[group] for group in result.retained), *([result.remainder] if result.remainder else [])]
    # Half a cent for each group that the day has or had.
    rounding = [(0, 0)] * (len(rows) + len(removed))
    assert matches([*written, *rounding], [total], 2, MONEY) or result.has_surplus


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(AMOUNTS, max_size=3), removed=st.dictionaries(st.sampled_from("ABCDE"), AMOUNTS), data=st.data())
def test_given_a_total_that_some_removed_groups_explain_then_some_do(rows, removed, data):
    kept = data.draw(st.sets(st.sampled_from(sorted(removed)))) if removed else set()
    total = (0, 0)
    for amounts in [*rows, *(removed[group] for group in kept)]:
        total = add_amounts(total, amounts)

    result = reconcile(total, rows, removed, MONEY)

    assert (result.explained, result.remainder, result.has_surplus) == (True, None, False)
    assert len(result.retained) <= len(kept)


@settings(max_examples=100, deadline=None)
@given(total=st.integers(0, 12), removed=st.dictionaries(st.sampled_from("ABCDEF"), st.integers(1, 6)))
def test_given_any_counters_then_the_search_finds_what_trying_all_would(total, removed):
    sizes = [
        size
        for size in range(len(removed) + 1)
        if any(sum(removed[each] for each in some) == total for some in combinations(removed, size))
    ]

    result = reconcile((total,), [], {group: (sms,) for group, sms in removed.items()})

    assert result.explained is bool(sizes)
    assert not sizes or len(result.retained) == sizes[0]
