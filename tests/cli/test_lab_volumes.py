from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli
from tests.lab.evaluating.drawn import dataset_of_heads
from tests.volume_packages import THREE_SLIDING, volume_package


def test_a_package_is_measured_on_volumes_against_masks_and_another_package(
    cli: Cli, tmp_path: Path
) -> None:
    for name in ("data", "out"):
        (tmp_path / name).mkdir()
    data = dataset_of_heads(tmp_path / "data")
    package, other = tmp_path / "one.bedside", tmp_path / "other.bedside"
    package.write_bytes(volume_package())
    other.write_bytes(volume_package(None, THREE_SLIDING))
    words = ("lab", "evaluate", package, "--data", data, "--against", other, "--orientations", "1")
    told = cli.json(*words, "-o", tmp_path / "out", "--pictures", "0")
    assert told["against"].keys() == {"drawn-three@1.0.0"}
    assert [bool(case["refused"]) for case in told["cases"]] == [False, False, True]
    assert told["evaluation"]["data"]["rows"] == 3
    kept = json.loads((tmp_path / "out" / "evaluation.json").read_bytes())
    assert kept["summaries"] == told["summaries"]
    answer = cli(*words, "-o", tmp_path / "out")
    assert answer.code == 2
    assert "holds something" in answer.err
    shown = cli.done(*words)
    assert "✗ three: refused" in shown
    assert "2 of 2 give the same mask" in shown
