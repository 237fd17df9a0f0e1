"""The child of `isolated`: opens the author's model, freezes it unsigned, writes one file.

Started as `python -I -m bedside.freezing.isolated_child JOB.json`. The only file of the house
that unpickles, and that lets a network's class be imported.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.canonical import canonical_bytes
from bedside.errors import BedsideError, FreezeRefused
from bedside.freezing.job import Job, read_job

if TYPE_CHECKING:
    from bedside.freezing.freeze import FrozenModel
    from bedside.freezing.sources.source import Source
    from bedside.freezing.spec import Spec


def main(arguments: list[str]) -> int:
    """Return 0 when the answer is written, 1 when an error is."""
    job = read_job(Path(arguments[0]))
    try:
        if job.code is not None:
            sys.path.append(job.code)
        if job.do == "facts":
            _facts(job)
        elif job.kind == "monai":
            _freeze_bundle(job)
        else:
            _freeze(job)
    except BedsideError as problem:
        told = {
            "kind": type(problem).__name__,
            "message": problem.message,
            "advice": problem.advice,
        }
        job.error.write_bytes(canonical_bytes(told))
        return 1
    return 0


def _freeze(job: Job) -> None:
    from bedside.freezing.circumstances import (  # noqa: PLC0415 - an error before is told too
        Circumstances,
    )
    from bedside.freezing.freeze import freeze_source  # noqa: PLC0415
    from bedside.freezing.spec import read_spec, with_parameters  # noqa: PLC0415

    spec = with_parameters(read_spec(job.spec), job.parameters)
    job.tell("reading the model")
    circumstances = Circumstances(tell=job.tell)
    _write(freeze_source(_source(job, spec), Path(job.data), spec, circumstances), job)


def _freeze_bundle(job: Job) -> None:
    from bedside.freezing.monai.source import open_bundle  # noqa: PLC0415 - imports torch
    from bedside.freezing.volumes.freeze import freeze_volume  # noqa: PLC0415
    from bedside.freezing.volumes.spec import VolumeSpec  # noqa: PLC0415

    spec = VolumeSpec.model_validate_json(Path(job.spec).read_bytes())
    job.tell("reading the model")
    source = open_bundle(Path(job.model), i_made_this=job.i_made_this)
    _write(freeze_volume(source, spec, tell=job.tell), job)


def _write(made: FrozenModel, job: Job) -> None:
    told = {"report": made.report.as_json(), "notes": list(made.notes)}
    job.told.write_bytes(canonical_bytes(told))
    job.answer.write_bytes(made.archive)


def _source(job: Job, spec: Spec) -> Source:
    if job.kind == "torch":
        from bedside.freezing.pytorch.installed import check_torch  # noqa: PLC0415

        check_torch()
        from bedside.freezing.pytorch.load import load_module  # noqa: PLC0415 - imports torch
        from bedside.freezing.sources.module import loaded_source  # noqa: PLC0415

        loaded = load_module(
            job.module, job.arguments, Path(job.model), i_made_this=job.i_made_this
        )
        return loaded_source(loaded, spec)
    from bedside.freezing.libraries import check_libraries  # noqa: PLC0415

    check_libraries()
    from bedside.freezing.sources.estimator import EstimatorSource  # noqa: PLC0415 - scikit-learn

    return EstimatorSource(_estimator(job), spec)


def _estimator(job: Job) -> object:
    """Return what lies in a file of skops, or in the author's own pickle."""
    if job.kind == "skops":
        from bedside.freezing.sources.skops_file import read_skops  # noqa: PLC0415

        return read_skops(Path(job.model), i_made_this=job.i_made_this)
    if not job.i_made_this:
        raise FreezeRefused("A pickle is read only on its author's word.")
    import joblib  # noqa: PLC0415 - only for a pickle

    return joblib.load(job.model)


def _facts(job: Job) -> None:
    from bedside.freezing.facts import facts_of_estimator, write_facts  # noqa: PLC0415

    write_facts(facts_of_estimator(_estimator(job), Path(job.model).name), job.answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
