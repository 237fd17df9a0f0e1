from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from threading import Thread
from types import MappingProxyType

import pytest

from bedside.canonical import digest
from bedside.lab import tasks
from tests.cli.conftest import Cli
from tests.lab.training.tiny import TASKS


@pytest.fixture(autouse=True)
def _tiny_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "TASKS", MappingProxyType(TASKS))


def test_a_task_is_trained_and_leaves_weights_curves_and_a_record(cli: Cli, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("steps=4", "network.width=3", "betas=[0.9,0.99]", "validate_every=2", "warmup=1")
    told = cli.json("lab", "train", "balls", *words, "--out", run)
    assert (told["task"], told["end"], told["step"]) == ("balls", "steps", 4)
    assert told["best_step"] in {2, 4}
    record = (run / "run-record.json").read_bytes()
    assert digest(record) == told["record"]
    kept = json.loads(record)
    assert kept["settings"]["network"] == {"dropout": 0.2, "width": 3}
    assert kept["settings"]["betas"] == [0.9, 0.99]
    assert kept["data"][0]["name"] == "Balls"
    assert [line["step"] for line in kept["validations"]] == [2, 4]
    (session,) = kept["sessions"]
    assert session["code"]["source"].startswith("sha256:")
    assert session["environment"]["libraries"]["torch"]
    assert kept["weights"] == {
        name: digest((run / name).read_bytes())
        for name in ("best.safetensors", "final.safetensors")
    }
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_is_gone_on_with(cli: Cli, tmp_path: Path) -> None:
    run = tmp_path / "run"
    cli.done("lab", "train", "rows", "minutes=1e-9", "--out", run)
    told = cli.json("lab", "train", "--resume", run, "minutes=0")
    assert told["end"] == "steps"
    assert len(json.loads((run / "run-record.json").read_bytes())["sessions"]) == 2
    answer = cli("lab", "train", "--resume", run, "lr=1")
    assert answer.code == 2
    assert "lr was 0.3 when this run began" in answer.err


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("lrr=1", "There is no setting 'lrr'"),
        ("network.widht=1", "network.width"),
        ("network=1", "'network' is a group"),
        ("lr=fast", "lr is 'fast'"),
        ("steps=1.5", "steps is 1.5"),
        ("device=tpu", "device is 'tpu'"),
        ("seed", "'seed' sets nothing"),
        ("betas=[1,1]", "must be below 1"),
    ],
)
def test_what_cannot_be_set_is_named_with_what_can(
    cli: Cli, tmp_path: Path, word: str, said: str
) -> None:
    answer = cli("lab", "train", "balls", word, "--out", tmp_path / "run")
    assert answer.code == 2
    assert said in answer.err
    assert not (tmp_path / "run").exists()


def test_settings_come_from_a_file_too_and_words_go_before_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("steps = 2\nlr = 0.5\n\n[network]\nwidth = 2\n")
    run = tmp_path / "run"
    cli.done("lab", "train", "balls", "steps=1", "--config", file, "--out", run)
    kept = json.loads((run / "settings.json").read_bytes())["settings"]
    assert (kept["steps"], kept["lr"], kept["network"]["width"]) == (1, 0.5, 2)
    file.write_text("[network]\nwidht = 2\n")
    answer = cli("lab", "train", "balls", "--config", file, "--out", tmp_path / "other")
    assert "There is no setting 'network.widht'" in answer.err


def test_the_tasks_and_their_settings_are_listed(cli: Cli) -> None:
    assert "Finds a bright ball." in cli.done("lab", "tasks")
    told = {one["name"]: one for one in cli.json("lab", "tasks", "balls")}
    assert told["network.width"]["default"] == 4
    assert told["precision"]["is"] == '"float32" or "bfloat16" or "float16"'
    answer = cli("lab", "train", "cubes", "--out", "nowhere")
    assert answer.code == 2
    assert "There are: balls, rows" in answer.err


def test_a_run_inside_a_work_tree_is_refused(cli: Cli, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    answer = cli("lab", "train", "rows", "--out", tmp_path / "run")
    assert answer.code == 2
    assert "would make dirty" in answer.err
    (tmp_path / ".gitignore").write_text("run/\n")
    cli.done("lab", "train", "rows", "steps=1", "--out", tmp_path / "run")


@pytest.mark.parametrize(
    "words", [(), ("balls",), ("--resume", "run", "--out", "run"), ("a", "b", "--key", "key.pem")]
)
def test_half_an_order_is_wrong_usage(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("lab", "train", *words).code == 2


def test_sigterm_leaves_a_checkpoint_and_the_run_can_go_on(cli: Cli, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def terminate() -> None:
        while not (run / "log.jsonl").exists() or not (run / "log.jsonl").read_bytes():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=terminate, daemon=True).start()
    before = signal.getsignal(signal.SIGTERM)
    answer = cli("lab", "train", "rows", "steps=100000", "log_every=1", "--out", run)
    assert signal.getsignal(signal.SIGTERM) is before
    assert answer.code == 0
    assert "Stopping after this step" in answer.err
    assert "It can go on: bedside lab train --resume" in answer.out
    assert list(run.glob("checkpoint-*.json"))


def test_a_data_set_is_listed_by_pseudonyms_or_as_it_is(cli: Cli, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "4711.nii.gz").write_bytes(b"a scan")
    about = ("--name", "Scans", "--licence", "CC0", "--consent", "nobody's", "--origin", "made up")
    words = ("lab", "dataset", scans, "-o", tmp_path / "set.json", *about)
    assert cli(*words).code == 2
    told = cli.json(*words, "--pseudonyms", tmp_path / "key", "--role", "labels")
    assert (told["cases"], told["patients"]) == (1, 1)
    (case,) = json.loads((tmp_path / "set.json").read_bytes())["cases"]
    assert case["patient"].startswith("p-")
    assert list(case["files"]) == ["labels"]
    cli.done(*words, "--as-they-are")
    (case,) = json.loads((tmp_path / "set.json").read_bytes())["cases"]
    assert case["patient"] == "4711"
