from __future__ import annotations

from pathlib import Path

import pytest

from bedside.cli.inspection import tell_manifest
from bedside.cli.screen import Page
from tests.cli.conftest import Cli
from tests.package.card.volume_manifests import volume_manifests
from tests.volume_packages import head_nifti, volume_package

MANIFESTS = volume_manifests()


def told(kind: str, capsys: pytest.CaptureFixture[str]) -> str:
    tell_manifest(Page(), MANIFESTS[kind])
    return " ".join(capsys.readouterr().out.split())


def test_a_volume_is_told_with_its_domain(capsys: pytest.CaptureFixture[str]) -> None:
    said = told("volume", capsys)
    assert "one volume nifti, dicom-series" in said
    assert "spacing 0.4 to 4 mm; the widest at most 10 times the narrowest" in said
    assert "foot to head 100 to 300 mm" in said
    assert "classes 0 = background, 1 = grey (grey matter)" in said
    assert "threshold 0.5: as likely as not" in said
    assert "after largest_region, fill_holes" in said
    assert "model onnx, float32, the whole volume" in said
    assert "memory not measured" in said


def test_windows_and_a_likeness_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    said = told("windows", capsys)
    assert "windows of 64 × 64 × 64, overlap 0.25" in said
    assert "one of 2 mean thumbnails of 20 volumes; any other is refused" in said


def test_a_library_is_told_with_its_weights(capsys: pytest.CaptureFixture[str]) -> None:
    said = told("library", capsys)
    assert "ANTsPyNet >=0.3.2,<0.4: brain_extraction(modality=t1)" in said
    assert "weights brainExtractionRobustT1.h5, 1 bytes" in said


def test_a_number_of_a_volume_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "quantity age in a" in told("brain-age", capsys)


def test_whoever_asks_it_for_a_prediction_is_told_what_to_ask_for(cli: Cli, tmp_path: Path) -> None:
    package, volume = tmp_path / "a.bedside", tmp_path / "head.nii"
    package.write_bytes(volume_package())
    volume.write_bytes(head_nifti())
    answer = cli("predict", package, volume)
    assert answer.code != 0
    assert "analyses volumes; it answers no rows" in answer.err
    assert "bedside analyse" in answer.err
