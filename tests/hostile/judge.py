"""The child that reads the corpus: `python -m tests.hostile.judge FOLDER ANSWERS`.

Each file goes to its reader, one after the other in one process with a limited address space, as a
service would meet them. What came of it is written down: the refusal's words, the time, the largest
memory that Python held, and by how much the process grew.
"""

from __future__ import annotations

import gc
import json
import resource
import signal
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bedside.canonical import read_json
from bedside.cli.rows import read_rows
from bedside.errors import BedsideError, PictureRefused, VolumeRefused
from bedside.freezing.spec import read_spec
from bedside.freezing.strangers import refuse_code
from bedside.package.package import check_signature, open_package
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.session import Session
from tests.hostile.packages import TRUSTED, signing_key
from tests.package.building import FIELDS, conditions, model

ADDRESS_SPACE = 12 * 2**30
"""ONNX Runtime and the libraries of the laboratory reserve several GiB that they never touch."""


def _signed(path: Path) -> None:
    check_signature(open_package(path), (signing_key(TRUSTED).public,))


def _run(path: Path) -> None:
    import numpy as np  # noqa: PLC0415 - only here

    width, seconds = 2 if "good" in path.name else 5, 0.2 if "slow" in path.name else 60.0
    session = Session(path.read_bytes(), model(5), conditions(), width, seconds=seconds)
    session(np.ones((1, 5)))


def _onnx(path: Path) -> None:
    from bedside.freezing.sources.onnx_file import read_onnx  # noqa: PLC0415 - imports onnx

    read_onnx(path)


PATIENCE = 10
"""Seconds after which a reader is interrupted, so that a hang is named and the rest is judged."""


def _mlflow(path: Path) -> None:
    from bedside.freezing.mlflow.folder import read_folder  # noqa: PLC0415

    folder = path.with_suffix(".folder")
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").touch()
    (folder / "MLmodel").write_bytes(path.read_bytes())
    read_folder(folder)


def _picture(path: Path) -> None:
    from bedside.imaging.reading import read_picture  # noqa: PLC0415

    read_picture(path.read_bytes())


def _volume(path: Path) -> None:
    from bedside.imaging.files import files_at  # noqa: PLC0415
    from bedside.imaging.volume_reading import read_volume  # noqa: PLC0415

    read_volume(files_at(path))


READERS: dict[str, Callable[[Path], object]] = {
    "package": open_package,
    "signed": _signed,
    "network": lambda path: read_opset(path.read_bytes()),
    "run": _run,
    "onnx": _onnx,
    "pickle": refuse_code,
    "picture": _picture,
    "volume": _volume,
    "mlflow": _mlflow,
    "json": lambda path: read_json(path.read_bytes()),
    "spec": read_spec,
    "rows": lambda path: read_rows(str(path), FIELDS),
}


def judge(path: Path, reader: str) -> dict[str, str | float | None]:
    """Return what the reader made of the file at `path`."""
    before = _forget_peak()
    began = time.process_time()  # of the processor, so that a busy machine does not count
    said = _said(path, reader)
    seconds = time.process_time() - began
    grown = _peak() - before
    held = 0
    if seconds < 0.1:  # else `grown` must do; tracing makes a long reading ten times longer
        tracemalloc.start()
        _said(path, reader)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return {"said": said, "seconds": seconds, "grown": grown, "held": held}


def _said(path: Path, reader: str) -> str | None:
    signal.alarm(PATIENCE)
    try:
        READERS[reader](path)
    except (PictureRefused, VolumeRefused) as problem:
        return f"{problem.code}: {problem}"
    except BedsideError as problem:
        return str(problem)
    except Exception as problem:  # noqa: BLE001 - a stack trace is what must not happen
        return f"UNFORESEEN {type(problem).__name__}: {problem}"[:500]
    finally:
        signal.alarm(0)
    return None


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError(f"it took longer than {PATIENCE} s")


def _forget_peak() -> int:
    """Let the kernel forget the largest memory so far; return what is held now, in bytes.

    Source: proc(5), /proc/pid/clear_refs.
    """
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    """Return the largest memory that this process held since, in bytes."""
    return _status("VmHWM")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def main(folder: Path, answers: Path) -> None:
    """Judge every file that `folder/index.json` names."""
    signal.signal(signal.SIGALRM, _interrupt)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    index = json.loads((folder / "index.json").read_text())
    warm = {one["reader"]: one["name"] for one in index if one["good"]}
    for reader, name in warm.items():
        _said(folder / name, reader)  # imports are no memory of a file's
    gc.freeze()
    with answers.open("w") as file:
        for one in index:
            found = judge(folder / one["name"], one["reader"])
            file.write(json.dumps({"name": one["name"], **found}) + "\n")
            file.flush()  # so that a crash is known by the file after the last


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
