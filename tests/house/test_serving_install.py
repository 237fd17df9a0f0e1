"""What serves needs nothing that trains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOMS = Path(__file__).resolve().parents[2] / "src" / "bedside"
TRAINS = ("sklearn", "skl2onnx", "onnx", "pandas", "joblib", "torch", "tensorflow")
LABORATORY = {"freezing", "lab"}


def run(code: str) -> subprocess.CompletedProcess[str]:
    blocked = f"import sys; sys.modules.update(dict.fromkeys({TRAINS!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", blocked + code], capture_output=True, text=True, check=False
    )


def serving_modules() -> list[str]:
    found = [
        ".".join(("bedside", *path.relative_to(ROOMS).with_suffix("").parts))
        for path in sorted(ROOMS.rglob("*.py"))
        if path.relative_to(ROOMS).parts[0] not in LABORATORY
        and "migrations" not in path.parts
        and path.name not in {"__init__.py", "__main__.py"}
    ]
    assert len(found) > 60
    return found


def test_every_serving_module_is_imported_without_a_training_library() -> None:
    code = "import importlib\n" + "\n".join(
        f"importlib.import_module({name!r})" for name in serving_modules()
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_importing_bedside_loads_nothing_heavy() -> None:
    done = run(
        "import bedside; heavy = {'numpy', 'pydantic', 'sqlalchemy', 'onnxruntime', 'fastapi'}"
        "; assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    assert done.returncode == 0, done.stderr
