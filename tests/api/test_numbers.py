from __future__ import annotations

from pathlib import Path

from bedside.api.numbers import (
    FRESH_SECONDS,
    SECONDS,
    Numbers,
    SharedNumbers,
    added_up,
    cumulative,
    read_numbers,
)


def counted(worker: int) -> Numbers:
    numbers = Numbers({"c": ("counts", ("label",))}, at=1000.0)
    numbers.add(("c", "a"), worker)
    numbers.took("predict", 0.002 * worker)
    numbers.in_flight = worker
    numbers.ready = {("m", "1.0.0"): int(worker == 1)}
    return numbers


def test_what_was_written_is_read_again() -> None:
    assert read_numbers(counted(2).written()) == counted(2)


def test_counts_are_added_and_a_version_is_ready_where_all_say_so() -> None:
    total = added_up([counted(1), counted(2)], 1001.0)
    assert total.counts == {("c", "a"): 3}
    assert total.kinds == {"c": ("counts", ("label",))}
    assert total.in_flight == 3
    assert total.ready == {("m", "1.0.0"): 0}
    buckets, seconds = cumulative(total.seconds["predict"])
    assert buckets[:2] == [("0.001", 0), ("0.002", 1)]  # an upper bound belongs to its bucket
    assert buckets[-1:] == [("+Inf", 2)]
    assert seconds == 0.006
    assert len(buckets) == len(SECONDS) + 1


def test_of_a_process_that_is_gone_only_the_counts_are_told() -> None:
    total = added_up([counted(1), counted(2)], 1000.0 + FRESH_SECONDS + 1)
    assert total.counts == {("c", "a"): 3}
    assert total == Numbers(total.kinds, total.counts, total.seconds, at=total.at)


def test_a_worker_that_is_started_again_goes_on_counting(tmp_path: Path) -> None:
    first, other = SharedNumbers(tmp_path, 1), SharedNumbers(tmp_path, 2)
    assert first.inherited() == Numbers()
    first.write(counted(1))
    other.write(counted(2))
    again = SharedNumbers(tmp_path, 1)
    numbers = again.inherited()
    assert numbers.counts == {("c", "a"): 1}
    assert numbers.in_flight == 0
    numbers.add(("c", "a"))
    assert again.all(numbers).counts == {("c", "a"): 4}
    (tmp_path / "2.json").write_bytes(b'{"counts":')  # as a failing disk may leave it
    assert again.all(numbers).counts == {("c", "a"): 2}
