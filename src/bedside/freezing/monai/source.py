"""A MONAI bundle as a source of a volume package: its network, and MONAI as what it is held against."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.comparison import Comparison
from bedside.freezing.libraries import RUNNING, versions
from bedside.freezing.monai.bundle import Bundle, read_bundle
from bedside.freezing.monai.completing import refuse_unlike
from bedside.freezing.monai.export import export_network
from bedside.freezing.monai.native import MonaiNative, NativeAnswer
from bedside.freezing.monai.network import BundleNetwork, Sides, load_network
from bedside.freezing.pytorch.cleaned import INPUT, OUTPUT
from bedside.freezing.pytorch.installed import check_torch
from bedside.freezing.volumes.source import VolumeNetwork
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.volume import Volume
from bedside.package.volume_models import SlidingInference, WholeInference
from bedside.runtime.analysis import Analysis

MOST_UNLIKE: Final = 1e-3
"""Largest share of the voxels whose label may differ: those whose probability is at the threshold."""

MIXED: Final = (
    "Around what CropForegroundd keeps, MONAI takes values between the answer and 0 on the way back, "
    "and a package does not. There lie {:.1%} of the voxels of a drawn volume; they were not compared."
)

OWN: Final = (
    "In the bundle's own order {:.1%} of what either labels on a drawn volume is "
    "labelled otherwise."
)

ANY_SIZE: Final[Sides] = (32, 32, 32)
"""With which a network is captured that takes any size."""

FILES: Final = "files"
"""Where the lineage keeps the digests of the bundle's files."""


class MonaiSource:
    """A bundle that can be frozen; see `freezing.volumes.source.VolumeSource`.

    Attributes:
        algorithm: The bundle and the class of its network.
        parameters: What the bundle says of itself, its network, and its files' digests.
        libraries: Versions of what decides its answers.
        notes: What its author must be told.
    """

    def __init__(self, bundle: Bundle, *, i_made_this: bool) -> None:
        """Load the bundle's network. In the child process only.

        Raises:
            FreezeRefused: the weights do not fit, or opening them would run code.
            UsageError: a library is missing; names the extra that brings it.
        """
        versions(("monai",), "monai")
        self.libraries: Mapping[str, str] = {
            **versions((*RUNNING, "monai"), "monai"),
            **check_torch(),
        }
        self._bundle = bundle
        self._network = load_network(bundle, _sides(bundle), i_made_this=i_made_this)
        self.algorithm = f"MONAI bundle {bundle.facts.name}, {self._network.name}"
        self.parameters: Mapping[str, Json] = _told(bundle, self._network)
        self.notes: tuple[str, ...] = (*bundle.notes, *self._network.notes)

    def network(self, spec: VolumeSpec) -> VolumeNetwork:
        """Return the network as ONNX, and how it is run.

        Raises:
            FreezeRefused: the spec says otherwise than the bundle, or the network has no graph.
        """
        refuse_unlike(self._bundle, spec)
        inference = self._bundle.inference
        any_size = isinstance(inference, WholeInference) and inference.shape is None
        onnx = export_network(self._network, _sides(self._bundle), any_size=any_size)
        return VolumeNetwork(
            operations=self._bundle.prepared.operations,
            inference=inference,
            onnx=onnx,
            input=INPUT,
            output=OUTPUT,
        )

    def compare(
        self, frozen: Callable[[Volume], Analysis], drawn: Sequence[Volume], spec: VolumeSpec
    ) -> Comparison:
        """Return how near the frozen answers come to MONAI's own, on drawn volumes.

        Raises:
            FreezeRefused: a probability or too many labels differ; says by how much.
        """
        native = MonaiNative(self._bundle, self._network)
        largest = unlike = mixed = late = 0.0
        for number, volume in enumerate(drawn):
            answer = native(volume)
            gap, share = _gap(answer, frozen(volume))
            largest, unlike = max(largest, gap), max(unlike, share)
            mixed = max(mixed, float((~answer.plain).mean()))
            late = max(late, _own_share(answer))
            if gap > spec.comparison.tolerance or share > MOST_UNLIKE:
                raise FreezeRefused(
                    f"On drawn volume {number + 1} the frozen {self._bundle.facts.name} differs from "
                    f"MONAI by {gap:.3g} of a probability, and in {share:.2%} of the labels.",
                    advice=f"At most {spec.comparison.tolerance:g} and {MOST_UNLIKE:.1%} are "
                    "accepted. Look for a transform whose arithmetic differs, or state a larger "
                    "[comparison] tolerance and say why.",
                )
        found = ((MIXED, mixed), (OWN, late))
        self.notes += tuple(words.format(share) for words, share in found if share)
        tolerance = spec.comparison.tolerance
        groups = (
            ("drawn volumes: probability", len(drawn), largest),
            ("drawn volumes: share of labels that differ", len(drawn), unlike),
        )
        return Comparison(len(drawn), max(largest, unlike), tolerance, groups)


def open_bundle(folder: Path, *, i_made_this: bool) -> MonaiSource:
    """Return the bundle in `folder` as a source. In the child process only.

    Raises:
        NotFound, FreezeRefused, LimitExceeded, UsageError: it cannot be frozen; says why.
    """
    return MonaiSource(read_bundle(folder), i_made_this=i_made_this)


def _sides(bundle: Bundle) -> Sides:
    inference = bundle.inference
    if isinstance(inference, SlidingInference):
        return inference.patch
    return inference.shape or ANY_SIZE


def _gap(native: NativeAnswer, frozen: Analysis) -> tuple[float, float]:
    """Return the largest difference of a probability, and the share of labels that differ.

    Only where MONAI mixes neither with what it cropped away.
    """
    assert frozen.labels is not None  # noqa: S101 - a segmentation has them
    assert frozen.probability is not None  # noqa: S101 - the same
    plain = native.plain
    gap = float(np.abs(native.probability - frozen.probability)[plain].max(initial=0.0))
    return gap, float((native.labels != frozen.labels)[plain].mean())


def _own_share(native: NativeAnswer) -> float:
    """Return the share of what either labels that the bundle's own order labels otherwise."""
    if native.own is None:
        return 0.0
    either = (native.own > 0) | (native.labels > 0)
    return float((native.own != native.labels).sum() / max(int(either.sum()), 1))


def _told(bundle: Bundle, network: BundleNetwork) -> dict[str, Json]:
    kind, weights = bundle.weights
    files = (bundle.files.path / bundle.files.configuration, weights)
    made = bundle.network if kind == "weights" else None
    return {
        "bundle": dict(bundle.facts.told),
        "network": network.name,
        "arguments": {} if made is None else dict(made.arguments),
        "parameters": network.parameters,
        FILES: {one.name: _digest_of(one) for one in files},
    }


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
