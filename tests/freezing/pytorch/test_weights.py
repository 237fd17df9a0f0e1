from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bedside.errors import BedsideError, FreezeRefused, LimitExceeded, NotFound, UsageError
from bedside.freezing.pytorch import weights
from bedside.freezing.pytorch.weights import read_weights
from tests.freezing.pytorch.authors import equal, save_from
from tests.freezing.pytorch.networks import Perceptron, network

STATE = network(Perceptron).state_dict()


class TestAnyDevice:
    @pytest.mark.parametrize("legacy", [False, True], ids=["zipped", "legacy"])
    @pytest.mark.parametrize("device", ["cuda:0", "cuda:3", "mps", "xpu:1", "cuda"])
    def test_weights_saved_on_another_device_come_to_the_cpu(
        self, tmp_path: Path, device: str, legacy: bool
    ) -> None:
        path = tmp_path / "weights.pth"
        save_from(device, STATE, path, legacy=legacy)
        read = read_weights(path)
        assert equal(read.state, STATE)
        assert {one.device.type for one in read.state.values()} == {"cpu"}

    def test_without_mapping_such_a_file_does_not_load_here(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.pth"
        save_from("cuda:3", STATE, path)
        with pytest.raises(RuntimeError, match=r"CUDA"):
            torch.load(path, weights_only=True)

    def test_the_file_may_change_after_it_was_read(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.pth"
        torch.save(STATE, path)
        read = read_weights(path)
        with path.open("r+b") as file:
            file.write(b"\0" * path.stat().st_size)
        assert equal(read.state, STATE)


class TestWhatAFileHolds:
    def test_safetensors_whatever_the_name(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.pth"
        save_file(STATE, path)
        assert equal(read_weights(path).state, STATE)

    @pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net"])
    def test_a_checkpoint_gives_its_one_state_dict_and_says_so(
        self, tmp_path: Path, key: str
    ) -> None:
        path = tmp_path / "last.ckpt"
        torch.save({"epoch": 7, key: STATE, "optimizer": {"state": {}, "param_groups": []}}, path)
        read = read_weights(path)
        assert equal(read.state, STATE)
        (note,) = read.notes
        assert f"the weights under '{key}' were taken, and epoch, optimizer left aside" in note

    def test_several_state_dicts_are_not_chosen_between(self, tmp_path: Path) -> None:
        path = tmp_path / "last.ckpt"
        torch.save({"model": STATE, "ema": STATE}, path)
        with pytest.raises(FreezeRefused, match=r"several state dicts: model, ema.*\['model'\]"):
            read_weights(path)

    @pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {}, torch.zeros(2), "text"])
    def test_what_holds_no_weights(self, tmp_path: Path, content: object) -> None:
        path = tmp_path / "odd.pth"
        torch.save(content, path)
        with pytest.raises(FreezeRefused, match=r"holds .*torch\.save\(model\.state_dict"):
            read_weights(path)

    @pytest.mark.parametrize(
        ("start", "told"),
        [
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
            (b"<!DOCTYPE html>", "a web page"),
            (b"\x89HDF\r\n\x1a\n", "HDF5 file of Keras"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"", "begins with nothing"),
            (b"\x08\x07\x12\x07pytorch", "begins with 08 07 12"),
        ],
    )
    def test_other_files_are_told_apart(self, tmp_path: Path, start: bytes, told: str) -> None:
        path = tmp_path / "weights.pth"
        path.write_bytes(start)
        with pytest.raises(UsageError, match=told):
            read_weights(path)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match=r"none\.pth"):
            read_weights(tmp_path / "none.pth")


class TestCode:
    def test_a_whole_network_is_not_opened_and_the_names_are_told(self, tmp_path: Path) -> None:
        path = tmp_path / "model.pth"
        torch.save(network(Perceptron), path)
        with pytest.raises(FreezeRefused) as caught:
            read_weights(path)
        assert "tests.freezing.pytorch.networks.Perceptron" in caught.value.message
        assert "It was not opened" in caught.value.message
        assert "model.state_dict()" in caught.value.advice
        assert "--module file.py:Class" in caught.value.advice

    @pytest.mark.parametrize("legacy", [False, True], ids=["zipped", "legacy"])
    def test_a_stray_object_in_a_checkpoint_is_named(self, tmp_path: Path, legacy: bool) -> None:
        path = tmp_path / "last.ckpt"
        content = {"state_dict": STATE, "options": argparse.Namespace(lr=0.1)}
        torch.save(content, path, _use_new_zipfile_serialization=not legacy)
        with pytest.raises(FreezeRefused, match=r"argparse\.Namespace"):
            read_weights(path)
        assert equal(read_weights(path, i_made_this=True).state, STATE)

    def test_the_authors_own_whole_network_gives_its_weights(self, tmp_path: Path) -> None:
        path = tmp_path / "model.pth"
        torch.save(network(Perceptron), path)
        read = read_weights(path, i_made_this=True)
        assert isinstance(read.whole, Perceptron)
        assert equal(read.state, STATE)
        assert "opened as your own" in read.notes[0]

    @pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
    @pytest.mark.filterwarnings("ignore:.torch.jit.save. is deprecated")
    def test_torchscript_is_a_program(self, tmp_path: Path) -> None:
        path = tmp_path / "script.pt"
        own = nn.Sequential(nn.Linear(4, 2), nn.ReLU())
        torch.jit.save(torch.jit.script(own), path)
        with pytest.raises(FreezeRefused, match=r"is TorchScript: a program.*--module"):
            read_weights(path)
        assert equal(read_weights(path, i_made_this=True).state, own.state_dict())

    def test_an_exported_program_is_no_weights(self, tmp_path: Path) -> None:
        path = tmp_path / "graph.pt2"
        own = nn.Linear(4, 2)
        torch.export.save(torch.export.export(own, (torch.zeros(2, 4),)), path)
        with pytest.raises(FreezeRefused, match=r"torch\.export\.save.*--module"):
            read_weights(path)


class TestDamage:
    @pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
    def test_a_file_cut_short(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"weights{suffix}"
        (torch.save if suffix == ".pth" else save_file)(STATE, path)
        data = path.read_bytes()
        for length in (len(data) // 2, len(data) - 50, 100):
            path.write_bytes(data[:length])
            with pytest.raises(BedsideError, match="damaged"):
                read_weights(path)

    def test_a_compressed_entry_is_refused_before_it_is_unpacked(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.pth"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bomb/data.pkl", b"\0" * 50_000_000)
        with pytest.raises(FreezeRefused, match="compressed entry"):
            read_weights(path)

    def test_a_description_without_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "long.pth"
        torch.save(STATE, path)
        monkeypatch.setattr(weights, "MAX_PICKLE", 100)
        with pytest.raises(LimitExceeded, match="at most 100"):
            read_weights(path)

    def test_a_tensor_larger_than_its_storage(self, tmp_path: Path) -> None:
        path = tmp_path / "spread.pth"
        torch.save({"weight": torch.zeros(1).expand(10**12)}, path)
        with pytest.raises(FreezeRefused, match="'weight' is sparse, or larger than"):
            read_weights(path)

    def test_one_storage_named_too_often(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(weights, "MAX_BYTES", 1000)
        path = tmp_path / "many.pth"
        one = torch.zeros(10)
        torch.save({str(number): one for number in range(50)}, path)
        with pytest.raises(LimitExceeded, match="The weights take"):
            read_weights(path)
