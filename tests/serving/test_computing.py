"""What is asked of the runtime for an explanation: bounded in time and in memory."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bedside.canonical import Json
from bedside.errors import InputRefused, LimitExceeded, Refusal
from bedside.package.manifest import Manifest
from bedside.registry.release import Release
from bedside.runtime.patience import GoingOn, always
from bedside.runtime.runner import Runner
from bedside.serving.computing import GivenUp, computed
from bedside.serving.released import Loaded
from tests.package.building_images import EXPLANATION, ImageRecipe


class Noting:
    """Stands for a runner, and notes how many rows it was asked for at once, and for what."""

    def __init__(self, refuses: int = 0) -> None:
        self.calls: list[tuple[int, bool]] = []
        self._refuses = refuses

    def predict(
        self, rows: list[Json], *, explain: bool = False, going_on: GoingOn = always
    ) -> tuple[str, ...]:
        going_on()
        self.calls.append((len(rows), explain))
        if len(rows) == self._refuses:
            raise InputRefused((Refusal(0, "image", "missing", "nothing", "a file"),))
        return tuple(f"answer to {row}" for row in rows)


def loaded(runner: Noting, passes: int = 17) -> Loaded:
    why = EXPLANATION.model_copy(update={"passes": passes})
    manifest: Manifest = ImageRecipe(explanation=why).manifest()
    release = cast("Release", None)
    return Loaded(release, cast("Runner", runner), manifest, {}, pictures=True)


def test_without_an_explanation_all_are_computed_at_once() -> None:
    runner = Noting()
    computed(loaded(runner), [1, 2, 3], explain=False)
    assert runner.calls == [(3, False)]


def test_pictures_are_explained_one_by_one_after_all_have_passed_the_gate() -> None:
    runner = Noting()
    answers: Any = computed(loaded(runner), [1, 2, 3], explain=True)
    assert runner.calls == [(3, False), (1, True), (1, True), (1, True)]
    assert answers == ("answer to 1", "answer to 2", "answer to 3")


def test_where_one_is_refused_none_is_explained() -> None:
    runner = Noting(refuses=3)
    with pytest.raises(InputRefused):
        computed(loaded(runner), [1, 2, 3], explain=True)
    assert runner.calls == [(3, False)]


def test_explanations_that_take_too_long_together_are_refused_before_anything_is_computed() -> None:
    runner = Noting()
    with pytest.raises(LimitExceeded, match="would compute 4100 times; at most 4096") as refused:
        computed(loaded(runner, passes=1025), [1] * 4, explain=True)
    assert "Ask for at most 3" in refused.value.advice
    assert runner.calls == []
    assert computed(loaded(runner, passes=1025), [1] * 3, explain=True)


def test_one_explanation_takes_what_its_package_declares() -> None:
    assert computed(loaded(Noting(), passes=20_000), [1], explain=True)


def test_the_work_ends_between_two_pictures_when_nobody_waits() -> None:
    runner = Noting()
    asked = iter([None, None, GivenUp()])

    def going_on() -> None:
        if (left := next(asked)) is not None:
            raise left

    with pytest.raises(GivenUp):
        computed(loaded(runner), [1, 2, 3], explain=True, going_on=going_on)
    assert runner.calls == [(3, False), (1, True)]
