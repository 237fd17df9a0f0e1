from __future__ import annotations

import json
from pathlib import Path

import joblib
import pytest
import torch
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from tests.cli.conftest import Cli, Laboratory

SPEC = """
name = "wine"
version = "1.0.0"
title = { en = "Which cultivar" }
licence = "Apache-2.0"
intended_use = { en = "To test freezing from a file." }
not_for = { en = "Anything else." }
claim_level = "demonstration"
native_classes = [0, 1, 2]

[[fields]]
kind = "number"
name = "alcohol"
unit = "%"
minimum = 5
maximum = 20

[[fields]]
kind = "number"
name = "hue"
unit = "1"
minimum = 0
maximum = 3

[output]
kind = "multiclass"
classes = [{ label = "first" }, { label = "second" }, { label = "third" }]

[origin]
trained_by = "a test"
trained_at = 2026-11-21T08:00:00Z
code = "tests/cli/test_freezing.py"
split = "none"
[[origin.data]]
name = "wine"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
rows = 178
licence = "CC BY 4.0"
consent_basis = "no persons"
origin = "UCI, as scikit-learn carries it"

[evaluation.data]
name = "wine"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
rows = 178
licence = "CC BY 4.0"
consent_basis = "no persons"
origin = "UCI, as scikit-learn carries it"
[[evaluation.metrics]]
name = "accuracy"
value = 0.8
lower = 0.7
upper = 0.9
confidence = 0.95
method = "Wilson score"
n = 178
"""


@pytest.fixture
def author(tmp_path: Path) -> dict[str, Path]:
    """What an author has on disk: model, spec, data, and where the package shall go."""
    wine = load_wine(as_frame=True)
    rows = wine.data[["alcohol", "hue"]]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, wine.target)
    joblib.dump(model, tmp_path / "model.joblib")
    (tmp_path / "spec.toml").write_text(SPEC)
    rows.to_csv(tmp_path / "data.csv", index=False)
    names = {"model": "model.joblib", "spec": "spec.toml", "data": "data.csv", "out": "w.bedside"}
    return {name: tmp_path / file for name, file in names.items()}


def words(author: dict[str, Path], laboratory: Laboratory) -> tuple[str | Path, ...]:
    given = ("--spec", author["spec"], "--data", author["data"], "--key", laboratory.secret)
    return ("freeze", author["model"], *given, "-o", author["out"])


def test_an_authors_own_file_becomes_a_signed_package(
    cli: Cli, laboratory: Laboratory, author: dict[str, Path]
) -> None:
    shown = cli.done(*words(author, laboratory), "--i-made-this")
    assert "wine@1.0.0" in shown
    assert "largest difference" in shown
    assert f"bedside verify {author['out']}" in shown
    cli.done("verify", author["out"], "--trust", laboratory.public)
    row = json.dumps({"alcohol": 13.2, "hue": 1.0})
    [answer] = cli.json("predict", author["out"], "-", stdin=row)["predictions"]
    assert answer["label"] in {"first", "second", "third"}


def test_a_pickle_is_not_read_unless_the_author_says_that_it_is_theirs(
    cli: Cli, laboratory: Laboratory, author: dict[str, Path]
) -> None:
    answer = cli(*words(author, laboratory))
    assert answer.code == 1
    assert "Reading it would run what its writer put in" in answer.err
    assert "sklearn" in answer.err
    assert "--i-made-this" in answer.err
    assert not author["out"].exists()


def test_a_spec_that_lacks_an_answer_names_it(
    cli: Cli, laboratory: Laboratory, author: dict[str, Path]
) -> None:
    author["spec"].write_text(SPEC.replace('licence = "Apache-2.0"\n', "", 1))
    answer = cli(*words(author, laboratory), "--i-made-this")
    assert answer.code == 2
    assert "licence is missing" in answer.err


