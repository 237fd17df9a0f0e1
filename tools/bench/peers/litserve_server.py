"""The model behind LitServe: `python litserve_server.py FOLDER PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

import litserve
from model import PlainModel


class Bench(litserve.LitAPI):
    """One worker, no batching: as its documentation begins."""

    def setup(self, device: str) -> None:
        """Load the model in the worker."""
        self._model = PlainModel(Path(sys.argv[1]))

    def decode_request(self, request):  # type: ignore[no-untyped-def]
        """Return the row; LitServe reads the request's form from an annotation, so there is none."""
        return request["input"]

    def predict(self, row: dict[str, float]) -> dict[str, object]:
        """Answer it."""
        return self._model.answer(row)

    def encode_response(self, output: dict[str, object]) -> dict[str, object]:
        """Return the answer as it is."""
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Bench(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[2]),
        log_level="warning",
        generate_client_file=False,
        num_api_servers=1,
    )
