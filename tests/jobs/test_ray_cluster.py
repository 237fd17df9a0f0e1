"""A local cluster of two nodes, one of which is killed half-way; the real Ray, or skipped."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest

from bedside.errors import Unavailable, UsageError
from bedside.jobs.frames import spell_file
from bedside.jobs.ray_cluster import Cluster, Share
from bedside.jobs.task import Finished, Step, Task

CHILD = "tests.jobs.many_child"
COMMON = tuple(spell_file({"name": "common"}, b"abc"))
SHARE = Share(1, 2**28)

HAVE_RAY = importlib.util.find_spec("ray") is not None
WITH_RAY = pytest.mark.skipif(
    not HAVE_RAY, reason="ray missing: it is the extra `ray`, tested in an environment of its own"
)


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """A cluster of two nodes with one processor each, and the node that can be killed."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = importlib.import_module("ray.cluster_utils")
    machines = made.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    other = machines.add_node(num_cpus=1)
    machines.wait_for_nodes()
    yield machines, other
    machines.shutdown()


def tasks(count: int, seconds: float) -> list[Task]:
    return [
        Task(str(one), {"seconds": seconds}, lambda one=one: [("own", str(one).encode())])  # type: ignore[misc]
        for one in range(count)
    ]


@WITH_RAY
@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore")
def test_a_node_that_is_killed_half_way_loses_nothing(nodes: tuple[Any, Any]) -> None:
    machines, other = nodes
    cluster = Cluster(machines.address, CHILD, COMMON, SHARE)
    found: list[str] = []
    begun = 0
    for heard in cluster.run(tasks(10, seconds=1.0)):
        begun += isinstance(heard, Step)
        if isinstance(heard, Finished):
            assert "answer" in heard.said, heard.said
            assert heard.files["own.out"] == heard.name.encode()
            assert heard.files["common.out"] == b"cba"
            found.append(heard.name)
            if len(found) == 4:
                machines.remove_node(other, allow_graceful=False)
    assert sorted(found) == sorted(map(str, range(10)))
    assert begun > 10, "no task was begun anew: the node went too late"


@WITH_RAY
@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore")
def test_there_is_no_cluster_at_an_address_where_none_is() -> None:
    with pytest.raises(Unavailable, match="no Ray cluster at"):
        Cluster("127.0.0.1:1", CHILD, COMMON, SHARE)


@pytest.mark.skipif(HAVE_RAY, reason="ray is installed")
def test_without_ray_the_extra_is_named() -> None:
    with pytest.raises(UsageError, match=r"bedside\[ray\]"):
        Cluster("auto", CHILD, COMMON, SHARE)
