"""The demonstration model without Bedside: plan, graph, one raw row in, label and score out.

Only NumPy and ONNX Runtime are needed, so that every peer can load this one file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort


class PlainModel:
    """Turns raw rows of the demonstration model into labels."""

    def __init__(self, folder: Path) -> None:
        self._plan = json.loads((folder / "plan.json").read_text())
        self._element = np.float64 if self._plan["element"] == "float64" else np.float32
        self._centre = np.array(self._plan["centre"])
        self._scale = np.array(self._plan["scale"])
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(str(folder / "model.onnx"), options)

    @property
    def fields(self) -> list[str]:
        """Names of the numbers that a row holds, in the model's order."""
        names: list[str] = self._plan["fields"]
        return names

    def answer(self, row: Mapping[str, float]) -> dict[str, object]:
        """Return label and score of one raw row."""
        plan = self._plan
        raw = np.array([[row[name] for name in plan["fields"]]])
        features = ((raw - self._centre) / self._scale).astype(self._element)
        [probabilities] = self._session.run([plan["output"]], {plan["input"]: features})
        score = float(probabilities[0, plan["positive"]])
        return {"label": plan["labels"][int(score >= plan["threshold"])], "score": score}
