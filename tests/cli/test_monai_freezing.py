"""A bundle at the command line: drafted, frozen in a process apart, verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.package.package import open_package
from tests.cli.conftest import Cli
from tests.freezing.monai.bundles import inference
from tests.freezing.monai.made import made, needs_monai
from tests.freezing.monai.test_freeze import stated
from tests.freezing.monai.test_source import answers


@needs_monai
@pytest.mark.slow
def test_goes_from_its_folder_to_a_verified_package(cli: Cli, tmp_path: Path) -> None:
    folder = made(tmp_path / "bright", inference(spacing=[9.0, 9.0, 9.0]))
    draft, key, out = (tmp_path / name for name in ("draft.toml", "key.pem", "bright.bedside"))
    drafted = cli("freeze", "--monai", folder, "--init", "-o", draft)
    assert drafted.code == 0, drafted.err
    assert 'op = "resample"' in draft.read_text("utf-8")
    assert cli("keys", "new", key).code == 0
    words = ("--spec", stated(tmp_path, answers()), "--key", key, "-o", out, "--json")
    frozen = cli("freeze", "--monai", folder, *words)
    assert frozen.code == 0, frozen.err
    assert [one["what"] for one in frozen.json["compared"]] == [
        "drawn volumes: probability",
        "drawn volumes: share of labels that differ",
    ]
    assert cli("verify", out, "--trust", key.with_suffix(".pub")).code == 0
    lineage = open_package(out).manifest.lineage
    assert lineage.algorithm == "MONAI bundle Bright parts of a head, UNet"
    assert set(lineage.parameters["files"]) == {"inference.json", "model.pt"}
    assert "monai" in lineage.environment


def test_says_how_to_begin_where_nothing_is_stated(cli: Cli, tmp_path: Path) -> None:
    answer = cli("freeze", "--monai", tmp_path, "-o", tmp_path / "x.bedside")
    assert answer.code != 0
    assert f"bedside freeze --monai {tmp_path} --init" in answer.err
    both = cli("freeze", "--monai", "--meshnet", tmp_path, "-o", tmp_path / "x.bedside")
    assert "either a MeshNet or a MONAI bundle" in both.err
