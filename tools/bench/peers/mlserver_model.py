"""The model behind MLServer, by its protocol (Open Inference Protocol, JSON)."""

from __future__ import annotations

import os
from pathlib import Path

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from model import PlainModel


class Bench(MLModel):
    """One process (`parallel_workers` 0), no batching."""

    async def load(self) -> bool:
        """Load the model."""
        self._model = PlainModel(Path(os.environ["BENCH_MODEL"]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one row of numbers in the model's order."""
        [numbers] = NumpyCodec.decode_input(payload.inputs[0])
        row = dict(zip(self._model.fields, (float(one) for one in numbers), strict=True))
        label = str(self._model.answer(row)["label"])
        return InferenceResponse(
            model_name=self.name, outputs=[StringCodec.encode_output("label", [label])]
        )
