"""`freeze_bundle`: a MONAI bundle and what its author states, to one package that is proved equal.

The configuration is read here, where nothing of it can run. The weights are inspected, and opened
in a child process with limits, an empty home and no key; its package is proved and signed here.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from bedside.canonical import canonical_bytes
from bedside.errors import FreezeRefused
from bedside.freezing.child_process import run_job
from bedside.freezing.circumstances import Tell, unheard
from bedside.freezing.comparison import read_comparison
from bedside.freezing.freeze import FrozenModel, prove
from bedside.freezing.job import Job
from bedside.freezing.libraries import versions
from bedside.freezing.monai.bundle import Bundle, read_bundle
from bedside.freezing.monai.completing import completed
from bedside.freezing.output import check_target, write_whole
from bedside.freezing.pytorch.installed import check_torch
from bedside.freezing.spec_file import answers_in
from bedside.freezing.strangers import refuse_code
from bedside.freezing.volumes.spec import VolumeSpec, make_volume_spec
from bedside.keys.signing import SigningKey
from bedside.package.package import check_signature, open_package, sign_package


def freeze_bundle(
    folder: Path,
    spec_path: Path,
    *,
    key: SigningKey | Path | None = None,
    out: Path | None = None,
    i_made_this: bool = False,
    tell: Tell = unheard,
) -> FrozenModel:
    """Return the bundle in `folder` as a package; write it to `out` once everything is proved.

    Args:
        folder: The bundle.
        spec_path: What the author states, as TOML; what the bundle says may be left out.
        key: Signs the package, in this process only: a key, or the path of its file.
        out: Where to write the package.
        i_made_this: The author's word that they made the weights themselves, which lets a program
            in them run, in the child.
        tell: Hears of each step that begins.

    Raises:
        NotFound: a file is missing.
        UsageError: a library is missing, or the spec is not complete.
        FreezeRefused: a part of the bundle has no counterpart, its weights hold code, or the
            frozen model answers otherwise than MONAI; names what.
        LimitExceeded: a file is larger than it may be, or freezing took too long.
    """
    bundle = read_bundle(folder)
    spec = read_answers(spec_path, bundle)
    _refuse_strangers(bundle, i_made_this=i_made_this)
    versions(("monai",), "monai")
    check_torch()
    if out is not None:
        check_target(out)
    signer = SigningKey.load(key) if isinstance(key, Path) else key
    with tempfile.TemporaryDirectory(prefix="bedside-freeze-") as place:
        job = Job(
            do="freeze",
            kind="monai",
            model=str(folder.resolve()),
            folder=place,
            spec=str(Path(place) / "spec.json"),
            i_made_this=i_made_this,
        )
        Path(job.spec).write_bytes(canonical_bytes(spec.model_dump(mode="json")))
        run_job(job, tell)
        said = json.loads(job.told.read_text(encoding="utf-8"))
        archive = job.answer.read_bytes()
    tell("replaying the golden cases")
    package = prove(archive, None)
    if signer is not None:
        archive = sign_package(archive, signer)
        package = open_package(archive)
        check_signature(package, (signer.public,))
    if out is not None:
        write_whole(out, archive)
    return FrozenModel(archive, package, read_comparison(said["report"]), tuple(said["notes"]))


def read_answers(path: Path, bundle: Bundle) -> VolumeSpec:
    """Return the author's spec, completed from the bundle.

    Raises:
        NotFound: there is no such file.
        LimitExceeded: it is larger than a spec may be.
        UsageError: an answer is missing or does not fit.
    """
    return make_volume_spec(completed(answers_in(path), bundle))


def _refuse_strangers(bundle: Bundle, *, i_made_this: bool) -> None:
    """Refuse weights whose reading would run code; the author's word lets them pass.

    Raises:
        FreezeRefused: lists what they import, or says that they are a program.
    """
    kind, weights = bundle.weights
    if i_made_this:
        return
    try:
        refuse_code(weights)
    except FreezeRefused as problem:
        if kind != "torchscript":
            raise
        raise FreezeRefused(
            problem.message,
            advice="Give models/model.pt, beside a network_def of a network that is known here. "
            "Only if you made this file yourself, say so with --i-made-this.",
        ) from problem
