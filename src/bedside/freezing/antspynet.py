"""A function of ANTsPyNet and what its author states, to one package whose answers are repeated.

There is no network to convert: the package names the function, its parameters and the digests of
every file that it reads. What is proved is that it repeats itself: each drawn head is analysed twice,
and once more by another process that replays the golden cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from bedside.canonical import Json
from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.assembly import GOLDEN_ENTRY, RUNTIME
from bedside.freezing.circumstances import Circumstances, Tell, unheard
from bedside.freezing.comparison import Comparison
from bedside.freezing.freeze import FrozenModel
from bedside.freezing.lineage import make_lineage, moment_of_freezing
from bedside.freezing.output import check_target, write_whole
from bedside.freezing.volumes.assembly import Drawn, drawn_rows, unseen, volume_manifest
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.volume import Volume
from bedside.keys.signing import SigningKey
from bedside.package.antspynet import AntspynetModel, Steadied, Weights
from bedside.package.golden import write_golden
from bedside.package.manifest import Conditions
from bedside.package.outputs import NumberOutput
from bedside.package.package import Package, build_package, check_signature, open_package
from bedside.package.segmentation import SegmentationOutput
from bedside.runtime.analysis import Analysis, Stated
from bedside.runtime.engines.antspynet.engine import AntspynetEngine, needed
from bedside.runtime.engines.antspynet.fetching import recorded
from bedside.runtime.engines.antspynet.functions import Asked, Parameter, asked
from bedside.runtime.engines.engine import Engines
from bedside.runtime.progress import silent
from bedside.runtime.runner import load
from bedside.runtime.session import this_processor
from bedside.runtime.volume_path import VolumePath

AXES_OF_A_VOLUME: Final = 3

LIBRARY: Final = ">=0.3.2,<0.4"
"""Versions whose source was read, and whose faults are met."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is frozen.

    Attributes:
        function: Name of the library's function.
        parameters: Its parameters.
        engines: Where its files lie, and which interpreter has the library.
        steadied: What is done to a volume before the library sees it.
        memory: Most bytes that its process may take; None for what most functions need.
        finding: Which finding of a film is the answer; None for volumes.
    """

    function: str
    parameters: Mapping[str, Parameter]
    engines: Engines
    steadied: Steadied = field(default_factory=Steadied)
    memory: int | None = None
    finding: str | None = None


def chosen_of(
    function: str,
    parameters: Mapping[str, Parameter],
    engines: Engines,
    *,
    memory: int | None = None,
    finding: str | None = None,
) -> Chosen:
    """Return what is frozen; a function of films is not steadied, which is for heads.

    Raises:
        UsageError: no such function or parameter, or one that reads two images.
    """
    ask = asked(function, parameters)
    _refuse_two_images(ask)
    heads = ask.known.axes == AXES_OF_A_VOLUME
    steadied = Steadied(outliers=heads, upright=heads)
    return Chosen(function, parameters, engines, steadied, memory, finding)


def freeze_antspynet(
    chosen: Chosen,
    spec: VolumeSpec,
    *,
    key: SigningKey | Path | None = None,
    out: Path | None = None,
    frozen_at: datetime | None = None,
    tell: Tell = unheard,
) -> FrozenModel:
    """Return `chosen` as a package; write it to `out` once it has proved itself.

    Args:
        chosen: The function, its parameters and where its files lie.
        spec: What its author states; without operations or windows, which are the library's own.
        key: Signs the package: a key, or the path of its file. None leaves it unsigned.
        out: Where to write the package.
        frozen_at: The time to record; else SOURCE_DATE_EPOCH, else now.
        tell: Hears of each step that begins.

    Raises:
        UsageError: the function, a parameter, or an output that does not fit it.
        NotFound: a file was never fetched, or the interpreter has no such library.
        ConditionsNotMet: a file is missing or is another one.
        FreezeRefused: two answers to one head differ.
    """
    if out is not None:
        check_target(out)
    _check_output(chosen, spec)
    signer = SigningKey.load(key) if isinstance(key, Path) else key
    tell("checking the weights")
    model = library_model(chosen)
    engine = AntspynetEngine(model, chosen.engines, threads=spec.threads)
    try:
        archive, report, notes = _assembled(
            model, engine, spec, Circumstances(signer, frozen_at, tell)
        )
    finally:
        engine.close()
    tell("replaying the golden cases")
    package = proved(archive, signer, chosen.engines)
    if out is not None:
        write_whole(out, archive)
    return FrozenModel(archive, package, report, notes)


@dataclass(frozen=True, slots=True)
class Described:
    """What the lineage keeps of the library."""

    algorithm: str
    parameters: Mapping[str, Json]
    libraries: Mapping[str, str]


def library_model(chosen: Chosen) -> AntspynetModel:
    """Return what the manifest says of a function: every file that it reads, by its digest.

    Raises:
        UsageError: no folder of weights is named, or no such function or parameter.
        NotFound: a file was never fetched.
    """
    upright = chosen.steadied.upright
    names = needed(chosen.function, chosen.parameters, 1, upright=upright).names
    folder = chosen.engines.weights
    if folder is None:
        raise UsageError("The folder with the weights is not named.", advice="Give --weights.")
    return AntspynetModel.model_validate(
        {
            "function": chosen.function,
            "parameters": dict(chosen.parameters),
            "library": LIBRARY,
            "weights": {
                name: Weights(size=one.size, digest=one.digest, origin=one.origin or "unknown")
                for name, one in recorded(folder, names).items()
            },
            "steadied": chosen.steadied,
            "memory": chosen.memory,
            "finding": chosen.finding,
        }
    )


def _assembled(
    model: AntspynetModel,
    engine: AntspynetEngine,
    spec: VolumeSpec,
    circumstances: Circumstances,
) -> tuple[bytes, Comparison, tuple[str, ...]]:
    tell = circumstances.tell
    tell("starting the library")
    versions = engine.warm(silent)
    declared = spec.volume.declared()
    path = VolumePath(declared, (), engine, spec.output)
    cases, report = [], Comparison(0, 0.0, spec.comparison.tolerance, ())
    for number, row in enumerate(drawn_rows(spec), 1):
        tell(f"making golden case {number} of {spec.golden.cases}")
        one = Drawn(row, declared)
        cases.append(one.case(f"case-{number:03d}", path))
        tell(f"analysing drawn head {number} once more")
        report = report.and_also(_repeated(path, one.volume, spec))
    tell("writing the package")
    entries = {GOLDEN_ENTRY: write_golden(tuple(cases))}
    source = Described(f"antspynet.{model.function}", dict(model.parameters), dict(versions))
    moment = moment_of_freezing(circumstances.frozen_at)
    lineage = make_lineage(spec.origin, source, report, moment)
    conditions = Conditions(
        runtime=RUNTIME,
        verified_with=dict(versions),
        graph_optimisation="basic",
        threads=spec.threads,
        processor=this_processor(),
    )
    manifest = volume_manifest(spec, (), (model, conditions, lineage), (len(cases), entries))
    archive = build_package(manifest, entries, circumstances.signer)
    return archive, report, tuple(unseen(spec, cases))


def _repeated(path: VolumePath, volume: Volume, spec: VolumeSpec) -> Comparison:
    """Return how far two answers to one volume lie apart.

    Raises:
        FreezeRefused: further than the spec's tolerance.
    """
    declared = spec.volume.declared()
    parts = declared.body_parts
    stated = Stated(declared.modalities[0], parts[0] if parts else None)
    one, other = (path.analyse(volume, stated, silent) for _ in range(2))
    apart = _apart(one, other)
    if not apart <= spec.comparison.tolerance:
        raise FreezeRefused(
            f"Two answers to one drawn head differ by {apart:.3g}; {spec.comparison.tolerance:g} is "
            "allowed.",
            advice="Freeze on a quiet machine, or with fewer threads.",
        )
    groups = (("one drawn head, twice", 1, apart),)
    return Comparison(1, apart, spec.comparison.tolerance, groups)


def _apart(one: Analysis, other: Analysis) -> float:
    if one.probability is not None and other.probability is not None:
        return float(np.abs(one.probability - other.probability).max())
    return max(
        abs(one.values[name] - other.values[name]) / max(abs(one.values[name]), 1.0)
        for name in one.values
    )


def _check_output(chosen: Chosen, spec: VolumeSpec) -> None:
    """Check that the output which the spec declares is the function's.

    Raises:
        UsageError: it is not; says what the function gives.
    """
    ask = asked(chosen.function, chosen.parameters)
    _refuse_two_images(ask)
    if ask.known.axes != AXES_OF_A_VOLUME:
        raise UsageError(
            f"{chosen.function} reads films.",
            advice="Give --pictures and --finding, and a spec with [image].",
        )
    if spec.preprocessing or spec.inference is not None:
        raise UsageError(
            f"{chosen.function} prepares volumes itself.",
            advice="Take [[preprocessing]] and [inference] out of the spec.",
        )
    if ask.known.gives == "number":
        if not isinstance(spec.output, NumberOutput):
            raise UsageError(f"{chosen.function} gives a number; the spec declares a segmentation.")
        return
    fits = isinstance(spec.output, SegmentationOutput) and (
        spec.output.activation == "none" and spec.output.channels == ask.channels
    )
    if not fits:
        raise UsageError(
            f"{chosen.function} gives {ask.channels} probabilities for a voxel.",
            advice=f'Declare a segmentation with activation = "none" and channels = {ask.channels}.',
        )


def proved(archive: bytes, signer: SigningKey | None, engines: Engines) -> Package:
    """Return the package, opened again, its signature checked and its golden cases replayed.

    Raises:
        GoldenMismatch: a golden case gets another answer in another process.
    """
    package = open_package(archive)
    if signer is not None:
        check_signature(package, (signer.public,))
    load(package, engines).close()
    return package


def _refuse_two_images(ask: Asked) -> None:
    """Check that a function reads one image of a head.

    Raises:
        UsageError: it reads two; says what reads one.
    """
    both = ask.parameters.get("modality") == "t1t2infant"
    if not both and ask.known.fewest == 1:
        return
    advice = (
        "Take modality t1infant or t2infant, which read one image."
        if both
        else "For white-matter hyperintensities take sysu_media_wmh_segmentation or "
        "shiva_wmh_segmentation, which read a FLAIR image alone."
    )
    raise UsageError(
        f"{ask.function} reads two images of one head ({'T1 and T2' if both else 'FLAIR and T1'}); a "
        "package takes one volume, which its gate judges.",
        advice=advice,
    )
