"""A saved model, opened only in a process apart where opening it may run code.

Reading a pickle can run any code that its writer put in, and a PyTorch network needs its
author's class; so both happen only on the author's word, in a child process with limits, an
empty home and no key. The child gives back an unsigned package; the parent opens it with every
check, replays its golden cases, and only then signs and writes. The limits hold a mistake, not
an attacker: the child still runs as the same user, with that user's files and network. The
limits are those of POSIX: this module needs Linux or macOS. An ONNX file holds no code and is
read here.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from bedside.errors import FreezeRefused, NotFound
from bedside.freezing.child_process import run_job
from bedside.freezing.circumstances import Circumstances, Tell, unheard
from bedside.freezing.comparison import read_comparison
from bedside.freezing.draft.facts import ModelFacts
from bedside.freezing.facts import facts_of_onnx, read_facts
from bedside.freezing.freeze import FrozenModel, freeze_source, prove
from bedside.freezing.job import Job
from bedside.freezing.mlflow.folder import MlflowModel, read_folder
from bedside.freezing.model_file import ModelFile
from bedside.freezing.output import check_target, write_whole
from bedside.freezing.spec import Spec, read_spec, with_parameters
from bedside.keys.signing import SigningKey
from bedside.package.package import check_signature, open_package, sign_package

Rows: TypeAlias = Path | str
"""A CSV file with a header, or a folder of pictures."""


def freeze_file(
    model: ModelFile | Path | str,
    spec_path: Path | str,
    data_path: Rows,
    *,
    key: SigningKey | Path | None = None,
    out: Path | str | None = None,
    tell: Tell = unheard,
) -> FrozenModel:
    """Return the package of a saved model; write it to `out`.

    Args:
        model: The file or folder; a `ModelFile` where there is more to say of it than its path.
        spec_path: The spec, as TOML.
        data_path: The raw inputs: a CSV file with a header, or a folder of pictures.
        key: Signs the package, in this process only.
        out: Where to write the package.
        tell: Hears of each step that begins.

    Raises:
        UsageError: not a file of a known kind, or a spec that is not complete.
        FreezeRefused: reading the file would run a stranger's code, the model cannot be frozen,
            or the child failed.
        LimitExceeded: it took too long.
    """
    model = model if isinstance(model, ModelFile) else ModelFile(Path(model))
    spec_path, data_path = Path(spec_path), Path(data_path)
    model.refuse_strangers()
    spec = read_spec(spec_path)
    if not data_path.exists():
        raise NotFound(
            f"There is no file {str(data_path)!r}.", advice="Give a CSV file or a folder."
        )
    if out is not None:
        check_target(Path(out))
    signer = SigningKey.load(key) if isinstance(key, Path) else key
    job = _job(model, spec)
    if job.kind == "onnx":
        made = _freeze_here(job, with_parameters(spec, job.parameters), data_path, signer, tell)
        if out is not None:
            write_whole(Path(out), made.archive)
        return made
    with tempfile.TemporaryDirectory(prefix="bedside-freeze-") as folder:
        spec_text, data_text = str(spec_path.resolve()), str(data_path.resolve())
        job = replace(job, folder=folder, spec=spec_text, data=data_text)
        run_job(job, tell)
        told = json.loads(job.told.read_text(encoding="utf-8"))
        archive = job.answer.read_bytes()
    package = prove(archive, None)
    if signer is not None:
        archive = sign_package(archive, signer)
        package = open_package(archive)
        check_signature(package, (signer.public,))
    if out is not None:
        write_whole(Path(out), archive)
    return FrozenModel(archive, package, read_comparison(told["report"]), tuple(told["notes"]))


def _freeze_here(
    job: Job, spec: Spec, data: Path, signer: SigningKey | None, tell: Tell
) -> FrozenModel:
    from bedside.freezing.sources.onnx_file import onnx_source, read_onnx  # noqa: PLC0415 - onnx

    source = onnx_source(read_onnx(Path(job.model)), spec)
    return freeze_source(source, data, spec, Circumstances(signer, None, tell))


def model_facts(model: ModelFile) -> ModelFacts:
    """Return what a saved model shows of itself, for the draft of a spec.

    Raises:
        UsageError: not a file of a known kind.
        FreezeRefused: it cannot be read without running a stranger's code.
    """
    model.refuse_strangers()
    job = _job(model, None)
    if job.kind == "onnx":
        return facts_of_onnx(Path(job.model))
    if job.kind == "torch":  # a network shows nothing of itself before it is run
        kind = (job.module or "").rpartition(":")[2]
        return ModelFacts(file=model.path.name, algorithm=kind or "PyTorch", network=True)
    with tempfile.TemporaryDirectory(prefix="bedside-facts-") as folder:
        job = replace(job, do="facts", folder=folder)
        run_job(job, unheard)
        return read_facts(job.answer)


def _job(model: ModelFile, spec: Spec | None) -> Job:
    """Return what is to be done with `model`; an MLflow folder is looked into.

    Raises:
        FreezeRefused: a folder that cannot be followed, or a stranger's code in it.
    """
    arguments = {**(spec.network.arguments if spec and spec.network else {}), **model.arguments}
    module = None if model.module is None else _absolute(model.module)
    job = Job(
        do="freeze",
        kind=model.kind,
        model=str(model.path.resolve()),
        folder="",
        module=module,
        arguments=arguments,
        i_made_this=model.i_made_this,
    )
    if model.kind != "mlflow":
        return job
    found = read_folder(model.path)
    replace(model, path=found.path).refuse_strangers()
    if spec is not None:
        _refuse_other_columns(found, spec)
    return replace(
        job,
        kind=found.kind,
        model=str(found.path.resolve()),
        code=None if found.code is None else str(found.code.resolve()),
        parameters={"mlflow": dict(found.told)},
    )


def _absolute(module: str) -> str:
    file, colon, name = module.rpartition(":")
    return f"{Path(file).resolve()}:{name}" if colon else module


def _refuse_other_columns(found: MlflowModel, spec: Spec) -> None:
    declared = [field.name for field in spec.fields]
    if found.columns is None or not declared or set(found.columns) == set(declared):
        return
    raise FreezeRefused(
        f"The MLflow model's signature takes {list(found.columns)[:20]}, and the spec declares "
        f"{declared[:20]}.",
        advice="Declare exactly the fields of the signature.",
    )
