"""The endpoint that Bedside is compared with: FastAPI and ONNX Runtime, and nothing else.

No authentication, no gate, no record: what a careful person writes in a quarter of an hour.
Started as `python -m tools.bench.bare MODEL PORT`; the model's preprocessing constants come as JSON
beside it, so that both endpoints turn the same raw row into the same probability.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Row(BaseModel):
    """One raw row, by field name."""

    input: dict[str, float]


def create_app(folder: Path) -> FastAPI:
    """Return an application with one route that answers from the model in `folder`."""
    plan = json.loads((folder / "plan.json").read_text())
    element = np.float64 if plan["element"] == "float64" else np.float32
    centre, scale = np.array(plan["centre"]), np.array(plan["scale"])
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(folder / "model.onnx"), options)
    app = FastAPI()

    @app.post("/predict")
    async def predict(row: Row) -> dict[str, object]:
        raw = np.array([[row.input[name] for name in plan["fields"]]])
        features = ((raw - centre) / scale).astype(element)
        [probabilities] = session.run([plan["output"]], {plan["input"]: features})
        score = float(probabilities[0, plan["positive"]])
        label = plan["labels"][int(score >= plan["threshold"])]
        return {"label": label, "score": score}

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(Path(sys.argv[1])), port=int(sys.argv[2]), log_level="warning")
