from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from bedside.errors import FreezeRefused, LimitExceeded, NotFound
from bedside.freezing.meshnet.reading import MOST_LIST_BYTES, read_meshnet
from tests.freezing.meshnet.folders import PLAIN, TINY, Asked, Folder, folder_of

Change = Callable[[Folder], object]


class TestAFolder:
    def test_is_read_with_everything_that_decides_an_answer(self, tmp_path: Path) -> None:
        net = read_meshnet(folder_of(TINY, shape=(16, 24, 32)).write(tmp_path))
        assert net.shape == (16, 24, 32)
        assert [one.name for one in net.layers] == ["first_gn", "second_gn", "output"]
        assert [one.normalised for one in net.layers] == [True, True, False]
        assert [one.activation for one in net.layers] == ["gelu", "gelu", "linear"]
        assert net.layers[0].dilation == (2, 2, 2)
        assert net.layers[0].kernel.shape == (3, 3, 3, 1, 4)
        assert net.layers[0].bias is None
        assert net.layers[2].bias is not None
        assert (net.classes, net.field) == (2, 7)
        assert net.parameters == 27 * 4 + 27 * 16 + 8 + 2

    def test_has_a_digest_over_both_files(self, tmp_path: Path) -> None:
        one = read_meshnet(folder_of(TINY).write(tmp_path / "one"))
        same = read_meshnet(folder_of(TINY).write(tmp_path / "same"))
        other = folder_of(TINY)
        other.weights = other.weights[:-1] + b"\x00"
        changed = read_meshnet(other.write(tmp_path / "other"))
        assert one.digest == same.digest != changed.digest

    def test_may_hold_its_weights_in_several_files(self, tmp_path: Path) -> None:
        folder = folder_of(PLAIN)
        whole = read_meshnet(folder.write(tmp_path / "whole"))
        folder.told["weightsManifest"][0]["paths"] = ["a.bin", "b.bin"]
        folder.write(tmp_path / "parts")
        (tmp_path / "parts" / "a.bin").write_bytes(folder.weights[:1001])
        (tmp_path / "parts" / "b.bin").write_bytes(folder.weights[1001:])
        parts = read_meshnet(tmp_path / "parts")
        for one, other in zip(whole.layers, parts.layers, strict=True):
            assert np.array_equal(one.kernel, other.kernel)

    def test_without_a_layer_list_is_not_found(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match=r"no model\.json"):
            read_meshnet(tmp_path)


def _layer(number: int, **changes: object) -> Change:
    return lambda folder: folder.layers[number]["config"].update(changes)


def _entry(number: int, **changes: object) -> Change:
    return lambda folder: folder.layers[number].update(changes)


def _weight(number: int, **changes: object) -> Change:
    return lambda folder: folder.listed[number].update(changes)


def _files(*names: object) -> Change:
    return lambda folder: folder.told["weightsManifest"][0].update(paths=list(names))


