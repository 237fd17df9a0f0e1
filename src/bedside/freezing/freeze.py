"""`freeze`: a model and what its author states, to one package that is proved equal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.errors import UsageError
from bedside.freezing.circumstances import Circumstances
from bedside.freezing.libraries import RUNNING, versions
from bedside.freezing.output import check_target, write_whole
from bedside.freezing.spec import Spec
from bedside.keys.signing import SigningKey
from bedside.package.package import Package, check_signature, open_package
from bedside.runtime.runner import load

if TYPE_CHECKING:
    from bedside.freezing.comparison import Comparison
    from bedside.freezing.data import AuthorData
    from bedside.freezing.sources.source import Source


@dataclass(frozen=True, slots=True)
class FrozenModel:
    """What freezing gives.

    Attributes:
        archive: The `.bedside` file's bytes.
        package: The same, opened and checked.
        report: How near the frozen model comes to the native one, and on what.
        notes: What the author must be told, in sentences.
    """

    archive: bytes
    package: Package
    report: Comparison
    notes: tuple[str, ...] = ()


def freeze(
    model: object,
    *,
    data: object,
    spec: Spec,
    key: SigningKey | Path | str | None = None,
    out: Path | str | None = None,
    frozen_at: datetime | None = None,
) -> FrozenModel:
    """Return `model` as a package; write it to `out` once everything is proved.

    What is done before the network becomes declared operations, the network itself ONNX; native
    and frozen model are compared from raw rows to labels, golden cases are made, and the
    archive is opened again, loaded and replayed before anything is written.

    Args:
        model: A fitted estimator or Pipeline of scikit-learn, a torch.nn.Module, an
            onnx.ModelProto, the bytes of an ONNX file, or its path.
        data: The model's inputs, raw. Rows: a frame, an array in the spec's order, or dicts.
            Pictures: the path of a folder, or a list of paths, bytes, or rows with an `image`.
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
    if not isinstance(spec, Spec):
        raise UsageError(
            f"`spec` is a {type(spec).__name__}.",
            advice="Pass bedside.read_spec('spec.toml') or bedside.make_spec({...}).",
        )
    if out is not None:
        check_target(Path(out))
    versions(RUNNING, "lab")
    from bedside.freezing.sources.opening import open_source  # noqa: PLC0415 - imports onnx

    signer = SigningKey.load(Path(key)) if isinstance(key, str | Path) else key
    circumstances = Circumstances(signer, frozen_at)
    made = freeze_source(open_source(model, spec), data, spec, circumstances)
    if out is not None:
        write_whole(Path(out), made.archive)
    return made


def freeze_source(
    source: Source, data: object, spec: Spec, circumstances: Circumstances
) -> FrozenModel:
    """Return `source` as a package that proves itself.

    Raises:
        FreezeRefused: a part cannot be frozen exactly.
    """
    from bedside.freezing.assembly import assemble  # noqa: PLC0415 - imports onnx

    own = open_data(data, spec)
    archive, report = assemble(source, own, spec, circumstances)
    package = prove(archive, circumstances.signer)
    return FrozenModel(archive, package, report, (*source.notes, *own.notes))


def open_data(data: object, spec: Spec) -> AuthorData:
    """Return the author's `data` as rows of the kind that the spec declares.

    Raises:
        UsageError: data of another kind.
        FreezeRefused: it does not fit what is declared.
    """
    if spec.image is not None:
        from bedside.freezing.images.pictures import picture_data  # noqa: PLC0415 - as below

        return picture_data(data, spec.image, spec.preprocessing)
    versions(("pandas",), "lab")
    from bedside.freezing.tables import table_data  # noqa: PLC0415 - imports pandas

    return table_data(data, spec)


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
