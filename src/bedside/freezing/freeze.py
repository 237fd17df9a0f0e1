"""`freeze`: a fitted scikit-learn model and what its author states, to one package that is proved equal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.errors import UsageError
from bedside.freezing.libraries import check_libraries
from bedside.freezing.output import check_target, write_whole
from bedside.freezing.spec import Spec
from bedside.keys.signing import SigningKey
from bedside.package.package import Package, check_signature, open_package
from bedside.runtime.runner import load

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from bedside.freezing.compare import Comparison
    from bedside.freezing.frames import Table


@dataclass(frozen=True, slots=True)
class FrozenModel:
    """What freezing gives.

    Attributes:
        archive: The `.bedside` file's bytes.
        package: The same, opened and checked.
        report: How near the frozen model comes to the native one, and on what.
    """

    archive: bytes
    package: Package
    report: Comparison


def freeze(
    model: BaseEstimator,
    *,
    data: Table,
    spec: Spec,
    key: SigningKey | Path | str | None = None,
    out: Path | str | None = None,
    frozen_at: datetime | None = None,
) -> FrozenModel:
    """Return `model` as a package; write it to `out` once everything is proved.

    The preprocessing is translated into declared operations, the final estimator converted to
    ONNX, both models are compared from raw rows to labels, golden cases are made, and the
    archive is opened again, loaded and replayed before anything is written.

    Args:
        model: A fitted estimator or Pipeline of scikit-learn.
        data: Rows of the model's inputs, raw: a frame, an array in the spec's order, or rows.
        spec: What the author states.
        key: Signs the package: a key, or the path of its file. None leaves it unsigned.
        out: Where to write the package; an existing file is replaced in one step.
        frozen_at: The time to record. Default: SOURCE_DATE_EPOCH where set, else now. The same
            arguments and time give the same bytes.

    Raises:
        FreezeRefused: a part cannot be frozen exactly; names it, with the worst cases.
        UsageError: a laboratory library is missing, or an argument is of the wrong kind.
        NotFound: the folder of `out` does not exist.
        KeyUnavailable: the key's file cannot be used.
    """
    libraries = check_libraries()
    if not isinstance(spec, Spec):
        raise UsageError(
            f"`spec` is a {type(spec).__name__}.",
            advice="Pass bedside.read_spec('spec.toml') or bedside.make_spec({...}).",
        )
    if out is not None:
        check_target(Path(out))
    from bedside.freezing.assembly import Circumstances, assemble  # noqa: PLC0415 - imports scikit-learn

    signer = SigningKey.load(Path(key)) if isinstance(key, str | Path) else key
    archive, report = assemble(model, data, spec, Circumstances(signer, libraries, frozen_at))
    package = prove(archive, signer)
    if out is not None:
        write_whole(Path(out), archive)
    return FrozenModel(archive, package, report)


def prove(archive: bytes, signer: SigningKey | None) -> Package:
    """Return the package in `archive`, opened, checked, loaded and replayed.

    Raises:
        PackageRefused: it does not prove itself.
    """
    package = open_package(archive)
    if signer is not None:
        check_signature(package, (signer.public,))
    load(package)
    return package