REFUSED: dict[str, tuple[Change, str]] = {
    "another format": (lambda f: f.told.update(format="graph-model"), "'graph-model'"),
    "an unknown key": (lambda f: f.told.update(userDefinedMetadata={}), "userDefinedMetadata"),
    "a topology that is text": (lambda f: f.told.update(modelTopology="x"), "not an object"),
    "a subclassed model": (
        lambda f: f.told["modelTopology"]["model_config"].update(class_name="Custom"),
        "'Custom'",
    ),
    "a branch": (_entry(3, inbound_nodes=[[["input", 0, 0, {}]]]), "not just 'first_gn_activated'"),
    "a lambda layer": (_entry(2, class_name="Lambda"), "'Lambda'"),
    "two activations": (_entry(3, class_name="Activation"), "after a 'Activation'"),
    "a custom activation": (_layer(2, activation="exec"), "'exec'"),
    "valid padding": (_layer(1, padding="valid"), "'valid'"),
    "no word on padding": (lambda f: f.layers[1]["config"].pop("padding"), "its padding"),
    "strides": (_layer(1, strides=[2, 1, 1]), "strides"),
    "groups": (_layer(1, groups=2), "groups 2"),
    "channels first": (_layer(1, data_format="channels_first"), "channels_first"),
    "half precision": (_layer(1, dtype="float16"), "float16"),
    "its own activation": (_layer(1, activation="relu"), "activation 'relu'"),
    "an even kernel": (_layer(1, kernel_size=[2, 2, 2]), "kernel side of 2"),
    "a dilation of 0": (_layer(1, dilation_rate=[0, 1, 1]), "dilation of 0"),
    "a gigantic dilation": (_layer(1, dilation_rate=[1, 1, 10**9]), "dilation of 1000000000"),
    "a truth value as a side": (_layer(1, dilation_rate=[True, 1, 1]), "not three numbers"),
    "gigantic channels": (_layer(1, filters=10**6), "1000000 channels"),
    "an unknown word": (_layer(1, output_padding=1), "output_padding"),
    "another name": (_layer(1, name="other"), "'other'"),
    "two input channels": (_layer(0, batch_input_shape=[None, 32, 32, 32, 2]), "three sides"),
    "a gigantic input": (_layer(0, batch_input_shape=[None, 2048, 32, 32, 1]), "side of 2048"),
    "another first layer": (_entry(0, class_name="Conv3D"), "first layer 'input' is a 'Conv3D'"),
    "another output": (
        lambda f: f.told["modelTopology"]["model_config"]["config"].update(output_layers=[]),
        "output_layers",
    ),
    "quantised weights": (_weight(0, quantization={"dtype": "uint8"}), "quantization"),
    "weights of another kind": (_weight(0, dtype="int32"), "'int32'"),
    "a weight without a shape": (_weight(0, shape=[]), "shape"),
    "a weight of another shape": (_weight(2, shape=[1, 1, 1, 2, 4]), "its layer needs"),
    "a weight that is not there": (_weight(0, name="other/kernel"), "'first_gn/kernel' is missing"),
    "a weight that stands twice": (_weight(0, name="second_gn/kernel"), "stands twice"),
    "a file outside": (_files("../model.bin"), "'../model.bin'"),
    "an absolute file": (_files("/etc/hostname"), "'/etc/hostname'"),
    "a file that is not there": (_files("other.bin"), "no plain file"),
    "a file named twice": (_files("model.bin", "model.bin"), "one file twice"),
    "too few bytes": (lambda f: setattr(f, "weights", f.weights[:-4]), "bytes, and the files have"),
    "too many bytes": (lambda f: setattr(f, "weights", f.weights + b"\0"), "the files have"),
    "a weight that is not finite": (
        lambda f: setattr(f, "weights", b"\0\0\xc0\x7f" + f.weights[4:]),
        "NaN or infinity",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_is_refused_by_name(why: str, tmp_path: Path) -> None:
    change, told = REFUSED[why]
    folder = folder_of(TINY)
    change(folder)
    with pytest.raises(FreezeRefused, match="The MeshNet cannot be frozen") as refusal:
        read_meshnet(folder.write(tmp_path))
    assert told in refusal.value.message
    assert refusal.value.advice


def test_a_weight_of_a_layer_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    folder = folder_of((*TINY, Asked("extra", 2, kernel=1, activation=None)))
    folder.layers.pop()
    folder.told["modelTopology"]["model_config"]["config"]["output_layers"] = [["output", 0, 0]]
    with pytest.raises(FreezeRefused, match="'extra/bias' belongs to no layer"):
        read_meshnet(folder.write(tmp_path))


class TestHostileBytes:
    def test_a_repeated_key_is_refused(self, tmp_path: Path) -> None:
        folder_of(TINY).write(tmp_path)
        text = (tmp_path / "model.json").read_text()
        (tmp_path / "model.json").write_text(text.replace("{", '{"format": "layers-model",', 1))
        with pytest.raises(FreezeRefused, match="cannot be read"):
            read_meshnet(tmp_path)

    def test_a_long_list_is_refused_unread(self, tmp_path: Path) -> None:
        folder_of(TINY).write(tmp_path)
        os.truncate(tmp_path / "model.json", MOST_LIST_BYTES + 1)
        with pytest.raises(LimitExceeded, match="at most"):
            read_meshnet(tmp_path)

    def test_a_hollow_file_of_a_terabyte_is_refused_unread(self, tmp_path: Path) -> None:
        folder_of(TINY).write(tmp_path)
        os.truncate(tmp_path / "model.bin", 2**40)
        begun = time.process_time()
        with pytest.raises(LimitExceeded, match="more than"):
            read_meshnet(tmp_path)
        assert time.process_time() - begun < 1

    def test_weights_behind_a_link_are_refused(self, tmp_path: Path) -> None:
        folder = folder_of(TINY).write(tmp_path / "folder")
        (folder / "model.bin").rename(tmp_path / "elsewhere.bin")
        (folder / "model.bin").symlink_to(tmp_path / "elsewhere.bin")
        with pytest.raises(FreezeRefused, match="no plain file"):
            read_meshnet(folder)

    def test_a_deep_list_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "model.json").write_text("[" * 10_000 + "]" * 10_000)
        with pytest.raises(LimitExceeded):
            read_meshnet(tmp_path)

    @pytest.mark.parametrize("seed", range(40))
    def test_a_changed_list_is_read_or_refused_and_nothing_else(
        self, seed: int, tmp_path: Path
    ) -> None:
        folder_of(TINY).write(tmp_path)
        text = bytearray((tmp_path / "model.json").read_bytes())
        random = np.random.default_rng(seed)
        for place in random.integers(0, len(text), 8):
            text[place] = int(random.integers(32, 127))
        (tmp_path / "model.json").write_bytes(bytes(text))
        with suppress(FreezeRefused, LimitExceeded):  # any other error fails
            assert read_meshnet(tmp_path).layers
