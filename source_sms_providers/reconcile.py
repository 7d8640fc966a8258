"""Control totals: does a breakdown of a day add up to the day's total, and what follows if it does not.

Pure functions of amounts. Counters are compared exactly; money has a tolerance, because costs may be rounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from source_sms_providers.parsing import to_decimal, to_json_number
from source_sms_providers.saved_state import Amounts

Group = TypeVar("Group", bound=Hashable)
Sums = tuple[Decimal, ...]

HALF_A_CENT = Decimal("0.005")
MAX_SUBSET_SUMS = 20_000
"""How many sums of half of the removed groups are looked at, which takes less than a second. With more the search
gives up: at 28 groups, or later where most sums exceed the total."""


class Reconciliation(NamedTuple):
    """What follows from a control total.

    Attributes:
        retained: removed groups that the total still holds
        remainder: what neither the rows nor the retained groups explain; None if they explain all of it
        explained: whether the rows and some of the removed groups add up to the total
        has_surplus: whether the rows are more than the total
    """

    retained: Collection[Any]
    remainder: Amounts | None
    explained: bool
    has_surplus: bool


def sum_amounts(rows: Collection[Amounts], length: int) -> Sums:
    """The sum of each amount; null counts as nothing."""
    columns: Iterable[Amounts] = zip(*rows, strict=True) if rows else [()] * length
    return tuple([sum([to_decimal(amount) for amount in column if amount], Decimal(0)) for column in columns])


def add_amounts(left: Amounts, right: Amounts) -> Amounts:
    """The sum of two rows, without the noise of binary fractions; null only where both are null."""
    return tuple(
        [
            None if one is None and other is None else to_json_number(to_decimal(one or 0) + to_decimal(other or 0))
            for one, other in zip(left, right, strict=True)
        ]
    )


def matches(rows: Collection[Amounts], others: Collection[Amounts], length: int, money: int) -> bool:
    """Whether two lists of rows have equal sums; the amount of index `money` may differ by half a cent a row."""
    sums, due = sum_amounts(rows, length), sum_amounts(others, length)
    tolerance = HALF_A_CENT * max(len(rows), 1)
    return all(
        abs(one - other) <= (tolerance if index == money else 0)
        for index, (one, other) in enumerate(zip(sums, due, strict=True))
    )


def reconcile(
    total: Amounts, rows: Sequence[Amounts], removed: Mapping[Group, Amounts], money: int | None = None
) -> Reconciliation:
    """Holds the rows of a day, and the groups that were removed from it, against its total.

    Amounts that the total does not have (null) are not compared.
    """
    length = len(total)
    known = [index for index, amount in enumerate(total) if amount is not None]
    if not known:
        return Reconciliation((), None, explained=True, has_surplus=False)
    if len(known) < length:
        money = known.index(money) if money in known else None
        total, rows = _pick(total, known), [_pick(row, known) for row in rows]
        removed = {group: _pick(amounts, known) for group, amounts in removed.items()}
    deficit = _difference(sum_amounts([total], len(known)), sum_amounts(rows, len(known)))
    sums = {group: sum_amounts([amounts], len(known)) for group, amounts in removed.items() if any(amounts)}
    tolerance = HALF_A_CENT * max(len(rows) + len(sums), 1)
    slack = tuple(tolerance if index == money else Decimal(0) for index in range(len(known)))
    exact_subset = _subset(deficit, sums, slack)
    retained = _greedy_subset(deficit, sums, slack) if exact_subset is None else exact_subset
    rest = deficit
    for group in retained:
        rest = _difference(rest, sums[group])
    has_surplus = any(value < -allowed for value, allowed in zip(rest, slack, strict=True))
    # What is within the tolerance is rounding, and no usage of an unknown group.
    left = [value if value > allowed else Decimal(0) for value, allowed in zip(rest, slack, strict=True)]
    remainder = None
    if exact_subset is None and any(left):
        by_index = dict(zip(known, map(to_json_number, left), strict=True))
        remainder = tuple(by_index.get(index) for index in range(length))
    return Reconciliation(retained, remainder, exact_subset is not None, has_surplus)


def _subset(deficit: Sums, groups: Mapping[Group, Sums], slack: Sums) -> Collection[Group] | None:
    """The removed groups that add up best to the deficit, as few as possible; None if none do or the search gives up.

    Meets in the middle: the sums of one half of the groups are looked up among those of the other half.
    """
    if not groups:
        return () if all(abs(value) <= allowed for value, allowed in zip(deficit, slack, strict=True)) else None
    names = list(groups)
    halves = [_subset_sums(part, groups, deficit, slack) for part in (names[::2], names[1::2])]
    if None in halves:
        return None
    left, right = halves
    money = next((index for index, allowed in enumerate(slack) if allowed), 0)
    by_counters: dict[Sums, list[tuple[Decimal, tuple[Group, ...]]]] = {}
    for sums, chosen in sorted((right or {}).items(), key=lambda item: item[0][money]):
        by_counters.setdefault(_without(sums, money), []).append((sums[money], chosen))
    found = []
    for sums, chosen in (left or {}).items():
        rest = _difference(deficit, sums)
        others = by_counters.get(_without(rest, money), [])
        for amount, more in others[bisect_left(others, rest[money] - slack[money], key=itemgetter(0)) :]:
            if amount > rest[money] + slack[money]:
                break
            found.append((abs(amount - rest[money]), len(chosen) + len(more), (*chosen, *more)))
    return min(found, key=itemgetter(0, 1))[2] if found else None


def _without(sums: Sums, index: int) -> Sums:
    return (*sums[:index], *sums[index + 1 :])


def _subset_sums(
    names: Sequence[Group], groups: Mapping[Group, Sums], deficit: Sums, slack: Sums
) -> Mapping[Sums, tuple[Group, ...]] | None:
    """Each sum that some of the groups have, and which groups; None if they are too many."""
    reachable: dict[Sums, tuple[Group, ...]] = {tuple(Decimal(0) for _ in deficit): ()}
    for name in names:
        for reached, chosen in list(reachable.items()):
            sums = tuple([one + other for one, other in zip(reached, groups[name], strict=True)])
            # Counters only grow with each further group; money may be refunded.
            if all(value <= most for value, most, allowed in zip(sums, deficit, slack, strict=True) if not allowed):
                found = reachable.get(sums)
                if found is None or len(found) > len(chosen) + 1:
                    reachable[sums] = (*chosen, name)
        if len(reachable) > MAX_SUBSET_SUMS:
            return None
    return reachable


def _greedy_subset(deficit: Sums, groups: Mapping[Group, Sums], slack: Sums) -> Collection[Group]:
    """The removed groups that fit into the deficit, the largest first."""
    chosen: list[Group] = []
    for group, amounts in sorted(groups.items(), key=lambda item: item[1], reverse=True):
        left = _difference(deficit, amounts)
        if all(value >= -allowed for value, allowed in zip(left, slack, strict=True)):
            chosen.append(group)
            deficit = left
    return chosen


def _difference(left: Sums, right: Sums) -> Sums:
    return tuple([one - other for one, other in zip(left, right, strict=True)])


def _pick(amounts: Amounts, indexes: Iterable[int]) -> Amounts:
    return tuple([amounts[index] for index in indexes])
