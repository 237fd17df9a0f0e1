"""How the demonstration model is trained, measured and described; `breast_cancer` is its face.

Data: Wisconsin Diagnostic Breast Cancer, W. N. Street, W. H. Wolberg, O. L. Mangasarian, SPIE 1905
(1993) 861; UCI Machine Learning Repository, doi:10.24432/C5DW2B; as scikit-learn carries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import bedside
from bedside.canonical import canonical_bytes, digest
from bedside.clock import Clock, timestamp
from bedside.errors import FreezeRefused
from bedside.freezing.authors_words import Origin
from bedside.freezing.explanation_answers import ContributionAnswers
from bedside.freezing.frames import describe_data, raw_rows
from bedside.freezing.freeze import freeze
from bedside.freezing.libraries import check_libraries
from bedside.freezing.lineage import plain
from bedside.freezing.output import write_whole
from bedside.freezing.spec import Spec
from bedside.keys.signing import SigningKey
from bedside.lab import breast_cancer_words as words
from bedside.lab.evaluation import binary_metrics, evaluate_package, metric_table
from bedside.lab.splits import Split, stratified_split
from bedside.lab.threshold import ThresholdChoice, threshold_for_sensitivity
from bedside.lab.trained import Trained
from bedside.package.fields import NumberField
from bedside.package.manifest import DataSet, Evaluation, Metric
from bedside.package.outputs import BinaryOutput, OutputClass, Threshold

NAME = "breast-cancer"
VERSION = "1.0.0"
SENSITIVITY = 0.97
"""Stated before training: of 100 malignant masses at most 3 may be missed, on the validation split."""

WIDENING = 0.5
"""A field's range is the training data's, widened by this share of its width at both ends."""

ORIGIN = (
    "Wisconsin Diagnostic Breast Cancer: fine-needle aspirates of 569 patients, University of "
    "Wisconsin, W. N. Street, W. H. Wolberg, O. L. Mangasarian 1993; UCI Machine Learning "
    "Repository, doi:10.24432/C5DW2B, as scikit-learn carries it"
)
LICENCE = "CC BY 4.0 (UCI Machine Learning Repository)"
CONSENT = (
    "public, de-identified research data; the data set does not document the consent of the "
    "patients or the ethics approval of the original study"
)


@dataclass(frozen=True, slots=True)
class Patients:
    """The data set, split.

    Attributes:
        frame: Thirty raw measurements of each patient.
        malignant: Whether the mass was malignant.
        split: Which patient is in which part.
    """

    frame: pd.DataFrame
    malignant: NDArray[np.bool_]
    split: Split

    def part(self, positions: NDArray[np.intp]) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """Return the measurements and the labels of one part."""
        return self.frame.iloc[positions].reset_index(drop=True), self.malignant[positions]

    def described(self, name: str, positions: NDArray[np.intp]) -> DataSet:
        """Return how a package names one part; its digest covers the labels too."""
        frame, malignant = self.part(positions)
        labelled = frame.assign(diagnosis=np.where(malignant, "malignant", "benign"))
        return describe_data(
            labelled, name=f"WDBC, {name}", licence=LICENCE, consent_basis=CONSENT, origin=ORIGIN
        )


def run(out_dir: Path, key: SigningKey | Path | None, seed: int, clock: Clock) -> Trained:
    """Train, measure and freeze the model; write the files. See `breast_cancer.train`."""
    libraries = check_libraries()
    began = clock()
    patients = read_patients(seed)
    frame, malignant = patients.part(patients.split.train)
    model = Pipeline(
        [
            ("scale", StandardScaler()),
            ("classify", LogisticRegression(max_iter=1000)),
        ]
    ).fit(frame, np.where(malignant, "malignant", "benign"))
    threshold, metrics = measure(model, patients, seed)
    record = run_record(model, patients, (threshold, metrics), (libraries, began, clock()))
    spec = make_breast_cancer_spec(patients, (threshold, metrics), (record, began))
    out_dir.mkdir(parents=True, exist_ok=True)
    package = out_dir / f"{NAME}-{VERSION}.bedside"
    frozen = freeze(model, data=frame, spec=spec, key=key, out=package, frozen_at=clock())
    test, truth = patients.part(patients.split.test)
    rows = tuple(raw_rows(test, spec.fields))
    labels = tuple("malignant" if sick else "benign" for sick in truth)
    again = evaluate_package(frozen.package, rows, labels, seed=seed)
    refuse_other_metrics(metrics, again)
    held_out, run = out_dir / "held-out.json", out_dir / "run-record.json"
    pairs = [{"input": row, "label": label} for row, label in zip(rows, labels, strict=True)]
    write_whole(held_out, canonical_bytes(pairs))
    write_whole(run, record)
    write_whole(out_dir / "metrics.txt", (metric_table(again) + "\n").encode("utf-8"))
    return Trained(package, held_out, run, rows, labels, again, threshold, frozen)


def read_patients(seed: int) -> Patients:
    """Return the 569 patients, split by `seed`, stratified by diagnosis.

    scikit-learn codes malignant as 0 and benign as 1; here they are named.
    """
    bunch = load_breast_cancer(as_frame=True)
    malignant = bunch.target.to_numpy() == list(bunch.target_names).index("malignant")
    return Patients(bunch.data, malignant, stratified_split(malignant, seed=seed))


def measure(
    model: Pipeline, patients: Patients, seed: int
) -> tuple[ThresholdChoice, tuple[Metric, ...]]:
    """Return the threshold, from the validation split, and the metrics, from the test split."""
    column = list(model.classes_).index("malignant")
    frame, truth = patients.part(patients.split.validation)
    choice = threshold_for_sensitivity(truth, model.predict_proba(frame)[:, column], SENSITIVITY)
    frame, truth = patients.part(patients.split.test)
    scores = model.predict_proba(frame)[:, column]
    return choice, binary_metrics(truth, scores, choice.value, seed=seed)


def make_fields(frame: pd.DataFrame) -> tuple[NumberField, ...]:
    """Return the thirty fields; a range is the data's, widened by half, and never negative."""
    fields = []
    for name in frame.columns:
        low, high = float(frame[name].min()), float(frame[name].max())
        spare = WIDENING * (high - low)
        fields.append(
            NumberField(
                name=name,
                unit="1",
                minimum=_rounded(max(0.0, low - spare)),
                maximum=_rounded(high + spare),
                description=words.describe(name),
            )
        )
    return tuple(fields)


