"""The page does what it says, from top to bottom."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bedside.package.package import open_package

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "freeze-pytorch.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def script() -> str:
    """Return the page as one shell script: commands as they are, files under their names."""
    lines = ["set -eu"]
    for language, text in FENCE.findall(PAGE.read_text(encoding="utf-8")):
        if language == "sh":
            lines.append(text)
            continue
        named = re.match(r"# (\S+\.(?:py|toml))\n", text)
        assert named, f"a block of {language} says in its first line which file it is"
        lines.append(f"cat > {named[1]} <<'END'\n{text}END")
    return "\n".join(lines)


@pytest.mark.slow
def test_the_pages_blocks_run_in_order_and_the_package_answers_as_the_notebook(
    tmp_path: Path,
) -> None:
    (tmp_path / "page.sh").write_text(script(), encoding="utf-8")
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "OMP_WAIT_POLICY": "passive",  # the other core is another test's
    }
    done = subprocess.run(
        ["bash", "page.sh"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    trained = re.search(r"films/001\.png: ([\d.]+)\n", done.stdout)
    assert trained
    answer = json.loads(done.stdout[done.stdout.rindex("\n{\n") :])
    (prediction,) = answer["predictions"]
    assert prediction["label"] == "opacity"
    assert prediction["scores"]["opacity"] == pytest.approx(float(trained[1]), abs=2e-3)
    draft = (tmp_path / "draft.toml").read_text(encoding="utf-8")
    assert "PROPOSED from 80 pictures" in draft
    package = open_package(tmp_path / "pneumonia.bedside")
    assert package.manifest.lineage.algorithm == "torch.nn.Module net.Net"
    assert package.manifest.lineage.difference.largest <= 1e-5
