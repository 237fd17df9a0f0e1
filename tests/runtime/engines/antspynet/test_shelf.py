from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bedside.errors import ConditionsNotMet, PackageRefused
from bedside.runtime.engines.antspynet.shelf import MOST_KEPT, SLICES_AT_ONCE, Shelf, refuse_code
from bedside.runtime.engines.antspynet.weights import WeightFile, digest_of


class Network:
    """Answers with the name of its weights, and how many it got at once."""

    def load_weights(self, path: str) -> None:
        self.name = Path(path).name

    def predict(self, batch: Any, batch_size: int | None, verbose: int) -> tuple[str, int | None]:
        assert verbose == 0
        return self.name, batch_size


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    path = tmp_path / "a.h5"
    path.write_bytes(b"a")
    files = {
        "a.h5": WeightFile("a.h5", 1, digest_of(path)),
        "b.h5": WeightFile("b.h5", 1, digest_of(path)),
    }
    return Shelf(tmp_path, files, lambda _: None)


def predicted(shelf: Shelf, key: str, weights: str, axes: int = 5) -> Any:
    stand_in = shelf.stand_in(key, Network)
    stand_in.compile(optimizer=None)
    stand_in.load_weights(weights)
    return stand_in.predict(np.zeros((1,) * axes), verbose=True)


def test_a_network_is_loaded_once(shelf: Shelf) -> None:
    assert [predicted(shelf, "unet", "t1.h5")[0] for _ in range(3)] == ["t1.h5"] * 3
    assert shelf.loads == 1


def test_one_architecture_with_two_files_is_two_networks(shelf: Shelf) -> None:
    for _ in range(2):
        assert predicted(shelf, "unet", "t1.h5")[0] == "t1.h5"
        assert predicted(shelf, "unet", "t2.h5")[0] == "t2.h5"
    assert shelf.loads == 2


def test_volumes_go_through_one_at_a_time(shelf: Shelf) -> None:
    assert predicted(shelf, "unet", "t1.h5", axes=5)[1] == 1
    assert predicted(shelf, "unet", "t1.h5", axes=4)[1] == SLICES_AT_ONCE


def test_only_so_many_stay(shelf: Shelf) -> None:
    for number in range(MOST_KEPT + 1):
        predicted(shelf, "unet", f"{number}.h5")
    predicted(shelf, "unet", "0.h5")
    assert shelf.loads == MOST_KEPT + 2


def test_a_network_without_weights_does_not_predict(shelf: Shelf) -> None:
    with pytest.raises(PackageRefused):
        shelf.stand_in("unet", Network).predict(np.zeros(1))


def test_a_file_that_is_not_listed_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.file("a.h5") == tmp_path / "a.h5"
    (tmp_path / "c.h5").write_bytes(b"a")
    with pytest.raises(ConditionsNotMet, match="not among the listed files"):
        shelf.file("c.h5")
    with pytest.raises(ConditionsNotMet, match=r"b\.h5"):
        shelf.file("b.h5")
    assert shelf.read == ["a.h5", "c.h5", "b.h5"]


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        ('{"config": {"layers": [{"class_name": "Dense"}]}}', False),
        ('{"config": {"layers": [{"config": {"layer": {"class_name": "Lambda"}}}]}}', True),
        ('{"config": {"layers": [{"class_name": "Dense", "module": "keras.layers"}]}}', False),
        ('{"config": {"layers": [{"class_name": "call", "module": "subprocess"}]}}', True),
        ('{"config": {"activation": {"class_name": "function", "module": "builtins"}}}', True),
        (None, True),
    ],
)
def test_code_in_a_whole_network_is_refused_before_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch, told: str | None, refused: bool
) -> None:
    class File:
        attrs = {} if told is None else {"model_config": told}

        def __enter__(self) -> File:
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setitem(sys.modules, "h5py", SimpleNamespace(File=lambda *_: File()))
    if refused:
        with pytest.raises(PackageRefused):
            refuse_code(Path("age.h5"))
    else:
        refuse_code(Path("age.h5"))
