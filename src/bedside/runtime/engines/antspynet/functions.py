"""What ANTsPyNet can be asked for: parameters, the files it reads, and what comes out. Pure data.

Read from the library's source, version 0.3.2; `tests/antspynet` runs each function and compares
the files that it asked for with those that are named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from bedside.errors import UsageError

Parameter: TypeAlias = str | int | float | bool
Gives: TypeAlias = Literal["probabilities", "number", "findings"]

TISSUES: Final = (
    "background", "csf", "gray matter", "white matter", "deep gray matter", "brain stem", "cerebellum",
)  # fmt: skip
"""Labels 0 to 6 of `deep_atropos`."""

FINDINGS: Final = (
    "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia",
    "Pneumothorax", "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia",
)  # fmt: skip
"""Columns of `chexnet`, in its order."""

_EXTRACTION: Final[Mapping[str, str]] = {
    "t1": "brainExtractionRobustT1",
    "t1.v0": "brainExtraction",
    "t1.v1": "brainExtractionT1v1",
    "t2": "brainExtractionRobustT2",
    "t2.v0": "brainExtractionT2",
    "t2star": "brainExtractionRobustT2Star",
    "flair": "brainExtractionRobustFLAIR",
    "flair.v0": "brainExtractionFLAIR",
    "bold": "brainExtractionRobustBOLD",
    "bold.v0": "brainExtractionBOLD",
    "fa": "brainExtractionRobustFA",
    "fa.v0": "brainExtractionFA",
    "mra": "brainExtractionMra",
    "t1infant": "brainExtractionInfantT1",
    "t2infant": "brainExtractionInfantT2",
    "t1t2infant": "brainExtractionInfantT1T2",
    "t1nobrainer": "brainExtractionNoBrainer",
    "t1threetissue": "brainExtractionBrainWeb20",
    "t1hemi": "brainExtractionT1Hemi",
    "t1lobes": "brainExtractionT1Lobes",
}
"""Which network extracts the brain, by modality."""

_CHANNELS: Final[Mapping[str, int]] = {"t1threetissue": 4, "t1hemi": 3, "t1lobes": 6}
_COMBINED: Final = "t1combined"
MODALITIES: Final = (*_EXTRACTION, _COMBINED)
"""What `brain_extraction` knows."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the library.

    Attributes:
        images: What each image is, in the order of its arguments; the last ones may be absent.
        fewest: How many images it needs.
        axes: 3 for a volume, 2 for a film.
        gives: Probabilities on the first image's grid, one number, or a number for each finding.
        parameters: For each parameter that a manifest may set, the values that it may have; the
            first is the library's own default.
    """

    images: tuple[str, ...]
    gives: Gives = "probabilities"
    fewest: int = 1
    axes: Literal[2, 3] = 3
    parameters: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict)


_PREPARED: Final[Mapping[str, tuple[Parameter, ...]]] = {"do_preprocessing": (True, False)}

FUNCTIONS: Final[Mapping[str, Function]] = {
    "brain_extraction": Function(("head", "second head"), parameters={"modality": MODALITIES}),
    "deep_atropos": Function(
        ("t1",),
        parameters={**_PREPARED, "use_spatial_priors": (1, 0), "do_denoising": (True, False)},
    ),
    "sysu_media_wmh_segmentation": Function(
        ("flair", "t1"), parameters={"use_ensemble": (True, False)}
    ),
    "shiva_wmh_segmentation": Function(
        ("flair", "t1"), parameters={**_PREPARED, "which_model": ("all", 0, 1, 2, 3, 4)}
    ),
    "wmh_segmentation": Function(
        ("flair", "t1"),
        fewest=2,
        parameters={**_PREPARED, "use_combined_model": (True, False)},
    ),
    "lesion_segmentation": Function(("t1",), parameters=_PREPARED),
    "brain_age": Function(
        ("t1",), "number", parameters={**_PREPARED, "number_of_simulations": tuple(range(17))}
    ),
    "chexnet": Function(
        ("film",),
        "findings",
        axes=2,
        parameters={
            "check_image_orientation": (False, True),
            "use_antsxnet_variant": (True, False),
            "include_tuberculosis_diagnosis": (False, True),
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A function with its parameters, checked and complete.

    Attributes:
        function: Its name.
        parameters: Every parameter, those that were not set at the library's default.
    """

    function: str
    parameters: Mapping[str, Parameter]

    @property
    def known(self) -> Function:
        """What the function takes and gives."""
        return FUNCTIONS[self.function]

    @property
    def findings(self) -> tuple[str, ...]:
        """What a film is looked through for, in the order of the answer; empty for volumes."""
        if self.known.gives != "findings":
            return ()
        tuberculosis = self.parameters.get("include_tuberculosis_diagnosis")
        return (*FINDINGS, "Tuberculosis") if tuberculosis else FINDINGS

    @property
    def channels(self) -> int:
        """How many probabilities a voxel gets, or how many numbers there are."""
        if self.function == "deep_atropos":
            return len(TISSUES)
        if self.function == "chexnet":
            return len(self.findings)
        return _CHANNELS.get(str(self.parameters.get("modality")), 1)


