from __future__ import annotations

from pathlib import Path

import pytest

from bedside.cli.strangers import SUFFIXES
from bedside.freezing.strangers.inspecting import SUFFIXES as PICKLES
from bedside.runtime.memory import MAX_MEMORY
from bedside.runtime.onnx_limits import MAX_ELEMENTS, MAX_NODES
from bedside.runtime.onnx_wire import MAX_PARTS, MAX_SUBGRAPHS_DEEP
from tests.cli.conftest import Cli
from tests.hostile.pickles import CALL, STATE_DICT, torch_archive
from tests.package.building import network

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "strangers-files.md"


def test_a_pickle_is_shown_and_not_run(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gift.pkl").write_bytes(CALL)
    answer = cli("inspect", "gift.pkl")
    assert answer.code == 1
    assert "✗ holds code" in answer.out
    assert "GLOBAL 1, REDUCE 1" in answer.out
    assert "os.system" in answer.out
    assert "Refused: 'gift.pkl' is a pickle that holds code: it imports os.system" in answer.err
    assert "Do not load it." in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["gift.pkl"]


def test_the_page_shows_what_the_command_says(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "gift.pkl").write_bytes(CALL)
    answer = cli("inspect", tmp_path / "gift.pkl")
    said = [" ".join(line.split()) for line in (answer.out + answer.err).splitlines()]
    shown = PAGE.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    lines = [" ".join(line.split()) for line in shown.splitlines() if line.strip("─ ")]
    assert len(lines) == 7
    for line in lines:
        assert line in said


def test_the_page_names_the_limits_that_hold() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for number in (MAX_ELEMENTS, MAX_NODES, MAX_PARTS):
        assert f"{number:,}" in page
    for words in (f"{MAX_SUBGRAPHS_DEEP} graphs", f"{MAX_MEMORY // 2**30} GiB"):
        assert words in page


def test_weights_are_shown_and_fine(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(torch_archive(STATE_DICT))
    shown = cli.done("inspect", tmp_path / "w.pth")
    assert "w.pth   PyTorch archive" in shown
    assert "✓ holds weights only" in shown


def test_as_json_it_says_what_is_imported_and_refuses(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "gift.joblib").write_bytes(CALL)
    answer = cli("inspect", tmp_path / "gift.joblib", "--json")
    assert answer.code == 1
    assert answer.json["imports"][0]["name"] == "os.system"
    assert answer.json["holds_code"] is True
    assert answer.json["error"]["kind"] == "FreezeRefused"


def test_a_network_is_shown_with_its_operator_sets(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(network().SerializeToString())
    assert "operator sets  ai.onnx 18" in cli.done("inspect", tmp_path / "m.onnx")
    assert cli.json("inspect", tmp_path / "m.onnx")["opset"] == {"ai.onnx": 18}
    (tmp_path / "m.onnx").write_bytes(b"\x3a\xff")
    assert "not readable ONNX" in cli.refused("inspect", tmp_path / "m.onnx")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_is_named(cli: Cli, suffix: str) -> None:
    assert f"nothing{suffix}" in cli.refused("inspect", f"nothing{suffix}")


def test_every_file_that_holds_pickles_is_inspected() -> None:
    assert set(PICKLES) < set(SUFFIXES)


def test_names_of_a_stranger_cannot_command_the_terminal(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "gift.pkl").write_bytes(b"cos\x1b[2J\nsystem\n.")
    answer = cli("inspect", tmp_path / "gift.pkl")
    assert "\x1b" not in answer.out + answer.err
    assert "os\\x1b[2J.system" in answer.out