def test_data_outside_the_declared_domain_is_refused(
    cli: Cli, laboratory: Laboratory, author: dict[str, Path]
) -> None:
    author["spec"].write_text(SPEC.replace("maximum = 20", "maximum = 12"))
    answer = cli(*words(author, laboratory), "--i-made-this", "--json")
    assert answer.code == 1
    assert answer.json["error"]["kind"] == "FreezeRefused"
    assert "Your own data lies outside the declared domain" in answer.err


NETWORK = """
[network]
gives = "logits"

[[preprocessing]]
op = "select_numbers"
fields = ["alcohol", "hue"]
output = "raw"

[[preprocessing]]
op = "standardise"
input = "raw"
centre = [13.0, 1.0]
scale = [0.8, 0.2]
output = "scaled"

[output]"""

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes, hidden=2):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, classes))

    def forward(self, x):
        return self.layers(x)
"""


@pytest.fixture
def network(author: dict[str, Path]) -> dict[str, Path]:
    """The same author with a network: a state dict and the file of its class."""

    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))
    folder = author["out"].parent
    weights = {f"layers.{name}": value for name, value in layers.state_dict().items()}
    torch.save(weights, folder / "weights.pth")
    (folder / "net.py").write_text(NET)
    spec = SPEC.replace("native_classes = [0, 1, 2]\n", "").replace("\n[output]", NETWORK)
    author["spec"].write_text(spec)
    return {**author, "model": folder / "weights.pth", "module": folder / "net.py"}


def test_weights_and_a_class_with_its_arguments_become_a_signed_package(
    cli: Cli, laboratory: Laboratory, network: dict[str, Path]
) -> None:
    module = ("--module", f"{network['module']}:Net", "--arg", "classes=3", "--arg", "hidden=6")
    made = cli.json(*words(network, laboratory), *module)
    assert made["difference"]["largest"] < 1e-5
    assert [one["what"] for one in made["compared"]][-2:] == ["random tensors", "golden cases"]
    cli.done("verify", network["out"], "--trust", laboratory.public)


def test_a_class_without_its_arguments_is_told_what_they_are(
    cli: Cli, laboratory: Laboratory, network: dict[str, Path]
) -> None:
    answer = cli(*words(network, laboratory), "--module", f"{network['module']}:Net")
    assert answer.code == 2
    assert "does not take the arguments {}" in answer.err
    answer = cli(*words(network, laboratory), "--module", "net.py:Net", "--arg", "classes")
    assert answer.code == 2
    assert "--arg 'classes' is no NAME=VALUE" in answer.err


def test_weights_without_a_class_are_told_how_to_name_it(
    cli: Cli, laboratory: Laboratory, network: dict[str, Path]
) -> None:
    answer = cli(*words(network, laboratory))
    assert answer.code == 2
    assert "--module net.py:Net" in answer.err


def test_a_draft_is_written_from_model_and_data_and_freezes_nothing_until_it_is_answered(
    cli: Cli, laboratory: Laboratory, author: dict[str, Path]
) -> None:
    draft = author["out"].with_name("draft.toml")
    init = ("freeze", author["model"], "--init", "--data", author["data"], "--i-made-this")
    shown = cli.done(*init, "-o", draft)
    assert "remove the line `draft = true`" in shown
    text = draft.read_text(encoding="utf-8")
    assert 'name = "alcohol"' in text
    assert "native_classes = [0, 1, 2]" in text
    answer = cli(*words({**author, "spec": draft}, laboratory), "--i-made-this")
    assert answer.code == 2
    assert "The spec is a draft" in answer.err
    again = cli(*init, "-o", draft)
    assert again.code == 1
    assert "is there already" in again.err


def test_freezing_without_a_spec_says_how_to_begin(cli: Cli, author: dict[str, Path]) -> None:
    answer = cli("freeze", author["model"], "-o", author["out"])
    assert answer.code == 2
    assert "--init --data DATA -o spec.toml" in answer.err
