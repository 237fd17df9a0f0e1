from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bedside.site.backup.plan import BackupSettings, kept

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = [BEGIN + timedelta(days=day, hours=hour) for day in range(365) for hour in (2, 14)]


def told(**rules: int) -> BackupSettings:
    none = {"keep_last": 1, "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0}
    return BackupSettings.model_validate({**none, **rules})


def test_the_last_ones_are_kept() -> None:
    assert kept(DAYS, told(keep_last=3)) == set(DAYS[-3:])


def test_of_each_day_the_last_one_is_kept() -> None:
    found = sorted(kept(DAYS, told(keep_daily=3)))
    assert found == [DAYS[-5], DAYS[-3], DAYS[-1]]


def test_of_each_month_the_last_one_is_kept() -> None:
    found = sorted(kept(DAYS, told(keep_monthly=12)))
    assert [(at.month, at.hour) for at in found] == [(month, 14) for month in range(1, 13)]


def test_of_each_week_the_last_one_is_kept() -> None:
    found = sorted(kept(DAYS, told(keep_weekly=4)))
    assert [at.isoweekday() for at in found[:-1]] == [7, 7, 7]
    assert found[-1] == DAYS[-1]


def test_a_generation_stays_while_any_rule_keeps_it() -> None:
    rules = {"keep_last": 3, "keep_daily": 7, "keep_weekly": 5, "keep_monthly": 12}
    together = kept(DAYS, told(**rules))
    assert together == set().union(*(kept(DAYS, told(**{k: v})) for k, v in rules.items()))
    assert 12 < len(together) < 27


@given(
    st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))),
    st.integers(1, 5),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_the_newest_is_always_kept_and_pruning_again_removes_nothing(
    times: list[datetime], last: int, daily: int, weekly: int, monthly: int
) -> None:
    rules = told(keep_last=last, keep_daily=daily, keep_weekly=weekly, keep_monthly=monthly)
    found = kept(times, rules)
    assert found <= set(times)
    assert not times or max(times) in found
    assert kept(found, rules) == found
