"""A `.joblib` or `.pkl` of the author's own, opened only in a process apart.

Reading a pickle can run any code that its writer put in, so it is done only when the author
says that they made the file, in a child process with limits, an empty home and no key. The
child gives back an unsigned package; the parent opens it with every check, replays its golden
cases, and only then signs and writes. The limits hold a mistake, not an attacker: the child
still runs as the same user, with that user's files and network. The limits are those of POSIX:
this module needs Linux or macOS.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bedside.canonical import canonical_bytes
from bedside.errors import BedsideError, FreezeRefused, LimitExceeded, NotFound, UsageError
from bedside.freezing.freeze import prove
from bedside.freezing.output import check_target, write_whole
from bedside.keys.signing import SigningKey
from bedside.package.package import Package, check_signature, open_package, sign_package

SECONDS = 900
"""Longest time for a freeze: half of a coffee break; forests of a thousand trees need a minute."""

MEMORY = 16 * 2**30
"""Largest address space of the child, in bytes; NumPy and ONNX Runtime reserve several GiB."""

FILE_BYTES = 2 * 2**30
"""Largest file that the child may write."""

SUFFIXES = (".joblib", ".pkl", ".pickle")


def freeze_file(
    model_path: Path | str,
    spec_path: Path | str,
    data_path: Path | str,
    *,
    i_made_this: bool,
    key: SigningKey | Path | None = None,
    out: Path | str | None = None,
) -> Package:
    """Return the package of a saved scikit-learn model; write it to `out`.

    Args:
        model_path: The author's own `.joblib`, `.pkl` or `.pickle` file.
        spec_path: The spec, as TOML.
        data_path: The raw rows, as CSV with a header.
        i_made_this: The author's word that they made the model file themselves.
        key: Signs the package, in this process only.
        out: Where to write the package.

    Raises:
        UsageError: without the author's word, or not a file of a known kind.
        FreezeRefused: the model cannot be frozen, or the child failed.
    """
    model_path, spec_path, data_path = Path(model_path), Path(spec_path), Path(data_path)
    _refuse_strangers(model_path, i_made_this)
    for path in (model_path, spec_path, data_path):
        if not path.is_file():
            raise NotFound(f"There is no file {str(path)!r}.", advice="Give the path of a file.")
    if out is not None:
        check_target(Path(out))
    signer = SigningKey.load(key) if isinstance(key, Path) else key
    with tempfile.TemporaryDirectory(prefix="bedside-freeze-") as folder:
        archive = _in_a_child((model_path, spec_path, data_path), Path(folder))
    package = prove(archive, None)
    if signer is not None:
        archive = sign_package(archive, signer)
        package = open_package(archive)
        check_signature(package, (signer.public,))
    if out is not None:
        write_whole(Path(out), archive)
    return package


def _refuse_strangers(model_path: Path, i_made_this: bool) -> None:
    if model_path.suffix not in SUFFIXES:
        raise UsageError(
            f"{model_path.name!r} is no {', '.join(SUFFIXES)} file.",
            advice="Save the fitted model with joblib.dump(model, 'model.joblib').",
        )
    if not i_made_this:
        raise UsageError(
            f"{model_path.name!r} is a pickle: reading it can run any program that its writer put "
            "in, with all your rights.",
            advice="Only if you made this file yourself, say so: i_made_this=True "
            "(`bedside freeze … --i-made-this`). Else ask its author for a .bedside package.",
        )


def _in_a_child(paths: tuple[Path, Path, Path], folder: Path) -> bytes:
    """Run the child; return the unsigned archive that it wrote."""
    answer, errors = folder / "answer.bedside", folder / "error.json"
    command = [sys.executable, "-I", "-m", "bedside.freezing.isolated_child"]
    command += [str(path.resolve()) for path in (*paths, answer, errors)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module, no shell
            command,
            cwd=folder,
            env=_environment(folder),
            preexec_fn=_limit,  # the limits must hold before the child imports anything
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise LimitExceeded(
            f"Freezing took longer than {SECONDS} s and was stopped.",
            advice="Use fewer comparison rows (comparison.data_rows), or a smaller model.",
        ) from problem
    if errors.is_file():
        raise _told(errors)
    if done.returncode != 0 or not answer.is_file():
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing"]
        raise FreezeRefused(
            f"The process that reads the model ended with {done.returncode}; its last words: "
            f"{last[0][:500]}",
            advice="Check that the file is a fitted scikit-learn model saved with joblib.",
        )
    return answer.read_bytes()


def _told(errors: Path) -> BedsideError:
    """Return the error that the child wrote down."""
    told = json.loads(errors.read_text(encoding="utf-8"))
    message, advice = str(told["message"]), str(told["advice"])
    if told["kind"] == "UsageError":
        return UsageError(message, advice=advice)
    return FreezeRefused(message, advice=advice)


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment without the parent's secrets: only what Python needs."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "LANG", "LC_ALL", "SOURCE_DATE_EPOCH")
        if name in os.environ
    }
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def write_error(path: Path, problem: BedsideError) -> None:
    """Write `problem` where the parent looks for it."""
    told = {"kind": type(problem).__name__, "message": problem.message, "advice": problem.advice}
    path.write_bytes(canonical_bytes(told))
