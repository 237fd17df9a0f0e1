"""A local cluster of two nodes, one of which is killed half-way; the real Ray, or skipped."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bedside.errors import Unavailable, UsageError
from bedside.jobs import ray_cluster
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
    machines = made.Cluster()
    try:
        machines.add_node(num_cpus=1)
        other = machines.add_node(num_cpus=1)
        machines.wait_for_nodes()
    except Exception as problem:  # noqa: BLE001 - Ray raises just that where a node is not up in 30 s
        machines.shutdown()
        pytest.skip(f"Ray's own nodes do not start on this machine: {str(problem)[:200]}")
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


class Lost(Exception):
    """What Ray raises of an actor that is gone."""


class Barren:
    """A cluster whose nodes have no bedside: an actor is asked for, and ends before it begins."""

    exceptions = SimpleNamespace(RayError=Lost)

    def __init__(self, born: int = 0) -> None:
        self.hired, self.born = 0, born
        self.init = self.put = self.kill = self.shutdown = lambda *_, **__: None

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def remote(self, _kind: object) -> Any:
        self.hired += 1
        assert self.hired < 50, "actors are hired without end"
        alive = self.hired <= self.born
        ready = SimpleNamespace(remote=lambda: (self.hired, alive))
        work = SimpleNamespace(remote=lambda *asked: (asked[0], True))
        actor = SimpleNamespace(ready=ready, work=work)
        made = SimpleNamespace(remote=lambda *_: actor)
        return SimpleNamespace(options=lambda **_: made)

    def wait(self, references: list[Any], **_: object) -> tuple[list[Any], list[Any]]:
        return references[-1:], references[:-1]

    def get(self, reference: tuple[object, bool]) -> Any:
        if not reference[1]:
            raise Lost("The actor died.\nModuleNotFoundError: No module named 'bedside'\n")
        return {"answer": 1}, {}


def test_nodes_without_bedside_are_told_and_not_tried_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_cluster, "_ray", Barren)
    with pytest.raises(Unavailable, match=r"No module named 'bedside'.*the same bedside"):
        list(Cluster("auto", CHILD, COMMON, SHARE).run(tasks(3, 0)))


def test_one_node_that_has_it_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "_ray", lambda: Barren(born=1))
    heard = Cluster("auto", CHILD, COMMON, SHARE).run(tasks(3, 0))
    assert sorted(one.name for one in heard if isinstance(one, Finished)) == ["0", "1", "2"]


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
