"""`freeze_volume`: a volume model and what its author states, to one package that is proved equal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bedside.freezing.circumstances import Circumstances, Tell, unheard
from bedside.freezing.freeze import FrozenModel, prove
from bedside.freezing.output import check_target, write_whole
from bedside.freezing.volumes.assembly import assemble_volume
from bedside.freezing.volumes.source import VolumeSource
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.keys.signing import SigningKey


def freeze_volume(
    source: VolumeSource,
    spec: VolumeSpec,
    *,
    key: SigningKey | Path | None = None,
    out: Path | None = None,
    frozen_at: datetime | None = None,
    tell: Tell = unheard,
) -> FrozenModel:
    """Return `source` as a package; write it to `out` once everything is proved.

    Args:
        source: The model.
        spec: What its author states.
        key: Signs the package: a key, or the path of its file. None leaves it unsigned.
        out: Where to write the package; an existing file is replaced in one step.
        frozen_at: The time to record; else SOURCE_DATE_EPOCH, else now.
        tell: Hears of each step that begins.

    Raises:
        FreezeRefused: a part cannot be frozen exactly; names it.
        InputRefused: the drawn heads of the golden cases lie outside the declared domain.
        NotFound: the folder of `out` does not exist.
        KeyUnavailable: the key's file cannot be used.
    """
    if out is not None:
        check_target(out)
    signer = SigningKey.load(key) if isinstance(key, Path) else key
    made = assemble_volume(source, spec, Circumstances(signer, frozen_at, tell))
    tell("replaying the golden cases")
    package = prove(made.archive, signer)
    if out is not None:
        write_whole(out, made.archive)
    return FrozenModel(made.archive, package, made.report, (*source.notes, *made.notes))
