from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_importing_the_runtime_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    code = "import bedside.runtime.session"
    environment = {**kept, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