def asked(function: str, parameters: Mapping[str, Parameter]) -> Asked:
    """Return `function` with all of its parameters.

    Raises:
        UsageError: no such function or parameter, or a value that it does not take.
    """
    if function not in FUNCTIONS:
        raise UsageError(
            f"ANTsPyNet's {function!r} is not offered.", advice=f"Use one of {sorted(FUNCTIONS)}."
        )
    known = FUNCTIONS[function].parameters
    complete = {name: values[0] for name, values in known.items()}
    for name, value in parameters.items():
        allowed = known.get(name)
        if allowed is None:
            raise UsageError(
                f"{function} takes no parameter {name!r} here.", advice=f"It takes {sorted(known)}."
            )
        if not any(value == one and type(value) is type(one) for one in allowed):
            raise UsageError(
                f"{function}: {name} is {value!r}.", advice=f"It may be {list(allowed)}."
            )
        complete[name] = value
    return Asked(function, complete)


@dataclass(frozen=True, slots=True)
class Files:
    """What a function reads, by the library's own names.

    Attributes:
        networks: Names for `get_pretrained_network`; the file is the name and `.h5`.
        data: Names for `get_antsxnet_data`; the file is the name and `.nii.gz`.
    """

    networks: tuple[str, ...]
    data: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all files, in alphabetical order."""
        return tuple(
            sorted((*(f"{n}.h5" for n in self.networks), *(f"{d}.nii.gz" for d in self.data)))
        )

    def __add__(self, other: Files) -> Files:
        """Return the files of both, each once."""
        return Files(
            tuple(dict.fromkeys(self.networks + other.networks)),
            tuple(dict.fromkeys(self.data + other.data)),
        )


def files_of(ask: Asked, images: int = 1) -> Files:
    """Return the files that `ask` reads for so many images."""
    chosen = ask.parameters
    if ask.function == "brain_extraction":
        return _extraction_files(str(chosen["modality"]))
    if ask.function == "chexnet":
        return _film_files(chosen)
    if ask.function == "sysu_media_wmh_segmentation":
        kind = "FlairOnly" if images == 1 else "FlairT1"
        return Files(
            tuple(f"sysuMediaWmh{kind}Model{n}" for n in range(3 if chosen["use_ensemble"] else 1))
        )
    own = _own_files(ask, images)
    if not chosen["do_preprocessing"]:
        return own
    modality = "flair" if ask.function == "shiva_wmh_segmentation" else "t1"
    return own + _extraction_files(modality)


def _own_files(ask: Asked, images: int) -> Files:
    chosen = ask.parameters
    registered = ("croppedMni152",) if chosen["do_preprocessing"] else ()
    if ask.function == "deep_atropos":
        if chosen["use_spatial_priors"]:
            network = "sixTissueOctantBrainSegmentationWithPriors1"
            return Files((network,), ("croppedMni152Priors", *registered))
        return Files(("sixTissueOctantBrainSegmentation",), registered)
    if ask.function == "shiva_wmh_segmentation":
        which = range(5) if chosen["which_model"] == "all" else (chosen["which_model"],)
        kind = "flair" if images == 1 else "t1_flair"
        return Files(tuple(f"wmh_shiva_{kind}_{n}" for n in which))
    if ask.function == "wmh_segmentation":
        own = Files(("antsxnetWmhOr" if chosen["use_combined_model"] else "antsxnetWmh",))
        return own + files_of(asked("deep_atropos", {}))
    if ask.function == "lesion_segmentation":  # the template's brain is extracted in any case
        return Files(("lesion_whole_brain",), ("mni152",)) + _extraction_files("t1")
    return Files(("brainAgeDeepBrainNet",), registered)


def _extraction_files(modality: str) -> Files:
    if modality == _COMBINED:
        return _extraction_files("t1") + _extraction_files("t1nobrainer")
    network = (_EXTRACTION[modality],)
    if modality == "t1nobrainer":
        return Files(network)
    if modality == "t1threetissue":
        return Files(network, ("nki",))
    if modality in {"t1hemi", "t1lobes"}:
        own = Files(network, ("hcpyaT1Template", "hcpyaTemplateBrainMask"))
        return own + _extraction_files("t1threetissue")
    return Files(network, ("S_template3",))


def _film_files(chosen: Mapping[str, Parameter]) -> Files:
    variant = "chexnetANTsXNetClassification" if chosen["use_antsxnet_variant"] else None
    networks = ["xrayLungExtraction", variant or "chexnetClassification"]
    if chosen["check_image_orientation"]:
        networks.append("xrayLungOrientation")
    if chosen["include_tuberculosis_diagnosis"]:
        networks.append("tb_antsxnet")
    return Files(tuple(networks), ("xrayLungPriors",))
