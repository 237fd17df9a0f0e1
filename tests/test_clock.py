from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.clock import new_id, new_ids, read_timestamp, system_clock, timestamp
from bedside.errors import UsageError

moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(moments)
def test_a_time_is_read_back_to_the_microsecond(moment: datetime) -> None:
    assert read_timestamp(timestamp(moment)) == moment


@given(moments, moments)
def test_text_sorts_as_time_does(one: datetime, other: datetime) -> None:
    assert (timestamp(one) < timestamp(other)) == (one < other)


def test_every_zone_is_written_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert timestamp(datetime(2026, 11, 21, 17, tzinfo=tokyo)) == "2026-11-21T08:00:00.000000Z"


def test_an_offset_is_read() -> None:
    assert read_timestamp("2026-11-21T17:00:00+09:00") == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="has no zone"):
        timestamp(datetime(2026, 11, 21))
    with pytest.raises(UsageError, match="Add Z or an offset"):
        read_timestamp("2026-11-21T08:00:00")


def test_what_is_not_a_time_is_refused() -> None:
    with pytest.raises(UsageError, match="'yesterday' is not a time"):
        read_timestamp("yesterday")


def test_the_system_clock_tells_utc() -> None:
    now = system_clock()
    assert now.utcoffset() == timedelta(0)
    assert abs(now.timestamp() - time.time()) < 5


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_it() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before <= made.int >> 80 <= after


def test_ids_do_not_repeat() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_ids_of_one_moment_rise_and_are_all_different() -> None:
    made = new_ids(500)
    assert made == sorted(set(made))
    assert {uuid.UUID(one).version for one in made} == {7}
    assert {uuid.UUID(one).variant for one in made} == {uuid.RFC_4122}
    assert all(str(uuid.UUID(one)) == one for one in made)
    assert new_ids(0) == []
    drawn = 0
    for one in made:  # every bit that is not told by the standard is drawn
        drawn |= uuid.UUID(one).int ^ uuid.UUID(made[0]).int
    assert drawn.bit_count() == 74
