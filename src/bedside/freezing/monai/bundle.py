"""A bundle as a whole: its files read, and everything in it that maps, mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from bedside.errors import FreezeRefused
from bedside.freezing.monai.answers import After, Finished, map_answers
from bedside.freezing.monai.configuration import Configuration
from bedside.freezing.monai.folder import BundleFolder, read_bundle_folder
from bedside.freezing.monai.inference import map_inference
from bedside.freezing.monai.metadata import BundleFacts, read_metadata
from bedside.freezing.monai.networks import NetworkDefinition, read_definition
from bedside.freezing.monai.transforms import Prepared, map_transforms
from bedside.package.segmentation import (
    FillHoles,
    KeepLabels,
    LargestRegion,
    Refinement,
    RemoveSmall,
    SegmentedClass,
)
from bedside.package.volume_models import Inference, WholeInference
from bedside.package.volume_operations import Reorient, volume_shape

ARGMAX: Final = 0.5
"""Where the second of two probabilities becomes the larger."""

OF_ONE_CLASS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "fill_holes": (
            "FillHoles gives a class all that it encloses, other classes too: a core within a rim "
            "would become the rim",
            "Leave it out, and evaluate again: a package fills only what is background.",
        ),
        "remove_small": (
            "RemoveSmallObjects takes regions of several classes as one",
            "Leave it out, and evaluate again: a package removes small regions of each class.",
        ),
    }
)
"""What maps only where one class lies beside the background: why, and what to do."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle, read and mapped; no code of anybody ran.

    Attributes:
        files: Its files.
        configuration: That of the inference.
        facts: What it says of itself.
        prepared: What is done before the network.
        inference: How the network sees a volume.
        finished: What is done after it.
        network: The network's class and arguments; None where it is not one that is known here.
        unknown: Why `network` is None, in words.
    """

    files: BundleFolder
    configuration: Configuration
    facts: BundleFacts
    prepared: Prepared
    inference: Inference
    finished: Finished
    network: NetworkDefinition | None
    unknown: str

    @property
    def channels(self) -> int:
        """Channels of the network's output."""
        return len(self.facts.classes)

    @property
    def threshold(self) -> float | None:
        """Where a voxel becomes of the second of two classes; None where there are more."""
        if self.finished.threshold is not None:
            return self.finished.threshold
        return ARGMAX if self.channels == 2 else None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that the author must read."""
        return (*self.prepared.notes, *self.finished.notes)

    @property
    def weights(self) -> tuple[Literal["weights", "torchscript"], Path]:
        """Which file of weights is taken: without a program in it, where its network is known.

        Raises:
            FreezeRefused: there are weights alone, and their network is not known.
        """
        files = self.files.weights
        if self.network is not None and "weights" in files:
            return "weights", files["weights"]
        if "torchscript" in files:
            return "torchscript", files["torchscript"]
        raise FreezeRefused(
            f"The network of {self.facts.name} is not known here: {self.unknown}",
            advice="Give models/model.ts beside it, or export the network to ONNX where it was made, "
            "and freeze that file.",
        )


def read_bundle(path: Path) -> Bundle:
    """Return the bundle in the folder `path`; its weights are not opened.

    Raises:
        NotFound: there is no such folder.
        FreezeRefused: a part of it has no counterpart in a package; names it.
        LimitExceeded: a file is larger than it may be.
    """
    files = read_bundle_folder(path)
    facts = read_metadata(files.metadata)
    configuration = Configuration(files.inference, files.configuration)
    prepared = map_transforms(configuration, facts.image)
    _refuse_unoriented(configuration, prepared)
    inference = map_inference(configuration)
    if isinstance(inference, WholeInference):
        inference = WholeInference(shape=volume_shape(prepared.operations))
    finished = map_answers(configuration)
    _refuse_overlap(configuration, facts, finished)
    _refuse_several(configuration, facts, finished)
    network, unknown = read_definition(configuration)
    return Bundle(files, configuration, facts, prepared, inference, finished, network, unknown)


def _refuse_unoriented(configuration: Configuration, prepared: Prepared) -> None:
    """Refuse transforms under which the order of a file's axes would decide the answer."""
    if not any(isinstance(one, Reorient) for one in prepared.geometry):
        raise configuration.refused(
            "preprocessing has no Orientation: the order in which a file stores its voxels would "
            "decide the answer",
            "Add an Orientationd with the axcodes of the volumes that it was trained on.",
        )


def _refuse_overlap(configuration: Configuration, facts: BundleFacts, finished: Finished) -> None:
    """Refuse labels that cannot be made of the network's channels, or that overlap."""
    channels = len(facts.classes)
    if channels == 1 and (finished.threshold is None or finished.activation == "softmax"):
        raise configuration.refused(
            "the network gives one channel, which makes labels by sigmoid and a threshold only",
            "Write Activationsd sigmoid=true and AsDiscreted threshold=0.5.",
        )
    if channels > 1 and (finished.threshold is not None or finished.activation == "sigmoid"):
        raise configuration.refused(
            f"the network gives {channels} channels that are labelled one by one, so that classes "
            "may overlap; a label map has one class a voxel",
            "Freeze a network with softmax and argmax.",
        )


def _refuse_several(configuration: Configuration, facts: BundleFacts, finished: Finished) -> None:
    """Refuse what MONAI does to several classes otherwise than a package does to each of them."""
    ops = {one.op for one in finished.after} & set(OF_ONE_CLASS)
    if ops and len(facts.classes) > 2:
        raise configuration.refused(*OF_ONE_CLASS[min(ops)])


def refinements(after: list[After], classes: tuple[SegmentedClass, ...]) -> tuple[Refinement, ...]:
    """Return what is done to the labels, in the author's names of the classes.

    Raises:
        FreezeRefused: a value is of no class, or some classes, not all, count as one.
    """
    named = {one.value: one.label for one in classes if one.value}
    return tuple(made for one in after for made in _refined(one, named))


def _refined(after: After, named: dict[int, str]) -> tuple[Refinement, ...]:
    values = tuple(named) if after.values is None else after.values
    if strange := set(values) - set(named):
        raise FreezeRefused(
            f"The bundle's {after.op} names the values {sorted(strange)}, which are of no class.",
            advice=f"The classes have the values {sorted(named)}.",
        )
    if after.together and set(values) != set(named):
        raise FreezeRefused(
            f"The bundle's {after.op} takes the values {sorted(values)} together and leaves others.",
            advice="Take all classes together (applied_labels=null), or each by itself.",
        )
    labels = tuple(named[value] for value in values)
    match after.op:
        case "largest_region":
            chosen = None if after.together else labels
            return (LargestRegion(labels=chosen, neighbours=after.neighbours),)
        case "keep_labels":
            return (KeepLabels(labels=labels),)
        case "fill_holes":
            return tuple(FillHoles(label=label) for label in labels)
    least = after.least_millilitres
    return tuple(RemoveSmall(label=label, least_millilitres=least) for label in labels)
