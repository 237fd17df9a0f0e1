"""What three of the examples share: 569 real breast masses, and what must be said of any model of them.

Data: Wisconsin Diagnostic Breast Cancer, doi:10.24432/C5DW2B, as scikit-learn carries it.
"""

from datetime import UTC, datetime

import numpy as np
from sklearn.datasets import load_breast_cancer

from bedside.freezing.frames import describe_data
from bedside.lab.evaluation import binary_metrics
from bedside.lab.splits import stratified_split
from bedside.lab.threshold import threshold_for_sensitivity

NAMES = ["mean radius", "mean texture", "mean smoothness"]
LOWEST, HIGHEST = [5.0, 5.0, 0.03], [35.0, 50.0, 0.2]

masses = load_breast_cancer(as_frame=True)
rows, malignant = masses.data[NAMES], (masses.target == 0).to_numpy()
split = stratified_split(malignant, seed=3)


def described(part: str) -> dict:
    """Return how a package names one part of the data."""
    chosen = rows.iloc[getattr(split, part)]
    return describe_data(
        chosen.assign(malignant=malignant[chosen.index]),
        name=f"WDBC, {part}",
        licence="CC BY 4.0",
        consent_basis="public, de-identified research data; consent is not documented",
        origin="UCI Machine Learning Repository, doi:10.24432/C5DW2B",
    ).model_dump(mode="json")


def answers(name: str, scores: np.ndarray, **more: object) -> dict:
    """Return every answer of a spec, given each mass's probability of being malignant."""
    chosen, tested = split.validation, split.test
    threshold = threshold_for_sensitivity(malignant[chosen], scores[chosen], 0.95).value
    metrics = binary_metrics(malignant[tested], scores[tested], threshold)
    ranges = zip(NAMES, LOWEST, HIGHEST, strict=True)
    line = {"value": threshold, "meaning": {"en": "finds 95 of 100 malignant masses (validation)"}}
    return {
        "name": name, "version": "1.0.0", "licence": "Apache-2.0", "claim_level": "demonstration",
        "title": {"en": "Breast mass: malignant or benign (example)"},
        "intended_use": {"en": "To show how it is frozen."}, "not_for": {"en": "Any patient."},
        "fields": [{"kind": "number", "name": n, "unit": "1", "minimum": a, "maximum": b} for n, a, b in ranges],
        "output": {
            "kind": "binary", "positive": "malignant", "threshold": line,
            "classes": [{"label": "benign"}, {"label": "malignant"}],
        },
        "origin": {
            "trained_by": "the examples of Bedside", "trained_at": datetime.now(UTC).isoformat(),
            "code": "examples/", "data": [described("train"), described("validation")],
            "split": split.words, "seed": split.seed,
        },
        "evaluation": {"data": described("test"), "metrics": [one.model_dump(mode="json") for one in metrics]},
        **more,
    }  # fmt: skip
