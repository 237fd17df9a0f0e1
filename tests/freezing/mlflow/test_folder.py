from __future__ import annotations

import json
from pathlib import Path

import pytest

from bedside.errors import FreezeRefused, LimitExceeded
from bedside.freezing.mlflow.folder import MAX_BYTES, read_folder
from bedside.freezing.mlflow.strict_yaml import read_yaml

MLMODEL = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
    sklearn_version: 1.9.1
mlflow_version: 3.17.2
model_uuid: 76358213c10d481291989fbb0aa985bf
run_id: 0123456789abcdef
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}]'
"""


def model(folder: Path, text: str = MLMODEL, *files: str) -> Path:
    (folder / "MLmodel").write_text(text)
    for name in ("model.skops", *files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a model")
    return folder


def test_flavour_file_identifiers_and_columns_are_told(tmp_path: Path) -> None:
    found = read_folder(model(tmp_path))
    assert (found.flavour, found.kind, found.path) == ("sklearn", "skops", tmp_path / "model.skops")
    assert found.columns == ("age",)
    assert found.told == {
        "flavour": "sklearn",
        "run_id": "0123456789abcdef",
        "model_uuid": "76358213c10d481291989fbb0aa985bf",
        "mlflow_version": "3.17.2",
        "serialization_format": "skops",
        "sklearn_version": "1.9.1",
    }


def test_a_pickled_flavour_is_told_as_what_it_is(tmp_path: Path) -> None:
    text = MLMODEL.replace("serialization_format: skops", "serialization_format: cloudpickle")
    assert read_folder(model(tmp_path, text)).kind == "estimator"
    torch = "flavors:\n  pytorch:\n    model_data: data\n    code: code\n"
    found = read_folder(model(tmp_path, torch, "data/model.pth", "code/net.py"))
    assert (found.kind, found.path.name, found.code) == ("torch", "model.pth", tmp_path / "code")


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(FreezeRefused) as caught:
        read_folder(model(folder, text))
    return str(caught.value)


@pytest.mark.parametrize(
    "path", ["../model.skops", "/etc/passwd", "a/../../b", "..\\model.skops", "a\\b", "[1]", "''"]
)
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "model.skops").write_bytes(b"somewhere else")
    message = refusal(inner, MLMODEL.replace("model.skops", path, 1))
    assert "leads out of its folder" in message or "as a file" in message


def test_a_link_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "model.skops").write_bytes(b"x")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text(MLMODEL.replace("model.skops", "sub/model.skops"))
    (folder / "sub").symlink_to(outside)
    with pytest.raises(FreezeRefused, match=r"is a link"):
        read_folder(folder)
    (folder / "MLmodel").unlink()
    (folder / "MLmodel").symlink_to(outside / "model.skops")
    with pytest.raises(FreezeRefused, match=r"MLmodel is a link"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("flavors:\n  xgboost: {data: model.ubj}\n", "its flavours are ['xgboost']"),
        ("run_id: x\n", "names no flavours"),
        ("- a\n- b\n", "holds no names"),
        ("a: &x 1\nb: *x\n", "it has an anchor"),
        ("a: !!python/object/apply:os.system [ls]\n", "it has a tag"),
        ("%YAML 1.1\n---\na: 1\n", "it has a directive"),
        ("a: 1\na: 2\n", "the name 'a' stands twice"),
        ("a: [\n", "cannot be read"),
        ("a: " + "[" * 50 + "]" * 50, "nested too deep"),
        (MLMODEL.replace("model.skops", "none.skops", 1), "is not there"),
        (MLMODEL.replace('[{"type"', "[[{"), "signature cannot be read"),
    ],
)
def test_what_mlflow_would_not_write_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text)


def test_a_gigantic_mlmodel_is_refused_before_it_is_read(tmp_path: Path) -> None:
    model(tmp_path)
    with (tmp_path / "MLmodel").open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(LimitExceeded, match=r"at most"):
        read_folder(tmp_path)


def test_a_folder_without_the_weights_of_its_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.pt2").write_bytes(b"")
    message = refusal(tmp_path, "flavors:\n  pytorch:\n    model_data: data\n")
    assert "its data holds ['model.pt2'], and no model.pth" in message


def test_plain_yaml_is_read_as_json_would_be() -> None:
    value = {"a": [1, 2.5, None, True, "x"], "b": {"c": "d"}}
    assert read_yaml(json.dumps(value)) == value
