"""The gate of a volume: is it of the declared domain, and does it look like it?

A header goes before what the sender states, and what neither says is not guessed. Everything
that can be said of a volume is said at once. `docs/spec/package.md`, section 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bedside.errors import InputRefused, Refusal, VolumeRefused
from bedside.imaging.axes import nearest_turn
from bedside.imaging.measuring.head import Head, head_of
from bedside.imaging.volume import Volume, VolumeFacts, VolumeLimits
from bedside.imaging.volume_likeness import likeness_of, nearness
from bedside.imaging.volume_statistics import continuity, spread
from bedside.package.images import is_code_string
from bedside.package.manifest import Manifest
from bedside.package.volume_operations import Conform, Resample
from bedside.package.volumes import MillimetreRange, VolumeInput, VolumeLikeness
from bedside.runtime.analysis import Stated
from bedside.runtime.flags import Flag
from bedside.runtime.gate import Refusals
from bedside.runtime.stated_codes import Adder, CodeField, check_code

VOLUME: Final = "volume"
"""The field that a refusal names, where it is about the volume itself."""

READABLE: Final = "a volume that can be read"
"""What is allowed, where the reader refused."""

UNKNOWN_FRAME: Final = "unknown"

LARGEST: Final = 1e30
"""Of a value; no scanner writes such, and sums of larger ones leave binary32."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What the gate found of a volume that it let through.

    Attributes:
        facts: What the files say, with what was stated where they say nothing.
        flags: What a reader of the answer must know.
        out_of_domain: 1 less the likeness; None where none is declared.
        head: Where the head lies in it, if anything stands out.
    """

    facts: VolumeFacts
    flags: tuple[Flag, ...]
    out_of_domain: float | None
    head: Head | None


def volume_limits(declared: VolumeInput) -> VolumeLimits:
    """Return the limits under which a volume for this model is read, before memory is taken."""
    return VolumeLimits(voxels=declared.most_voxels, side=declared.sides.maximum)


def straightens(manifest: Manifest) -> bool:
    """Return whether the model resamples, so that a sheared volume (gantry tilt) may be read.

    Its affine keeps the shear, and resampling by the affine takes it out.
    """
    return any(isinstance(one, Resample | Conform) for one in manifest.preprocessing)


def refusal_of(problem: VolumeRefused) -> InputRefused:
    """Return a refusal of the reader as one of the gate, so that every door records it alike."""
    told = f"{problem.message} {problem.advice}".rstrip()
    return refused((Refusal(0, VOLUME, problem.code, told, READABLE),))


def refused(refusals: tuple[Refusal, ...]) -> InputRefused:
    """Return a refusal whose words speak of a volume, and of no rows."""
    problem = InputRefused(refusals)
    reasons = "; ".join(reason_of(one).rstrip(".") for one in refusals)
    problem.message = f"The gate refused the volume: {reasons}."
    problem.advice = "Send a volume of the model's declared domain; nothing was computed."
    return problem


def reason_of(refusal: Refusal) -> str:
    """Return one reason for refusing a volume, in words that speak of no rows."""
    if refusal.allowed == READABLE:
        return f"{refusal.code}: {refusal.value}"
    where = "" if refusal.field == VOLUME else f"{refusal.field}: "
    return f"{refusal.code}: {where}{refusal.value}; allowed: {refusal.allowed}"


class VolumeGate:
    """The declared domain of a volume, compiled once, used for every analysis."""

    __slots__ = ("_declared", "_references")

    def __init__(self, declared: VolumeInput) -> None:
        self._declared = declared
        likeness = declared.likeness
        self._references = [np.array(one) for one in likeness.references] if likeness else []

    def check(self, volume: Volume, stated: Stated) -> Passed:
        """Return what was found of `volume`.

        Args:
            volume: As it was read.
            stated: What the sender says of it.

        Raises:
            InputRefused: with every reason; its field is `volume`, `modality` or `body_part`.
        """
        refusals = Refusals()
        add = Adder(0, refusals)
        flags = [Flag("reading-note", f"{code}: {words}") for code, words in volume.facts.notes]
        flags += self._facts(volume.facts, stated, add)
        flags += self._geometry(volume, add)
        if not refusals.found:
            self._intensity(volume, add)
        head, score = None, None
        if not refusals.found:
            head = head_of(volume.values, volume.affine)
            score, more = self._likeness(volume, head, add)
            flags += more
        if refusals.found:
            raise refused(tuple(refusals.found))
        return Passed(_as_used(volume.facts, stated), tuple(flags), score, head)

    def _facts(self, facts: VolumeFacts, stated: Stated, add: Adder) -> Iterator[Flag]:
        declared = self._declared
        if facts.medium not in declared.media:
            add(VOLUME, "out-of-domain", facts.medium, f"one of {', '.join(declared.media)}")
        for one in (
            CodeField("modality", facts.modality, stated.modality, declared.modalities),
            CodeField("body_part", facts.body_part, stated.body_part, declared.body_parts),
        ):
            yield from check_code(one, declared.unstated, add)

    def _geometry(self, volume: Volume, add: Adder) -> Iterator[Flag]:
        declared, shape, spacing = self._declared, volume.shape, volume.spacing
        told = " × ".join(map(str, shape)) + " voxels"
        least, most = declared.sides.minimum, declared.sides.maximum
        if min(shape) < least or max(shape) > most:
            add(VOLUME, "out-of-range", told, f"from {least} to {most} voxels along each axis")
        if volume.values.size > declared.most_voxels:
            add(VOLUME, "out-of-range", told, f"at most {declared.most_voxels} voxels in all")
        steps = " × ".join(f"{step:.3g}" for step in spacing) + " mm from voxel to voxel"
        if not (
            _within(min(spacing), declared.spacing) and _within(max(spacing), declared.spacing)
        ):
            add(VOLUME, "out-of-range", steps, f"{_words(declared.spacing)} along each axis")
        if max(spacing) > declared.most_anisotropic * min(spacing):
            words = f"the widest at most {declared.most_anisotropic:g} times the narrowest"
            add(VOLUME, "out-of-range", steps, words)
        self._field_of_view(volume, add)
        if volume.facts.frame == UNKNOWN_FRAME:
            yield Flag(
                "orientation-unstated",
                "the file says where its axes point, in a frame of a kind that is not known here: left "
                "and right are taken as it says them",
            )

    def _field_of_view(self, volume: Volume, add: Adder) -> None:
        wanted = self._declared.field_of_view
        turn = nearest_turn(volume.affine[:3, :3])
        reaches = [volume.shape[axis] * volume.spacing[axis] for axis in turn.axes]
        ranges = (wanted.left_right, wanted.back_front, wanted.foot_head)
        sides = ("from left to right", "from back to front", "from foot to head")
        for reach, allowed, words in zip(reaches, ranges, sides, strict=True):
            if not _within(reach, allowed):
                add(VOLUME, "out-of-range", f"{reach:.0f} mm {words}", _words(allowed))

    def _intensity(self, volume: Volume, add: Adder) -> None:
        wanted = self._declared.intensity
        largest = max(abs(float(volume.values.min())), abs(float(volume.values.max())))
        if largest > LARGEST:
            add(
                VOLUME,
                "out-of-domain",
                f"a value of {largest:g}",
                f"at most {LARGEST:g} either way",
            )
            return
        found = spread(volume.values)
        if found.levels < wanted.levels:
            told = f"{found.levels} different value(s)"
            add(VOLUME, "out-of-domain", told, f"at least {wanted.levels}")
        if found.most_at_one > wanted.most_at_one_level:
            told = f"{found.most_at_one:.1%} of all voxels have the same value"
            add(VOLUME, "out-of-domain", told, f"at most {wanted.most_at_one_level:.1%}")
        if (
            wanted.least_continuity
            and (near := continuity(volume.values)) < wanted.least_continuity
        ):
            told = f"neighbouring voxels that agree by {near:.2f}, as noise does"
            add(VOLUME, "out-of-domain", told, f"at least {wanted.least_continuity:g}")

    def _likeness(
        self, volume: Volume, head: Head | None, add: Adder
    ) -> tuple[float | None, tuple[Flag, ...]]:
        likeness = self._declared.likeness
        if likeness is None:
            return None, ()
        near = 0.0
        if head is not None:
            own = likeness_of(volume.values, volume.affine, head, likeness.side)
            near = max(nearness(one, own) for one in self._references)
        if near >= likeness.minimum:
            return 1 - near, ()
        return 1 - near, _unlike(near, likeness, add)


def _unlike(near: float, likeness: VolumeLikeness, add: Adder) -> tuple[Flag, ...]:
    told = f"a likeness of {near:.3f} to the volumes that the model knows"
    least = likeness.minimum
    if likeness.otherwise == "flag" and near >= (likeness.refuse_below or -1):
        return (Flag("unlike-the-domain", f"{told}, below {least:g}"),)
    add(VOLUME, "out-of-domain", told, f"at least {likeness.refuse_below or least:g}")
    return ()


def _as_used(facts: VolumeFacts, stated: Stated) -> VolumeFacts:
    """Return the facts with what was stated; what a header says and is no code is left out."""
    modality = facts.modality if is_code_string(facts.modality) else stated.modality
    body_part = facts.body_part if is_code_string(facts.body_part) else stated.body_part
    return replace(facts, modality=modality, body_part=body_part)


def _within(length: float, allowed: MillimetreRange) -> bool:
    """Return whether a length is allowed; rounding in an affine decides nothing."""
    slack = 1e-4 * length
    return allowed.minimum - slack <= length <= allowed.maximum + slack


def _words(allowed: MillimetreRange) -> str:
    return f"from {allowed.minimum:g} to {allowed.maximum:g} mm"
