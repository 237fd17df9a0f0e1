"""Equal inputs give equal packages, byte for byte, whoever freezes them and wherever."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import onnx
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from bedside.keys.signing import SigningKey
from tests.freezing.building import answers, clinic, outcome
from tests.freezing.films import film_answers, folder, spot_network
from tests.freezing.test_freeze import ALL, clinic_pipeline
from tests.freezing.toml import written

SCRIPT = """
import json, os, socket, sys, time
from pathlib import Path
from bedside.canonical import digest
from bedside.freezing.isolated import freeze_file
from bedside.freezing.model_file import ModelFile

inputs = Path(sys.argv[1])
key = inputs / "key.pem"
files = {
    "forest": (ModelFile(inputs / "forest.joblib", i_made_this=True), "table.toml", "rows.csv"),
    "network": (ModelFile(inputs / "w.pth", module=f"{inputs / 'net.py'}:Net"), "films.toml", "films"),
    "graph": (ModelFile(inputs / "graph.onnx"), "films.toml", "films"),
}
made = {
    name: digest(freeze_file(file, inputs / spec, inputs / data, key=key).archive)
    for name, (file, spec, data) in files.items()
}
place = [os.environ["USER"], socket.gethostname(), time.tzname[0], os.environ["HOME"], hash("a")]
print(json.dumps([place, made]))
"""

NET = """
from torch import nn

def Net():
    layers = (nn.Conv2d(1, 2, 5, padding=2, bias=False), nn.BatchNorm2d(2), nn.ReLU())
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(2, 1))
"""


def make_inputs(inputs: Path) -> None:
    """Write models, specs, data and a key; every machine gets a copy of these."""
    frame = clinic()
    model = clinic_pipeline(RandomForestClassifier(5, random_state=0)).fit(frame, outcome(frame))
    joblib.dump(model, inputs / "forest.joblib")
    frame.to_csv(inputs / "rows.csv", index=False)
    (inputs / "table.toml").write_text(written(answers(*ALL)), encoding="utf-8")
    (inputs / "films.toml").write_text(written(film_answers()), encoding="utf-8")
    folder(inputs / "films")
    (inputs / "net.py").write_text(NET)
    network = spot_network()
    torch.save(network.state_dict(), inputs / "w.pth")
    made = torch.onnx.export(network, (torch.zeros(1, 1, 32, 32),), verbose=False)
    assert made is not None
    onnx.save(made.model_proto, inputs / "graph.onnx")
    SigningKey.new().save(inputs / "key.pem")


def machine(inputs: Path, folder: Path, **environment: str) -> tuple[list[object], dict[str, str]]:
    """Freeze everything in another place, under another name, zone, language and hash seed."""
    own = shutil.copytree(inputs, folder / "inputs")
    home = folder / "home"
    home.mkdir()
    command = [sys.executable, "-c", SCRIPT, str(own)]
    apart = ["unshare", "--uts", "--map-root-user"]
    if shutil.which(apart[0]) and not subprocess.run([*apart, "true"], check=False).returncode:
        command = [*apart, "sh", "-c", 'hostname "$0"; exec "$@"', folder.name, *command]
    told = {"PATH": os.environ["PATH"], "HOME": str(home), "SOURCE_DATE_EPOCH": "1700000000"}
    told["OMP_WAIT_POLICY"] = "passive"  # the other core is another test's
    done = subprocess.run(
        command, cwd=home, env={**told, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    place, made = json.loads(done.stdout.splitlines()[-1])
    return place, made


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_machines_make_byte_equal_packages_of_equal_inputs(tmp_path: Path) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    make_inputs(inputs)
    (tmp_path / "one").mkdir()
    (tmp_path / "another").mkdir()
    here = machine(
        inputs, tmp_path / "one", TZ="UTC", LANG="C.UTF-8", PYTHONHASHSEED="1", USER="smith"
    )
    there = machine(
        inputs,
        tmp_path / "another",
        TZ="Asia/Tokyo",
        LANG="ja_JP.UTF-8",
        PYTHONHASHSEED="77",
        USER="tanaka",
    )
    assert here[0] != there[0]
    assert here[1] == there[1]
    assert len(set(here[1].values())) == 3