def make_output(threshold: ThresholdChoice) -> BinaryOutput:
    """Return what the scores mean: two classes, and the line between them."""
    return BinaryOutput(
        classes=(
            OutputClass(label="benign", shown=words.BENIGN),
            OutputClass(label="malignant", shown=words.MALIGNANT),
        ),
        positive="malignant",
        threshold=Threshold(
            value=threshold.value, meaning=words.threshold_meaning(threshold.target)
        ),
    )


def make_breast_cancer_spec(
    patients: Patients,
    measured: tuple[ThresholdChoice, tuple[Metric, ...]],
    run: tuple[bytes, datetime],
) -> Spec:
    """Return everything that the package states about the demonstration model."""
    (threshold, metrics), (record, began) = measured, run
    frame, _ = patients.part(patients.split.train)
    split = patients.split
    return Spec(
        name=NAME,
        version=VERSION,
        title=words.TITLE,
        licence="Apache-2.0",
        intended_use=words.INTENDED_USE,
        not_for=words.NOT_FOR,
        claim_level="demonstration",
        languages=("en", "ja"),
        fields=make_fields(frame),
        output=make_output(threshold),
        explanation=ContributionAnswers(),
        origin=Origin(
            trained_by="Bedside, bedside.lab.breast_cancer",
            trained_at=timestamp(began),
            code=code_name(),
            data=(
                patients.described("training split", split.train),
                patients.described("validation split (threshold)", split.validation),
            ),
            split=split.words,
            seed=split.seed,
            parameters={"sensitivity_target": SENSITIVITY, "range_widening": WIDENING},
            run_record=digest(record),
        ),
        evaluation=Evaluation(data=patients.described("test split", split.test), metrics=metrics),
    )


def run_record(
    model: Pipeline,
    patients: Patients,
    measured: tuple[ThresholdChoice, tuple[Metric, ...]],
    circumstances: tuple[dict[str, str], datetime, datetime],
) -> bytes:
    """Return the record of the run: code, data, parameters, environment, results, duration."""
    (threshold, metrics), (libraries, began, ended) = measured, circumstances
    split = patients.split
    record = {
        "code": code_name(),
        "data": {
            name: patients.described(name, positions).digest
            for name, positions in (
                ("training", split.train),
                ("validation", split.validation),
                ("test", split.test),
            )
        },
        "split": split.words,
        "parameters": {name: plain(step.get_params(deep=False)) for name, step in model.steps},
        "threshold": {
            "value": threshold.value,
            "target_sensitivity": threshold.target,
            "validation_sensitivity": threshold.sensitivity,
            "validation_sensitivity_interval": list(threshold.interval),
            "validation_specificity": threshold.specificity,
            "validation_positives": threshold.positives,
        },
        "environment": libraries,
        "metrics": [metric.model_dump(mode="json") for metric in metrics],
        "began": timestamp(began),
        "seconds": (ended - began).total_seconds(),
    }
    return canonical_bytes(record)


def code_name() -> str:
    """Return the exact name of the training code: the release, and the digest of this file."""
    return f"bedside {bedside.__version__}, lab/breast_cancer_model.py {digest(Path(__file__).read_bytes())}"


def refuse_other_metrics(native: tuple[Metric, ...], frozen: tuple[Metric, ...]) -> None:
    """Refuse a frozen model that does not earn the metrics that its package states.

    Raises:
        FreezeRefused: names the metric and both values.
    """
    for stated, found in zip(native, frozen, strict=True):
        if stated.name != found.name or abs(stated.value - found.value) > 1e-9:
            raise FreezeRefused(
                f"{stated.name} is {stated.value:.6g} for the native model and {found.value:.6g} "
                f"for the frozen one ({found.name}).",
                advice="This is a defect of Bedside; please report it.",
            )


def _rounded(value: float) -> float:
    """Return `value` with four significant digits, as a range is read by people."""
    return float(f"{value:.4g}")
