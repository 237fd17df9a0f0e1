from __future__ import annotations

import json
from pathlib import Path

import pytest

from bedside.errors import FreezeRefused, LimitExceeded, NotFound
from bedside.freezing.monai.folder import MAX_CONFIGURATION, is_bundle, read_bundle_folder
from tests.freezing.monai.bundles import INFERENCE, written


def test_a_bundle_is_its_metadata_its_inference_and_its_weights(tmp_path: Path) -> None:
    found = read_bundle_folder(written(tmp_path))
    assert is_bundle(tmp_path)
    assert found.inference == INFERENCE
    assert found.configuration == "configs/inference.json"
    assert found.weights == {"weights": tmp_path / "models" / "model.pt"}


def test_yaml_says_the_same_as_json(tmp_path: Path) -> None:
    json_file = written(tmp_path) / "configs" / "inference.json"
    json_file.rename(json_file.with_suffix(".yaml"))  # JSON is YAML
    assert read_bundle_folder(tmp_path).inference == INFERENCE


def test_a_program_is_told_apart_from_weights(tmp_path: Path) -> None:
    written(tmp_path, weights="model.ts")
    assert read_bundle_folder(tmp_path).weights == {"torchscript": tmp_path / "models" / "model.ts"}


def refusal(folder: Path) -> str:
    with pytest.raises(FreezeRefused) as caught:
        read_bundle_folder(folder)
    return str(caught.value)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        read_bundle_folder(tmp_path / "none")
    assert "the file configs/metadata.json is not there" in refusal(tmp_path)
    (written(tmp_path) / "models" / "model.pt").unlink()
    assert "none of models/model.safetensors, models/model.pt" in refusal(tmp_path)
    assert "large_files.yml" in refusal(tmp_path)
    (tmp_path / "configs" / "inference.json").unlink()
    assert "none of configs/inference.json" in refusal(tmp_path)


def test_two_of_a_kind_are_not_chosen_from(tmp_path: Path) -> None:
    (written(tmp_path) / "models" / "model.pth").write_bytes(b"")
    assert "models/model.pt and models/model.pth, and which one counts" in refusal(tmp_path)
    (tmp_path / "configs" / "inference.yaml").write_text("{}")
    assert "inference.json and configs/inference.yaml, and which one" in refusal(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    bundle = written(tmp_path / "bundle")
    weights = bundle / "models" / "model.pt"
    weights.rename(tmp_path / "model.pt")
    weights.symlink_to(tmp_path / "model.pt")
    assert "models/model.pt is a link to somewhere else" in refusal(bundle)
    (bundle / "configs").rename(tmp_path / "configs")
    (bundle / "configs").symlink_to(tmp_path / "configs")
    assert "configs/metadata.json is a link" in refusal(bundle)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read: Not JSON"),
        ('{"a": 1, "a": 2}', "cannot be read"),
        ('{"a": NaN}', "cannot be read"),
        ("[]", "holds no names"),
        ("\xff", "cannot be read"),
    ],
)
def test_what_is_no_plain_data_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (written(tmp_path) / "configs" / "inference.json").write_bytes(text.encode("latin-1"))
    assert said in refusal(tmp_path)


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x", "a: !!python/name:os.system", "\xff: 1"])
def test_yaml_that_is_more_than_data_is_refused(tmp_path: Path, text: str) -> None:
    (written(tmp_path) / "configs" / "inference.json").unlink()
    (tmp_path / "configs" / "inference.yaml").write_bytes(text.encode("latin-1"))
    assert "configs/inference.yaml cannot be read" in refusal(tmp_path)


def test_a_configuration_has_a_bound(tmp_path: Path) -> None:
    path = written(tmp_path) / "configs" / "inference.json"
    path.write_text(json.dumps({"a": "x" * MAX_CONFIGURATION}))
    with pytest.raises(LimitExceeded, match="bytes; at most 1048576"):
        read_bundle_folder(tmp_path)
    path.write_text("[" * 100 + "]" * 100)
    with pytest.raises(LimitExceeded, match="nested deeper"):
        read_bundle_folder(tmp_path)
