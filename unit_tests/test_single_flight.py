from __future__ import annotations

import threading
import weakref
from collections.abc import Sized
from traceback import walk_tb

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error
from source_sms_providers.single_flight import SingleFlight


def test_given_a_cached_error_when_it_is_raised_often_then_its_stack_does_not_grow():
    made = SingleFlight[str, int]()
    stacks = []

    def fail() -> int:
        raise config_error("Mend it.")

    for _ in range(5):
        with pytest.raises(AirbyteTracedException, match="Mend it") as raised:
            made.get("key", fail)
        assert raised.value.failure_type is FailureType.config_error
        stacks.append(len(list(walk_tb(raised.value.__traceback__))))

    assert len(set(stacks)) == 1


def test_given_many_threads_then_one_computes_while_the_others_wait():
    made = SingleFlight[str, int]()
    makers, values = [], []
    may_end = threading.Event()

    def make() -> int:
        makers.append(threading.get_ident())
        may_end.wait(30)
        return 7

    threads = [threading.Thread(target=lambda: values.append(made.get("key", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    may_end.set()
    for thread in threads:
        thread.join(30)

    assert values == [7] * 8
    assert len(makers) == 1


def test_given_a_key_that_is_being_made_when_another_is_wanted_then_it_is_made():
    made = SingleFlight[str, str]()

    assert made.get("first", lambda: made.get("second", lambda: "value")) == "value"


def test_given_more_values_than_fit_then_the_least_recently_used_one_is_dropped():
    made = SingleFlight[str, str](max_size=2)
    makings = []

    def make(key: str) -> str:
        makings.append(key)
        return key

    for key in ("one", "two", "one", "three", "one", "two"):
        assert made.get(key, lambda key=key: make(key)) == key

    assert makings == ["one", "two", "three", "two"]


def test_given_a_thousand_keys_when_few_are_kept_then_nothing_of_the_others_stays():
    made = SingleFlight[int, Value](max_size=3)
    dropped = []

    for key in range(1000):
        value = Value(key)
        dropped.append(weakref.ref(value))
        made.get(key, lambda value=value: value)
    del value

    assert sum(reference() is not None for reference in dropped) == 3
    sizes = [len(each) for each in vars(made).values() if isinstance(each, Sized)]
    assert max(sizes) <= 3


def test_given_a_bug_when_many_want_the_value_then_it_reaches_them_and_is_not_kept():
    made = SingleFlight[str, int]()

    with pytest.raises(ZeroDivisionError):
        made.get("key", lambda: 1 // 0)

    assert made.get("key", lambda: 7) == 7


class Value:
    def __init__(self, number: int) -> None:
        self.number = number
