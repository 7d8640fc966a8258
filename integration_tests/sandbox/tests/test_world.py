from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from integration_tests.sandbox import world
from integration_tests.sandbox.settings import BadKnob, Settings
from integration_tests.sandbox.tests.asking import SETTINGS

TODAY = SETTINGS.today_date()
DAYS = [TODAY - datetime.timedelta(days=n) for n in range(400)]
MONDAY = datetime.date(2026, 3, 2)
SATURDAY = datetime.date(2026, 3, 7)


def _sms(settings: Settings, day: datetime.date, today: datetime.date = TODAY) -> int:
    return sum(cell.sms for cell in world.seven_cells(settings, day, today))


def _units(settings: Settings, day: datetime.date, today: datetime.date = TODAY) -> int:
    return sum(account.total for account in world.smsfactor_day(settings, day, today))


def test_given_the_same_seed_and_day_then_final_counts_do_not_depend_on_today():
    later = TODAY + datetime.timedelta(days=100)

    assert world.seven_cells(SETTINGS, MONDAY, TODAY) == world.seven_cells(SETTINGS, MONDAY, later)
    assert world.smsfactor_day(SETTINGS, MONDAY, TODAY) == world.smsfactor_day(SETTINGS, MONDAY, later)


def test_given_another_seed_then_all_figures_differ():
    other = replace(SETTINGS, seed=8)

    assert world.seven_cells(SETTINGS, MONDAY, TODAY) != world.seven_cells(other, MONDAY, TODAY)
    assert world.smsfactor_day(SETTINGS, MONDAY, TODAY) != world.smsfactor_day(other, MONDAY, TODAY)
    assert world.balance(SETTINGS, TODAY) != world.balance(other, TODAY)
    assert world.credits(SETTINGS, TODAY) != world.credits(other, TODAY)
    assert world.price_list(SETTINGS, TODAY) != world.price_list(other, TODAY)


def test_given_a_busy_year_then_days_and_single_accounts_are_idle_now_and_then():
    idle_days = [day for day in DAYS if _sms(SETTINGS, day) == 0]
    days_with_one_idle_account = [
        day
        for day in DAYS
        if _units(SETTINGS, day) and any(row.total == 0 for row in world.smsfactor_day(SETTINGS, day, TODAY))
    ]

    assert 20 < len(idle_days) < 80
    assert 50 < len(days_with_one_idle_account) < 350


def test_given_a_busy_year_then_countries_add_up_to_the_total_or_sometimes_less():
    gaps = [
        row.total - sum(units for _, units in row.countries)
        for day in DAYS
        for row in world.smsfactor_day(SETTINGS, day, TODAY)
    ]

    assert min(gaps) == 0
    assert 0.1 < sum(gap > 0 for gap in gaps) / len(gaps) < 0.4


def test_given_a_busy_year_then_an_unknown_country_has_traffic_on_some_days():
    codes = {code for day in DAYS for row in world.smsfactor_day(SETTINGS, day, TODAY) for code, _ in row.countries}

    assert "" in codes


def test_given_weekday_activity_then_a_saturday_is_idle_and_a_monday_is_not():
    settings = replace(SETTINGS, activity="weekday")

    assert (_sms(settings, SATURDAY), _units(settings, SATURDAY)) == (0, 0)
    assert _sms(settings, MONDAY) > 0
    assert _units(settings, MONDAY) > 0


def test_given_a_dormant_account_then_no_day_has_traffic():
    settings = replace(SETTINGS, activity="dormant")

    assert not any(_sms(settings, day) or _units(settings, day) for day in DAYS)


def test_given_an_opening_date_then_there_is_traffic_from_that_day_on_only():
    settings = replace(SETTINGS, account_opened="2026-03-05")

    assert (_sms(settings, MONDAY), _units(settings, MONDAY)) == (0, 0)
    assert _sms(settings, datetime.date(2026, 3, 5)) > 0


def test_given_today_then_about_half_of_the_final_figures_are_known():
    tomorrow = TODAY + datetime.timedelta(days=1)

    assert 0.4 < _sms(SETTINGS, TODAY) / _sms(SETTINGS, TODAY, tomorrow) < 0.51
    assert 0.4 < _units(SETTINGS, TODAY) / _units(SETTINGS, TODAY, tomorrow) < 0.51


def test_given_a_day_after_today_then_it_has_no_traffic():
    tomorrow = TODAY + datetime.timedelta(days=1)

    assert (_sms(SETTINGS, tomorrow), _units(SETTINGS, tomorrow)) == (0, 0)


def test_given_three_correction_days_then_figures_rise_until_the_fourth_day_and_stay():
    settings = replace(SETTINGS, correction_days=3)
    by_age = [_sms(settings, MONDAY, MONDAY + datetime.timedelta(days=age)) for age in range(7)]

    assert by_age[:5] == sorted(set(by_age[:5]))
    assert by_age[4:] == [_sms(SETTINGS, MONDAY)] * 3


def test_given_the_price_list_then_it_has_the_size_and_the_oddities_of_the_real_one():
    countries = world.price_list(SETTINGS, TODAY)
    shared, *others = countries
    networks = [network for country in others for network in country.networks]
    keys = {(country.code, network.mcc, network.name) for country in others for network in country.networks}

    assert [country.code for country in countries] == sorted({country.code for country in countries})
    assert len(countries) == 232
    assert 2000 < len(networks) < 2250
    assert (shared.code, shared.prefix, shared.networks) == ("", "882", ())
    assert all(country.networks[0][1:3] == (None, None) for country in others)
    assert len(keys) == len(networks)
    assert any(", " in network.mcc for network in networks)
    assert any(mnc.startswith("0") for network in networks for mnc in network.mncs or ())


def test_given_the_next_day_then_about_two_percent_of_the_prices_differ():
    yesterday = world.price_list(SETTINGS, TODAY - datetime.timedelta(days=1))
    changed = [
        (old, new)
        for before, now in zip(yesterday, world.price_list(SETTINGS, TODAY), strict=True)
        for old, new in zip(before.networks, now.networks, strict=True)
        if old != new
    ]

    assert 20 < len(changed) < 70
    assert all(old._replace(price=0) == new._replace(price=0) for old, new in changed)


@pytest.mark.parametrize(("units", "amount"), [(0, 0), (750, 0.075), (10_000, 1), (1, 0.0001), (9_321_200, 932.12)])
def test_given_money_in_ten_thousandths_then_it_has_at_most_four_decimals(units, amount):
    assert world.eur(units) == amount


@pytest.mark.parametrize(
    "knobs",
    [
        {"colour": "red"},
        {"activity": "frantic"},
        {"today": "2026-02-31"},
        {"today": "20260301"},
        {"latency": -1},
        {"seed": "7"},
        {"seven_ip_refused": 1},
        {"seven_keys": ["key"]},
        {"smsfactor_tokens": "token"},
        {"postpaid_limit": True},
    ],
)
def test_given_an_unknown_knob_or_a_bad_value_then_it_is_rejected(knobs):
    with pytest.raises(BadKnob):
        Settings().with_knobs(knobs)


def test_given_settings_as_json_when_read_back_then_they_are_the_same():
    settings = Settings(today="2026-03-10", postpaid_limit=500, seven_keys={"k": ("balance",)})

    assert Settings().with_knobs(settings.as_json()) == settings
