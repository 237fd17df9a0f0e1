"""Cases of a data set, each analysed by a package and held against every reference there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bedside.errors import UsageError
from bedside.imaging.measuring.masks import Mask
from bedside.lab.datasets.manifest import IMAGE, MASK, Case, Dataset
from bedside.lab.evaluating.analysed import (
    REFUSALS,
    Found,
    Segmenter,
    digest_of,
    reference_mask,
    why,
)
from bedside.lab.evaluating.detecting import Responses, responses
from bedside.lab.evaluating.masks import MaskScores, mask_scores
from bedside.lab.evaluating.orientations import Turned, turned_alike
from bedside.lab.evaluating.regions import Counted, RegionScores, counted, region_scores
from bedside.runtime.analysis import UNSTATED, Stated

Shown: TypeAlias = Callable[[str, int, int], None]
"""Told which case is at work, its place, and how many there are."""

Kept: TypeAlias = Callable[[Case, Found, Mask, "Compared"], None]
"""Given a case, what was found in it, and a reference, while they are in memory."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be measured.

    Attributes:
        values: The labels of a reference that are inside; none takes every value above 0.
        stated: What is said beside the files; a case's facts `modality` and `body_part` go before.
        orientations: In how many other orders of its axes each image is stored and analysed again.
        regions: Whether regions are counted, such as lesions: the smallest that counts, mL; or None.
    """

    values: tuple[int, ...] = ()
    stated: Stated = UNSTATED
    orientations: int = 0
    regions: float | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One case against one reference.

    Attributes:
        reference: Its role, such as `mask` or `mask.second-reader`; or the ref of another package.
        scores: How good the mask is.
        moved: Whether the reference lay on another grid and was brought to the volume's (nearest).
        regions: Which regions were found, where they are counted.
        counted: The same at every threshold of the probability, before the labels were refined.
        responses: How high the probability rises in each region, and where there is none.
    """

    reference: str
    scores: MaskScores
    moved: bool
    regions: RegionScores | None = None
    counted: tuple[Counted, ...] = ()
    responses: Responses | None = None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case.

    Attributes:
        case: Its name.
        patient: The pseudonym.
        contrast: Of the image.
        facts: What subgroups are made of.
        compared: One for each reference; none where the case was refused.
        refused: Why it was not analysed; empty where it was.
        seconds: From file to mask; None where refused.
        mask: Digest of the mask.
        flags: Codes of what a reader of the answer must know.
        out_of_domain: The package's score, or None.
        turned: What came of the image in other orientations.
    """

    case: str
    patient: str
    contrast: str
    facts: dict[str, str]
    compared: tuple[Compared, ...] = ()
    refused: str = ""
    seconds: float | None = None
    mask: str = ""
    flags: tuple[str, ...] = ()
    out_of_domain: float | None = None
    turned: tuple[Turned, ...] = ()


def evaluate(
    segmenter: Segmenter,
    dataset: Dataset,
    wish: Wish,
    eyes: tuple[Shown, Kept],
    others: Sequence[Segmenter] = (),
) -> tuple[CaseResult, ...]:
    """Return what a package finds in every case of a data set, held against its references.

    A case that the package's gate refuses is told as refused, and is in no mean.

    Args:
        segmenter: The package.
        dataset: Cases with an `image`, and references `mask` and `mask.…`.
        wish: What is measured.
        eyes: Who looks on, and who gets each case while it is in memory.
        others: Packages whose masks are references, too.

    Raises:
        UsageError: a case has no image, or nothing to be held against.
        NotFound: a file is missing.
    """
    for case in dataset.cases:
        if IMAGE not in case.files or not (case.roles(MASK) or others):
            raise UsageError(
                f"The case {case.name!r} has {', '.join(sorted(case.files))}.",
                advice=f"Each needs an {IMAGE!r}, and a {MASK!r} unless --against is given.",
            )
    results = []
    for place, case in enumerate(dataset.cases):
        eyes[0](case.name, place, len(dataset.cases))
        results.append(_result(segmenter, dataset, case, (wish, eyes[1], others)))
    return tuple(results)


def _result(
    segmenter: Segmenter, dataset: Dataset, case: Case, how: tuple[Wish, Kept, Sequence[Segmenter]]
) -> CaseResult:
    wish, kept, others = how
    path, stated = dataset.path_of(case, IMAGE), _stated(case, wish.stated)
    about = (case.name, case.patient, case.contrast, dict(case.facts))
    try:
        found = segmenter.analyse(path, stated)
    except REFUSALS as problem:
        return CaseResult(*about, refused=why(problem))
    compared = []
    for role in case.roles(MASK):
        mask, moved = reference_mask(dataset.path_of(case, role), found.volume, wish.values)
        compared.append(replace(_compared(found, mask, role, wish), moved=moved))
        kept(case, found, mask, compared[-1])
    for other in others:
        try:
            mask = other.analyse(path, stated).mask
        except REFUSALS:
            continue  # that package says nothing of it
        compared.append(_compared(found, mask, other.manifest.ref, wish))
        kept(case, found, mask, compared[-1])
    return CaseResult(
        *about,
        compared=tuple(compared),
        seconds=found.seconds,
        mask=digest_of(found.mask),
        flags=tuple(one.code for one in found.analysis.flags),
        out_of_domain=found.analysis.out_of_domain,
        turned=turned_alike(segmenter, found, stated, wish.orientations),
    )


def _compared(found: Found, reference: Mask, name: str, wish: Wish) -> Compared:
    affine = found.volume.affine
    one = Compared(name, mask_scores(found.mask, reference, affine), moved=False)
    if wish.regions is None:
        return one
    assert found.analysis.probability is not None  # noqa: S101 - a segmentation has it
    about = (found.analysis.probability, reference, affine, wish.regions)
    regions = region_scores(found.mask, reference, affine, wish.regions)
    return replace(one, regions=regions, counted=counted(*about), responses=responses(*about))


def _stated(case: Case, otherwise: Stated) -> Stated:
    return Stated(
        case.facts.get("modality", otherwise.modality),
        case.facts.get("body_part", otherwise.body_part),
    )
