from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bedside.canonical import digest, read_json
from bedside.errors import FreezeRefused
from bedside.keys.signing import SigningKey
from bedside.lab.breast_cancer import train
from bedside.lab.breast_cancer_model import (
    SENSITIVITY,
    make_fields,
    read_patients,
    refuse_other_metrics,
)
from bedside.lab.evaluation import evaluate_package
from bedside.lab.trained import Trained
from bedside.package.explanation import Contributions
from bedside.package.fields import TabularInput
from bedside.package.package import check_signature, open_package

KEY = SigningKey.new()
WHEN = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("demo"), KEY, seed=1, clock=lambda: WHEN)


def test_569_real_patients_are_split_three_ways() -> None:
    patients = read_patients(seed=1)
    split = patients.split
    assert patients.malignant.sum() == 212
    assert len(split.train) + len(split.validation) + len(split.test) == 569
    shares = [patients.malignant[part].mean() for part in (split.train, split.test)]
    assert shares == pytest.approx([212 / 569] * 2, abs=0.01)


def test_malignant_means_malignant() -> None:
    patients = read_patients(seed=1)
    worst = patients.frame["worst radius"].to_numpy()
    assert worst[patients.malignant].mean() > worst[~patients.malignant].mean()


def test_the_package_is_signed_and_says_what_it_is_for(trained: Trained) -> None:
    package = open_package(trained.package)
    check_signature(package, [KEY.public])
    manifest = package.manifest
    assert manifest.ref == "breast-cancer@1.0.0"
    assert manifest.claim_level == "demonstration"
    assert "Not for diagnosis" in manifest.not_for["en"]
    assert "使用しないこと" in manifest.not_for["ja"]
    assert isinstance(manifest.input, TabularInput)
    assert all(field.description["ja"] for field in manifest.input.fields)
    assert isinstance(manifest.explanation, Contributions)
    assert manifest.explanation.method == "linear"


def test_the_threshold_reaches_the_stated_sensitivity_on_the_validation_split(
    trained: Trained,
) -> None:
    assert trained.threshold.sensitivity >= SENSITIVITY
    output = trained.frozen.package.manifest.postprocessing
    assert output.kind == "binary"
    assert output.threshold.value == trained.threshold.value


def test_the_metrics_are_of_the_frozen_package_on_the_held_out_rows(trained: Trained) -> None:
    pairs = read_json(trained.held_out.read_bytes())
    rows, labels = [p["input"] for p in pairs], [p["label"] for p in pairs]
    metrics = evaluate_package(open_package(trained.package), rows, labels, seed=1)
    assert metrics == trained.metrics
    values = {metric.name: metric.value for metric in metrics}
    assert values["AUROC"] > 0.98
    assert values["sensitivity"] > 0.9
    assert "95% CI" in trained.table


def test_the_run_record_is_in_the_lineage(trained: Trained) -> None:
    record = trained.run_record.read_bytes()
    lineage = trained.frozen.package.manifest.lineage
    assert lineage.run_record == digest(record)
    told = read_json(record)
    assert told["data"]["training"] == lineage.data[0].digest
    assert told["metrics"][0]["name"] == "sensitivity"
    assert len({*told["data"].values()}) == 3


def test_no_golden_case_is_a_patient(trained: Trained) -> None:
    frame = read_patients(seed=1).frame
    real = {tuple(row) for row in frame.to_numpy().tolist()}
    names = list(frame.columns)
    cases = [tuple(c.input[name] for name in names) for c in trained.frozen.package.golden]
    assert not real & {tuple(map(float, case)) for case in cases}


def test_the_same_seed_key_and_time_give_the_same_package(trained: Trained, tmp_path: Path) -> None:
    again = train(tmp_path, KEY, seed=1, clock=lambda: WHEN)
    assert again.frozen.archive == trained.frozen.archive


def test_ranges_are_the_training_datas_widened_by_half() -> None:
    frame = read_patients(seed=1).frame
    field = make_fields(frame)[0]
    low, high = frame["mean radius"].min(), frame["mean radius"].max()
    assert field.maximum == pytest.approx(high + (high - low) / 2, rel=1e-3)
    assert field.minimum == max(0.0, field.minimum)
    assert np.isclose(field.minimum, max(0.0, low - (high - low) / 2), rtol=1e-3)


def test_metrics_that_the_frozen_model_does_not_earn_are_refused(trained: Trained) -> None:
    first, *rest = trained.metrics
    other = first.model_copy(update={"value": first.value - 0.01})
    with pytest.raises(FreezeRefused, match="sensitivity is"):
        refuse_other_metrics(trained.metrics, (other, *rest))
