"""What an evaluation of masks found, and how it is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from bedside.canonical import Json
from bedside.lab.evaluating.detecting import Responses
from bedside.lab.evaluating.evaluating import CaseResult
from bedside.lab.evaluating.regions import FreeResponse, free_response
from bedside.lab.evaluating.summary import Summary
from bedside.package.manifest import Evaluation

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found.

    Attributes:
        ref: Of the package.
        package: Its digest.
        labels: The classes that make the mask.
        evaluation: As a package states it: the data, and the means with their intervals.
        results: Case by case, in the data set's order.
        summaries: The means.
        against: Refs and digests of the packages that were references.
    """

    ref: str
    package: str
    labels: tuple[str, ...]
    evaluation: Evaluation | None
    results: tuple[CaseResult, ...]
    summaries: tuple[Summary, ...]
    against: dict[str, str]

    def free_response(self, reference: str) -> tuple[FreeResponse, ...]:
        """Return the free-response curve against one kind of reference; none where nothing was counted."""
        scans = [
            one.counted
            for result in self.results
            for one in result.compared
            if one.reference == reference and one.counted
        ]
        return free_response(scans) if scans else ()

    def responses(self, reference: str) -> tuple[Responses, ...]:
        """Return the scores of regions against one kind of reference, scan by scan, where there are."""
        return tuple(
            one.responses
            for result in self.results
            for one in result.compared
            if one.reference == reference and one.responses is not None
        )

    def told(self) -> dict[str, Json]:
        """Return it as JSON."""
        evaluation = self.evaluation
        return {
            "format_version": FORMAT_VERSION,
            "ref": self.ref,
            "package": self.package,
            "labels": list(self.labels),
            "against": dict(self.against),
            "evaluation": None if evaluation is None else evaluation.model_dump(mode="json"),
            "summaries": [asdict(one) for one in self.summaries],
            "free_response": {
                name: [asdict(one) for one in points]
                for name in dict.fromkeys(one.reference for one in self.summaries)
                if (points := self.free_response(name))
            },
            "cases": [_told_case(one) for one in self.results],
        }


def _told_case(one: CaseResult) -> dict[str, Json]:
    told: dict[str, Json] = asdict(one)
    told["seconds"] = None if one.seconds is None else round(one.seconds, 3)
    return told | {
        "flags": list(one.flags),
        "compared": list(told["compared"]),
        "turned": list(told["turned"]),
    }
