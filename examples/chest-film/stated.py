"""Completes spec.toml: what a person states, and below it what training measured."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import bedside
from bedside.lab.films.collection import Collection
from bedside.lab.threshold import ThresholdChoice
from bedside.package.manifest import Metric

HERE = Path(__file__).parent


Splits = dict[str, Collection]
"""Films by the name of their split."""


def write_spec(
    path: Path, films: Splits, choice: ThresholdChoice, metrics: Sequence[Metric], seed: int
) -> None:
    """Write the spec that lies beside this file, with what was measured after it."""
    told = {name: one.described(f"{name} split").model_dump() for name, one in films.items()}
    found = f"{choice.target:.0%}"
    threshold = {
        "en": f"The highest threshold that found {found} of the opacities drawn for validation.",
        "ja": f"検証用に描いた陰影の{found}を検出する、最も高い閾値。",
    }
    measured = {
        "output.threshold": {"value": choice.value, "meaning": threshold},
        "origin": {
            "trained_by": "Bedside, examples/chest-film",
            "trained_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "code": f"bedside {bedside.__version__}, examples/chest-film/train.py",
            "split": "by invented patient: each stands in one split only",
            "seed": seed,
            "data": [told["training"], told["validation"]],
        },
        "evaluation": {"data": told["test"], "metrics": [one.model_dump() for one in metrics]},
    }
    lines = (HERE / "spec.toml").read_text("utf-8").splitlines()
    for table, answers in measured.items():
        lines += ["", f"[{table}]", *(f"{name} = {_toml(one)}" for name, one in answers.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _toml(value: object) -> str:
    """Return a text, a number, a list or a table as TOML writes it in one line."""
    if isinstance(value, dict):
        known = ((key, one) for key, one in value.items() if one is not None)
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in known) + " }"
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False)
