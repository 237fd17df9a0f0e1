from __future__ import annotations

from bedside.jobs.job import State
from tests.jobs.toy import SECRET, Toys, until


def test_a_job_is_done_and_its_result_is_sealed(toys: Toys) -> None:
    job = toys.add()
    runner = toys.runner()
    runner.start()
    try:
        until(lambda: not toys.jobs.get(job.id).unfinished)
    finally:
        runner.stop()
    found = toys.jobs.get(job.id)
    assert (found.state, found.code, found.attempts) == (State.DONE, "", 1)
    assert toys.results(job) == {"one.out": SECRET[::-1]}
    assert toys.events(job) == 1
    for name in toys.files.names():
        assert SECRET not in toys.files.path(name).read_bytes()
