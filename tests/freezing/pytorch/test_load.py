from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.pytorch.load import load_module
from bedside.freezing.pytorch.module import LoadedModule
from bedside.freezing.pytorch.source import translate_module
from tests.freezing.pytorch.authors import NET, equal, save_from, trained, write_class
from tests.freezing.pytorch.networks import rows


def load(folder: Path, state: object, **arguments: int) -> LoadedModule:
    """Return the author's class with `state`, saved to a file."""
    torch.save(state, folder / "weights.pth")
    return load_module(f"{folder / 'net.py'}:Net", arguments, folder / "weights.pth")


def test_a_file_from_a_gpu_becomes_a_network_that_can_be_frozen(tmp_path: Path) -> None:
    own = trained(tmp_path)
    save_from("cuda:3", own.state_dict(), tmp_path / "pneumonia.pth")
    loaded = load_module(f"{tmp_path / 'net.py'}:Net", {}, tmp_path / "pneumonia.pth")
    assert loaded.name == "net.Net"
    assert equal(loaded.module.state_dict(), own.state_dict())
    model = translate_module(loaded, rows(4, 1, 16, 16))
    assert model.network.columns == 2
    assert model.notes == (), "a class just constructed is in training mode; nobody forgot eval()"
    assert model.native.algorithm == "torch.nn.Module net.Net"


def test_arguments_are_those_of_the_class(tmp_path: Path) -> None:
    trained(tmp_path)
    state = load_state(tmp_path, classes=5)
    loaded = load(tmp_path, state, classes=5)
    assert loaded.arguments == {"classes": 5}
    with pytest.raises(
        UsageError, match=r"net\.Net\(classes=2, channels=1\) does not take.*'clases'"
    ):
        load(tmp_path, state, clases=5)


def load_state(folder: Path, **arguments: int) -> dict[str, torch.Tensor]:
    from tests.freezing.pytorch.authors import author_module  # noqa: PLC0415

    state: dict[str, torch.Tensor] = author_module(folder).Net(**arguments).state_dict()
    return state


class TestNames:
    @pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module.model."])
    def test_a_prefix_is_taken_off_and_said(self, tmp_path: Path, prefix: str) -> None:
        state = trained(tmp_path).state_dict()
        loaded = load(tmp_path, {prefix + key: one for key, one in state.items()})
        assert equal(loaded.module.state_dict(), state)
        (note,) = loaded.notes
        assert f"named '{prefix}…'" in note
        assert "taken off" in note

    def test_what_lies_outside_the_prefix_is_said_to_be_left_aside(self, tmp_path: Path) -> None:
        state = trained(tmp_path).state_dict()
        lightning = {f"model.{key}": one for key, one in state.items()}
        content = {"state_dict": {**lightning, "loss.weight": torch.ones(2)}, "epoch": 3}
        loaded = load(tmp_path, content)
        assert any("loss.weight" in note and "left aside" in note for note in loaded.notes)

    def test_missing_unexpected_and_misshapen_weights_are_each_listed(self, tmp_path: Path) -> None:
        state = dict(trained(tmp_path).state_dict())
        state["head.weight"] = state.pop("fc.bias")
        state["fc.weight"] = torch.zeros(1000, 4)
        with pytest.raises(FreezeRefused) as caught:
            load(tmp_path, state)
        assert "1 weights of the class are not in the file (fc.bias)" in caught.value.message
        assert "1 in the file are not of the class (head.weight)" in caught.value.message
        assert "'fc.weight' is 1000 × 4 in the file and 2 × 4 in the class" in caught.value.message
        assert "as they were in training" in caught.value.advice

    def test_another_shape_alone_points_to_the_arguments(self, tmp_path: Path) -> None:
        trained(tmp_path)
        with pytest.raises(FreezeRefused, match=r"another shape: .*\[network\.arguments\]"):
            load(tmp_path, load_state(tmp_path, classes=14))

    def test_nothing_is_left_to_chance(self, tmp_path: Path) -> None:
        state = dict(trained(tmp_path).state_dict())
        del state["fc.bias"]
        with pytest.raises(FreezeRefused, match="not in the file"):
            load(tmp_path, state)

    def test_one_weight_too_many_is_listed(self, tmp_path: Path) -> None:
        state = {**trained(tmp_path).state_dict(), "aux.weight": torch.zeros(2)}
        with pytest.raises(
            FreezeRefused, match=r"1 in the file are not of the class \(aux\.weight\)"
        ):
            load(tmp_path, state)

    def test_an_old_files_missing_counter_is_no_loss(self, tmp_path: Path) -> None:
        state = dict(trained(tmp_path).state_dict())
        del state["norm.num_batches_tracked"]
        loaded = load(tmp_path, state)
        assert any("evaluation never reads it" in note for note in loaded.notes)

    def test_weights_that_are_no_numbers_are_named(self, tmp_path: Path) -> None:
        state = trained(tmp_path).state_dict()
        state["fc.weight"][0, 0] = torch.inf
        with pytest.raises(
            FreezeRefused, match=r"net\.Net are NaN or infinite: 'fc\.weight' \(1 of 8\)"
        ):
            load(tmp_path, state)

    def test_the_files_precision_is_kept_until_it_is_converted_openly(self, tmp_path: Path) -> None:
        state = {key: one.half() for key, one in trained(tmp_path).state_dict().items()}
        loaded = load(tmp_path, state)
        assert loaded.module.get_parameter("fc.weight").dtype == torch.float16
        model = translate_module(loaded, rows(4, 1, 16, 16))
        assert any("float16" in note and "at most" in note for note in model.notes)


