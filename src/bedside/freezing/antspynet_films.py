"""A function of ANTsPyNet that reads films, and one finding of it, to one package.

As with volumes the package names the function and the digests of its files, and what is proved is
that it repeats itself. Golden cases are mixtures of the author's films, which are nobody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.antspynet import Chosen, Described, library_model, proved
from bedside.freezing.assembly import GOLDEN_ENTRY, RUNTIME, row_manifest
from bedside.freezing.circumstances import Circumstances
from bedside.freezing.comparison import Comparison
from bedside.freezing.freeze import FrozenModel
from bedside.freezing.frozen import FrozenModelPath
from bedside.freezing.images.pictures import PictureData, picture_data
from bedside.freezing.lineage import make_lineage, moment_of_freezing
from bedside.freezing.output import check_target, write_whole
from bedside.freezing.rows import RawRow
from bedside.freezing.spec import Spec
from bedside.package.antspynet import AntspynetModel
from bedside.package.golden import write_golden
from bedside.package.manifest import Conditions
from bedside.package.outputs import BinaryOutput
from bedside.package.package import build_package
from bedside.runtime.engines.antspynet.engine import AntspynetEngine
from bedside.runtime.engines.antspynet.functions import asked
from bedside.runtime.pipeline import Parts
from bedside.runtime.progress import silent
from bedside.runtime.session import this_processor

REPEATED: Final = 8
"""Films that are answered twice."""


def freeze_films(
    chosen: Chosen,
    pictures: Path,
    spec: Spec,
    circumstances: Circumstances,
    *,
    out: Path | None = None,
) -> FrozenModel:
    """Return one finding of `chosen` as a package; write it to `out` once it has proved itself.

    Args:
        chosen: The function, its parameters, the finding, and where its files lie.
        pictures: The author's films, a folder.
        spec: What its author states, with `[image]`, one window and a binary output.
        circumstances: Who signs, when, and who hears of each step.
        out: Where to write the package.

    Raises:
        UsageError: the function, the finding, or a spec that does not fit it.
        NotFound: a file was never fetched, or the interpreter has no such library.
        FreezeRefused: two answers to one film differ, or the films lie outside the domain.
    """
    if out is not None:
        check_target(out)
    check_films(chosen, spec)
    tell = circumstances.tell
    tell("checking the weights")
    model = library_model(chosen)
    tell("looking at your pictures")
    assert spec.image is not None  # noqa: S101 - `check_films` demands it
    data = picture_data(pictures, spec.image, spec.preprocessing)
    data.refuse_outside()
    archive, report = _assembled(model, data, (chosen, spec), circumstances)
    tell("replaying the golden cases")
    package = proved(archive, circumstances.signer, chosen.engines)
    if out is not None:
        write_whole(out, archive)
    return FrozenModel(archive, package, report, data.notes)


def check_films(chosen: Chosen, spec: Spec) -> None:
    """Check that what the author states fits the function.

    Raises:
        UsageError: it does not; says what does.
    """
    findings = asked(chosen.function, chosen.parameters).findings
    if not findings:
        raise UsageError(f"{chosen.function} reads no films.", advice="Leave --pictures out.")
    if chosen.finding not in findings:
        raise UsageError(
            f"{chosen.function} finds no {chosen.finding!r}.",
            advice=f"Say --finding and one of {', '.join(findings)}.",
        )
    if spec.image is None or not isinstance(spec.output, BinaryOutput):
        raise UsageError(
            f"{chosen.function} reads a film, and a package answers one finding of it.",
            advice='Declare [image], and an output of the kind "binary".',
        )
    if len(spec.preprocessing) != 1 or spec.network is not None or spec.explanation is not None:
        raise UsageError(
            f"{chosen.function} prepares films itself, and explains nothing.",
            advice="Declare one window as [[preprocessing]], and neither [network] nor [explanation].",
        )


def _assembled(
    model: AntspynetModel,
    data: PictureData,
    said: tuple[Chosen, Spec],
    circumstances: Circumstances,
) -> tuple[bytes, Comparison]:
    chosen, spec = said
    tell = circumstances.tell
    tell("starting the library")
    with closing(AntspynetEngine(model, chosen.engines)) as engine:
        versions = engine.warm(silent)
    conditions = Conditions(
        runtime=RUNTIME,
        verified_with={**versions, **data.libraries},
        graph_optimisation="basic",
        processor=this_processor(),
    )
    parts = Parts(
        data.declared, spec.preprocessing, b"", model, conditions, spec.output, None, chosen.engines
    )
    with closing(FrozenModelPath(parts)) as frozen:
        tell("answering your pictures twice")
        report = _repeated(frozen, data.some(REPEATED), spec.comparison.tolerance)
        tell("making golden cases")
        cases = tuple(one.case for one in data.golden(frozen, spec.output, spec.golden))
    tell("writing the package")
    entries = {GOLDEN_ENTRY: write_golden(cases)}
    told = {**model.parameters, "finding": model.finding}
    source = Described(f"antspynet.{model.function}", told, versions)
    moment, real = moment_of_freezing(circumstances.frozen_at), spec.golden.from_real_rows
    lineage = make_lineage(spec.origin, source, report, moment, real_rows=real)
    manifest = row_manifest(spec, parts, lineage, (len(cases), entries))
    return build_package(manifest, entries, circumstances.signer), report


def _repeated(frozen: FrozenModelPath, rows: Sequence[RawRow], tolerance: float) -> Comparison:
    """Return how far two answers to the same films lie apart.

    Raises:
        FreezeRefused: further than the spec's tolerance.
    """
    pairs = zip(frozen(rows), frozen(rows), strict=True)
    apart = max(abs(a.scores[name] - b.scores[name]) for a, b in pairs for name in a.scores)
    if not apart <= tolerance:
        raise FreezeRefused(
            f"Two answers to one film differ by {apart:.3g}; {tolerance:g} is allowed.",
            advice="Freeze on a quiet machine.",
        )
    return Comparison(len(rows), apart, tolerance, (("your pictures, twice", len(rows), apart),))
