"""Whatever people do, in any order: rows and ledger tell the same story."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedside.errors import Conflict, PackageRefused, PermissionRefused
from bedside.people import audit as people_audit
from bedside.registry import audit, queries
from tests.registry.conftest import MODEL, Bench

ACTS = st.tuples(
    st.sampled_from(["release", "rollback", "retire", "approve", "verify", "revoke", "trust"]),
    st.integers(0, 2),
    st.sampled_from(["dev", "ann", "ben", "ops", "doc", "adm"]),
)


def attempt(bench: Bench, act: str, name: str, who: str) -> None:
    caller, key = bench.crew[who], bench.key.public
    acts: dict[str, Callable[[], object]] = {
        "release": lambda: bench.registry.release(caller, name, "why"),
        "rollback": lambda: bench.registry.rollback(caller, MODEL, "why"),
        "retire": lambda: bench.registry.retire(caller, name, "why"),
        "approve": lambda: bench.registry.approve(caller, name, "I looked at it again."),
        "verify": lambda: bench.registry.verify(caller, name),
        "revoke": lambda: bench.registry.revoke_key(caller, key.fingerprint),
        "trust": lambda: bench.registry.trust_key(caller, key, "the lab"),
    }
    with contextlib.suppress(Conflict, PermissionRefused, PackageRefused):
        acts[act]()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ACTS, min_size=15, max_size=25))
def test_after_any_acts_rows_and_ledger_tell_the_same_story(
    bench: Bench, acts: list[tuple[str, int, str]]
) -> None:
    attempt(bench, "trust", "", "adm")
    major = len(
        bench.registry.versions(MODEL)
    )  # three versions that no earlier example has touched
    names = [bench.approve(f"{major}.{minor}.0") for minor in range(3)]
    for act, version, who in acts:
        attempt(bench, act, names[version], who)
    with bench.database.read() as connection:
        assert audit.differences(connection) + people_audit.differences(connection) == ()
        turns = queries.history(connection, MODEL)
        assert bench.ledger.fence(connection, f"release:{MODEL}") == len(turns)
    assert [turn.epoch for turn in turns] == list(range(1, len(turns) + 1))
    assert bench.answers() == (turns[-1].version if turns else None)
    bench.ledger.verify()