class TestTheClass:
    def refused(self, folder: Path, text: str, name: str = "Net") -> FreezeRefused:
        state = trained(folder).state_dict()
        torch.save(state, folder / "weights.pth")
        write_class(folder, text)
        with pytest.raises(FreezeRefused) as caught:
            load_module(f"{folder / 'net.py'}:{name}", {}, folder / "weights.pth")
        assert str(folder) not in caught.value.message
        return caught.value

    def test_a_class_that_is_not_there_is_told_with_those_that_are(self, tmp_path: Path) -> None:
        told = self.refused(tmp_path, NET, "Resnet")
        assert "'Resnet' is not there in net.py; it has the networks ['Net']" in told.message
        assert told.advice == "Write --module net.py:Net."

    def test_something_else_of_that_name(self, tmp_path: Path) -> None:
        told = self.refused(tmp_path, NET + "\n\nclass Data:\n    pass\n", "Data")
        assert "'Data' is no torch.nn.Module in net.py" in told.message

    def test_a_function_that_returns_the_network_will_do(self, tmp_path: Path) -> None:
        trained(tmp_path)
        torch.save(load_state(tmp_path, classes=3), tmp_path / "weights.pth")
        loaded = load_module(f"{tmp_path / 'net.py'}:small", {}, tmp_path / "weights.pth")
        assert loaded.name == "net.small"

    @pytest.mark.parametrize(
        ("text", "said", "way"),
        [
            ("import not_installed\n", "not_installed'", "Install 'not_installed' here"),
            ("x = 1 +\n", "SyntaxError", "Correct the file"),
            ("%matplotlib inline\n", "SyntaxError", "% or !"),
            ("import sys\nsys.exit(3)\n", "SystemExit", "__name__ == '__main__'"),
            ("1 / 0\n", "ZeroDivisionError: division by zero, at net.py, line 1", "by itself"),
            ("import torch\ntorch.zeros(1).cuda()\n", "at net.py, line 2", "runs on the CPU"),
            ("open('/data/classes.txt')\n", "'classes.txt'", "whole path"),
        ],
    )
    def test_a_file_that_fails_is_told_with_its_line(
        self, tmp_path: Path, text: str, said: str, way: str
    ) -> None:
        told = self.refused(tmp_path, text + NET)
        assert "net.py cannot be imported" in told.message
        assert said in told.message
        assert way in told.advice

    def test_a_constructor_that_fails_is_told_with_its_line(self, tmp_path: Path) -> None:
        told = self.refused(tmp_path, NET.replace("Block(channels)", "Block(channels / 0)"))
        assert "net.Net cannot be constructed: ZeroDivisionError" in told.message
        assert "at net.py, line 11, in __init__: self.block = Block(channels / 0)" in told.message

    def test_what_it_makes_must_be_a_network(self, tmp_path: Path) -> None:
        told = self.refused(tmp_path, NET + "\n\ndef make():\n    return 1\n", "make")
        assert "net.make gives a int, not a torch.nn.Module" in told.message

    @pytest.mark.parametrize("spec", ["net.py", "Net", "net.txt:Net", "net.py:a b", ""])
    def test_another_form_is_told_how_to_write_it(self, tmp_path: Path, spec: str) -> None:
        with pytest.raises(UsageError, match=r"net\.py:Net"):
            load_module(spec, {}, tmp_path / "weights.pth")

    def test_a_notebook_is_told_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"is a notebook\. Copy the cell"):
            load_module(str(tmp_path / "train.ipynb") + ":Net", {}, tmp_path / "weights.pth")

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match=r"no file 'net\.py'"):
            load_module(f"{tmp_path / 'net.py'}:Net", {}, tmp_path / "weights.pth")

    def test_what_lies_beside_the_file_hides_nothing_of_ours(self, tmp_path: Path) -> None:
        state = trained(tmp_path).state_dict()
        (tmp_path / "onnx.py").write_text("raise RuntimeError('the wrong one')", encoding="utf-8")
        load(tmp_path, state)
        assert sys.path[-1] == str(tmp_path)
        assert sys.path[0] != str(tmp_path)

    def test_a_file_in_a_package_may_import_its_neighbours(self, tmp_path: Path) -> None:
        folder = tmp_path / "chestnets"
        folder.mkdir()
        state = trained(folder).state_dict()
        (folder / "__init__.py").touch()
        write_class(folder, NET.replace("from blocks", "from .blocks"))
        torch.save(state, tmp_path / "weights.pth")
        loaded = load_module(f"{folder / 'net.py'}:Net", {}, tmp_path / "weights.pth")
        assert equal(loaded.module.state_dict(), state)


def test_weights_alone_are_no_network(tmp_path: Path) -> None:
    torch.save(trained(tmp_path).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(UsageError, match=r"holds weights.*--module net\.py:Net"):
        load_module(None, {}, tmp_path / "weights.pth")


def test_the_authors_own_whole_network_needs_no_class(tmp_path: Path) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Linear(4, 2)), tmp_path / "model.pth")
    loaded = load_module(None, {}, tmp_path / "model.pth", i_made_this=True)
    assert loaded.name == "torch.nn.modules.container.Sequential"


def test_only_the_child_process_may_run_an_authors_code() -> None:
    import bedside  # noqa: PLC0415

    source = Path(bedside.__file__).parent
    may = {"author_code.py", "load.py"}
    runs = ("pytorch.load import", "pytorch.author_code import", "pytorch import load")
    users = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if path.name not in may and any(one in path.read_text(encoding="utf-8") for one in runs)
    }
    assert users <= {"freezing/isolated_child.py"}
