"""PyTorch, joblib and pickle themselves read what the inspector let pass, and import no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bedside.freezing.strangers import Verdict, inspect_file
from tests.hostile.hostile import CANARY
from tests.hostile.pickles import CALL, pickles

ROOT = Path(__file__).resolve().parents[2]
OLD = {"__builtin__": "builtins", "copy_reg": "copyreg"}
Read = dict[str, dict[str, list[list[str]]]]


def read_by_others(folder: Path, names: list[str]) -> Read:
    """Return what each reader imported from each file of `folder`, read in a child."""
    asked, answers = folder / "names.json", folder / "answers.json"
    asked.write_text(json.dumps(names))
    command = [sys.executable, "-m", "tests.hostile.canary", *map(str, (folder, asked, answers))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=120)
    found: Read = json.loads(answers.read_text())
    return found


def test_what_is_not_called_code_imports_no_more_than_was_told(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch missing")
    told: dict[str, set[tuple[str, str]]] = {}
    for one in pickles():
        (tmp_path / one.name).write_bytes(one.data)
        found = inspect_file(tmp_path / one.name)
        if found.verdict is not Verdict.CODE:
            told[one.name] = {(name.module, name.name) for name in found.names}
    assert len(told) >= 5
    read = read_by_others(tmp_path, list(told))
    assert not (tmp_path / CANARY).exists()
    assert any(imports for readers in read.values() for imports in readers.values())
    for name, readers in read.items():
        for reader, imports in readers.items():
            seen = {(OLD.get(module, module), one) for module, one in imports}
            assert seen <= told[name], (name, reader)


def test_the_canary_sings_when_a_pickle_of_code_is_read(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch missing")
    (tmp_path / "evil.pkl").write_bytes(CALL)
    read = read_by_others(tmp_path, ["evil.pkl"])
    assert ["os", "system"] in read["evil.pkl"]["pickle"]
    assert (tmp_path / CANARY).exists()
