"""`bedside freeze` for models that read volumes: a MeshNet's folder, a MONAI bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bedside.cli.screen import progress, show, steps
from bedside.errors import Conflict, UsageError

if TYPE_CHECKING:
    from bedside.freezing.freeze import FrozenModel
    from bedside.freezing.volumes.draft import VolumeFacts
    from bedside.freezing.volumes.source import VolumeSource

VolumeKind = Literal["meshnet", "monai"]


@dataclass(frozen=True, slots=True)
class Paths:
    """What the command line names: the model's folder, and what goes with it."""

    model: Path
    out: Path
    spec: Path | None
    key: Path | None
    i_made_this: bool = False


def freeze_volumes(
    kind: VolumeKind, paths: Paths, *, init: bool, as_json: bool
) -> FrozenModel | None:
    """Return the package that was made of a volume model; None where a draft was written.

    Raises:
        UsageError: the spec or the key is missing.
        Conflict: a draft would be written over a file that is there.
    """
    if init:
        _draft(kind, paths, as_json=as_json)
        return None
    if paths.spec is None or paths.key is None:
        raise UsageError(
            "Freezing needs --spec and --key.",
            advice=f"Begin with a draft: bedside freeze --{kind} {paths.model} --init -o spec.toml",
        )
    if kind == "monai":
        return _freeze_bundle(paths, paths.spec)
    from bedside.freezing.volumes.freeze import freeze_volume
    from bedside.freezing.volumes.spec import read_volume_spec

    spec = read_volume_spec(paths.spec)
    with steps(f"Freezing {paths.model.name}") as tell:
        source = _opening(kind)(paths.model)
        return freeze_volume(source, spec, key=paths.key, out=paths.out, tell=tell)


def _freeze_bundle(paths: Paths, spec: Path) -> FrozenModel:
    """Return the package of a MONAI bundle, whose weights are opened in a process apart."""
    from bedside.freezing.monai.freeze import freeze_bundle

    with steps(f"Freezing {paths.model.name}") as tell:
        return freeze_bundle(
            paths.model,
            spec,
            key=paths.key,
            out=paths.out,
            i_made_this=paths.i_made_this,
            tell=tell,
        )


def _opening(kind: VolumeKind) -> Callable[[Path], VolumeSource]:
    """Return what opens a folder of this kind."""
    if kind == "meshnet":
        from bedside.freezing.meshnet.source import meshnet_source

        return meshnet_source
    raise UsageError(f"--{kind} is not here yet.")


def _facts(kind: VolumeKind, folder: Path) -> VolumeFacts:
    """Return what a folder of this kind shows of itself."""
    if kind == "meshnet":
        from bedside.freezing.meshnet.source import meshnet_facts

        return meshnet_facts(folder)
    from bedside.freezing.monai.completing import facts_of

    return facts_of(folder)


def _draft(kind: VolumeKind, paths: Paths, *, as_json: bool) -> None:
    """Write the draft of a spec; never over a file that is there."""
    from bedside.freezing.output import check_target, write_whole
    from bedside.freezing.volumes.draft import draft_volume_spec

    out = paths.out
    check_target(out)
    if out.exists():
        raise Conflict(f"{str(out)!r} is there already.", advice="Give another name with -o.")
    with progress(f"Looking at {paths.model.name}"):
        text = draft_volume_spec(_facts(kind, paths.model))
    write_whole(out, text.encode("utf-8"))
    lines = [
        f"{out}: the draft of a spec",
        'Answer every "?", read every line marked # PROPOSED, remove the line `draft = true`.',
        f"Next: bedside freeze --{kind} {paths.model} --spec {out} --key KEY.pem -o NAME.bedside",
    ]
    show({"out": str(out)}, lambda page: page.line("\n".join(lines)), as_json=as_json)
