"""Which weights were the best so far, and whether it is time to stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bedside.canonical import Json
from bedside.errors import BedsideError


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the validations of a run found.

    Attributes:
        best: The best score; minus infinity before the first validation.
        best_step: After how many steps.
        since: Validations since then.
        means: The mean metrics of the last validation.
    """

    best: float = -math.inf
    best_step: int = 0
    since: int = 0
    means: Mapping[str, float] | None = None

    def after(self, step: int, means: Mapping[str, float], score: str) -> Judgement:
        """Return the judgement after another validation.

        Raises:
            BedsideError: the metrics have no such score, or it is not finite.
        """
        if not math.isfinite(value := means.get(score, math.nan)):
            raise BedsideError(
                f"The validation after step {step} gives no finite {score!r}: {dict(means)}.",
                advice="This is a defect of the task.",
            )
        if value > self.best:
            return Judgement(value, step, 0, means)
        return replace(self, since=self.since + 1, means=means)

    @property
    def improved(self) -> bool:
        """Whether the last validation is the best one."""
        return self.means is not None and self.since == 0

    def told(self) -> dict[str, Json]:
        """Return it as JSON."""
        best = None if self.means is None else self.best
        means = None if self.means is None else dict(self.means)
        return {"best": best, "best_step": self.best_step, "since": self.since, "means": means}

    @classmethod
    def read(cls, told: Mapping[str, Json]) -> Judgement:
        """Return what `told` wrote."""
        best = -math.inf if told["best"] is None else float(told["best"])
        return cls(best, int(told["best_step"]), int(told["since"]), told["means"])


def means_of(cases: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each metric's mean over the cases that have it as a finite number."""
    names = dict.fromkeys(name for case in cases for name in case)
    return {
        name: math.fsum(values) / len(values)
        for name in names
        if (values := [case[name] for case in cases if math.isfinite(case.get(name, math.nan))])
    }
