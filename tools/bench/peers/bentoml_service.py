"""The model behind BentoML: `bentoml serve bentoml_service:Bench`, folder in BENCH_MODEL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bentoml
from model import PlainModel


@bentoml.service(workers=1, traffic={"timeout": 30})
class Bench:
    """One worker, no batching: as its documentation begins."""

    def __init__(self) -> None:
        self._model = PlainModel(Path(os.environ["BENCH_MODEL"]))

    @bentoml.api
    def predict(self, input: dict[str, float]) -> dict[str, Any]:  # noqa: A002 - the request's own word
        """Answer one row."""
        return self._model.answer(input)
