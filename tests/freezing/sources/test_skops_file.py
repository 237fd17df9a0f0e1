from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from bedside.errors import FreezeRefused, LimitExceeded
from bedside.freezing.sources import skops_file
from bedside.freezing.sources.skops_file import read_skops
from tests.freezing.building import clinic, outcome
from tests.freezing.test_freeze import clinic_pipeline

X = clinic(gaps=False)[["age", "sodium"]]
Y = outcome(clinic(gaps=False))


class OwnEstimator(BaseEstimator):  # type: ignore[misc]
    """A class that only its author knows."""


def saved(model: object, folder: Path) -> Path:
    skops.io.dump(model, folder / "model.skops")
    return folder / "model.skops"


def test_a_pipeline_of_known_types_is_read_without_anybodys_word(tmp_path: Path) -> None:
    model = clinic_pipeline().fit(clinic(), outcome(clinic()))
    found = read_skops(saved(model, tmp_path), i_made_this=False)
    assert (found.predict(clinic()) == model.predict(clinic())).all()  # type: ignore[attr-defined]


def test_types_that_could_do_harm_are_listed_by_name(tmp_path: Path) -> None:
    path = saved(OwnEstimator(), tmp_path)
    with pytest.raises(FreezeRefused, match=r"test_skops_file\.OwnEstimator.*--i-made-this"):
        read_skops(path, i_made_this=False)
    path = saved(RandomForestClassifier(3).fit(X, Y), tmp_path)
    with pytest.raises(FreezeRefused, match=r"sklearn\.tree\._tree\.Tree"):
        read_skops(path, i_made_this=False)
    assert isinstance(read_skops(path, i_made_this=True), RandomForestClassifier)


def test_what_is_no_file_of_skops_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(b"something")
    with pytest.raises(FreezeRefused, match=r"is no file of skops"):
        read_skops(path, i_made_this=False)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "{}")
    with pytest.raises(FreezeRefused, match=r"cannot be read by skops"):
        read_skops(path, i_made_this=False)


def test_a_file_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(LogisticRegression().fit(X, Y), tmp_path)
    monkeypatch.setattr(skops_file, "MAX_UNPACKED", 100)
    with pytest.raises(LimitExceeded, match=r"unpacks to"):
        read_skops(path, i_made_this=False)
