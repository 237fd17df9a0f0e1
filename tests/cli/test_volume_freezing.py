from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli
from tests.freezing.meshnet.folders import PLAIN, folder_of
from tests.freezing.volumes.test_draft import answered


class TestFreezingAMeshNet:
    def test_goes_from_its_folder_to_a_draft_to_a_package(self, cli: Cli, tmp_path: Path) -> None:
        folder = folder_of(PLAIN, side=32).write(tmp_path / "tiny-tissue")
        spec, key, out = (tmp_path / name for name in ("spec.toml", "key.pem", "x.bedside"))
        drafted = cli("freeze", "--meshnet", folder, "--init", "-o", spec)
        assert drafted.code == 0, drafted.err
        assert "read every line marked # PROPOSED" in drafted.out
        text = answered(spec.read_text("utf-8"))
        text = text.replace("side = 256", "side = 32").replace("spacing = 1.0", "spacing = 8.0", 1)
        for name in ("white", "grey"):
            text = text.replace('label = "brain"', f'label = "{name}"', 1)
        spec.write_text(text, "utf-8")
        assert cli("keys", "new", key).code == 0
        made = cli("freeze", "--meshnet", folder, "--spec", spec, "--key", key, "-o", out, "--json")
        assert made.code == 0, made.err
        assert made.json["ref"] == "tiny-tissue@1.0.0"
        assert [one["what"] for one in made.json["compared"]] == [
            "layer one",
            "layer two",
            "layer output",
        ]
        verified = cli("verify", out, "--trust", key.with_suffix(".pub"))
        assert verified.code == 0, verified.err

    def test_says_how_to_begin_where_nothing_is_stated(self, cli: Cli, tmp_path: Path) -> None:
        answer = cli("freeze", "--meshnet", tmp_path, "-o", tmp_path / "x.bedside")
        assert answer.code != 0
        assert f"bedside freeze --meshnet {tmp_path} --init" in answer.err

    def test_refuses_a_folder_of_something_else(self, cli: Cli, tmp_path: Path) -> None:
        answer = cli("freeze", "--meshnet", tmp_path, "--init", "-o", tmp_path / "spec.toml")
        assert answer.code == 1
        assert "no model.json" in answer.err

    def test_never_writes_a_draft_over_a_file(self, cli: Cli, tmp_path: Path) -> None:
        folder = folder_of(PLAIN).write(tmp_path / "tiny")
        (tmp_path / "spec.toml").write_text("mine")
        answer = cli("freeze", "--meshnet", folder, "--init", "-o", tmp_path / "spec.toml")
        assert answer.code == 1
        assert (tmp_path / "spec.toml").read_text() == "mine"
