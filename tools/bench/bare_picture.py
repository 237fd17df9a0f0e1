"""The least that serves a picture: raw bytes in, network, JSON out; nothing is checked or recorded.

Started as `python -m tools.bench.bare_picture MODEL PORT`. `/raw` takes 224 × 224 bytes, `/json` the
same pixels as a JSON list of lists.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI, Request
from numpy.typing import NDArray

from tools.bench.freezing import DEVIATION, MEAN, SIDE


def create_app(path: str) -> FastAPI:
    """Return an application with two routes that answer from the network at `path`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options)
    name, app = session.get_inputs()[0].name, FastAPI()

    def answer(pixels: NDArray[np.uint8]) -> dict[str, float]:
        unit = pixels.astype(np.float32) / np.float32(255)
        ready = (unit - np.float32(MEAN)) / np.float32(DEVIATION)
        [scores] = session.run(None, {name: ready[np.newaxis, np.newaxis]})
        return {"high": float(scores[0, 1])}

    @app.post("/raw")
    async def raw(request: Request) -> dict[str, float]:
        data = await request.body()
        return answer(np.frombuffer(data, np.uint8).reshape(SIDE, SIDE))

    @app.post("/json")
    async def listed(request: Request) -> dict[str, float]:
        return answer(np.array(json.loads(await request.body()), np.uint8))

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning")
