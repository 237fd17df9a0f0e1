from __future__ import annotations

import os
import pickle
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LogisticRegression

from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.isolated import freeze_file
from bedside.freezing.model_file import ModelFile
from bedside.keys.signing import SigningKey
from bedside.package.package import check_signature, open_package
from tests.freezing.building import clinic, outcome
from tests.freezing.test_spec import TOML


class Hostile:
    """A pickle that runs a program of its writer's when it is read."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.fixture
def author(tmp_path: Path) -> Path:
    """A folder with a saved model, its spec and its rows."""
    frame = clinic(gaps=False)[["age"]]
    model = LogisticRegression(max_iter=1000).fit(frame, outcome(clinic(gaps=False)))
    joblib.dump(model, tmp_path / "model.joblib")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "spec.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


def files(folder: Path) -> tuple[Path, Path, Path]:
    return folder / "model.joblib", folder / "spec.toml", folder / "rows.csv"


def mine(folder: Path) -> tuple[ModelFile, Path, Path]:
    model, spec, rows = files(folder)
    return ModelFile(model, i_made_this=True), spec, rows


def test_an_authors_own_file_is_frozen_apart_and_signed_here(author: Path) -> None:
    key, out = SigningKey.new(), author / "model.bedside"
    package = freeze_file(*mine(author), key=key, out=out).package
    assert check_signature(open_package(out), [key.public]) == key.public
    assert package.manifest.ref == "clinic-risk@1.0.0"


def test_without_the_authors_word_nothing_is_read(author: Path) -> None:
    mark = author / "it-ran"
    (author / "model.joblib").write_bytes(pickle.dumps(Hostile(f"touch {mark}")))
    with pytest.raises(FreezeRefused, match=r"Reading it would run what its writer put") as caught:
        freeze_file(*files(author))
    assert "posix.system" in caught.value.message
    assert "--i-made-this" in caught.value.advice
    assert not mark.exists()


def test_the_child_sees_no_secret_of_its_parent(
    author: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEDSIDE_SITE_KEY", "a secret")
    seen = author / "environment"
    (author / "model.joblib").write_bytes(pickle.dumps(Hostile(f"env > {seen}")))
    with pytest.raises(FreezeRefused, match="not a scikit-learn estimator"):
        freeze_file(*mine(author))
    told = seen.read_text(encoding="utf-8")
    assert "HOME=" in told
    assert "a secret" not in told


def test_a_childs_refusal_is_told_with_its_advice(author: Path) -> None:
    spec = author / "spec.toml"
    spec.write_text(TOML.replace('name = "age"', 'name = "weight"'), encoding="utf-8")
    with pytest.raises(FreezeRefused, match=r"declares \['weight'\].*Correct the names"):
        freeze_file(*mine(author))


def test_a_file_that_is_no_model_is_refused_with_the_childs_last_words(author: Path) -> None:
    (author / "model.joblib").write_bytes(b"not a pickle")
    with pytest.raises(FreezeRefused, match="its last words"):
        freeze_file(*mine(author))


def test_other_files_and_missing_ones_are_refused(author: Path) -> None:
    _, spec, rows = files(author)
    (author / "model.h5").write_bytes(b"a file of Keras")
    with pytest.raises(UsageError, match=r"no \.joblib"):
        freeze_file(author / "model.h5", spec, rows)
    with pytest.raises(NotFound, match=r"none\.joblib"):
        freeze_file(author / "none.joblib", spec, rows)
    with pytest.raises(NotFound, match=r"none\.csv"):
        freeze_file(mine(author)[0], spec, author / "none.csv")


def test_the_child_never_gets_more_memory_than_a_share_of_the_machine() -> None:
    from bedside.freezing.child_process import (  # noqa: PLC0415
        LEAST_MEMORY,
        MEMORY,
        address_space,
    )

    assert address_space(4 * 2**30) == LEAST_MEMORY
    assert address_space(20 * 2**30) == 15 * 2**30
    assert address_space(512 * 2**30) == MEMORY
