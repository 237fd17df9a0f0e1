"""A picture of 224² as a binary tensor: ours by the Open Inference Protocol, beside the least."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bedside.keys.signing import SigningKey
from bedside.lab.films.files import film_png
from bedside.lab.films.film import make_film
from tools.bench.freezing import SIDE, freeze_picture
from tools.bench.predicting import Rate, driven
from tools.bench.prepare import release
from tools.bench.servers import Server, free_port, post, running


@dataclass(frozen=True, slots=True)
class Picture:
    """What both endpoints are asked: raw pixels, and where they go."""

    pixels: bytes
    site: Path
    network: Path
    model: str
    secret: str


def measure_tensors(folder: Path, rounds: int, seconds: float) -> list[Rate]:
    """Release a network for pictures and drive it with one client, beside the bare endpoint."""
    picture = _prepared(folder)
    bare_port = free_port()
    bare = (sys.executable, "-m", "tools.bench.bare_picture", str(picture.network), f"{bare_port}")
    octets = {"Content-Type": "application/octet-stream"}
    listed = np.frombuffer(picture.pixels, np.uint8).reshape(SIDE, SIDE).tolist()
    raw = Server("bare, raw bytes", bare, bare_port, post("/raw", picture.pixels, octets), b"high")
    ours = _ours(picture)
    with ExitStack() as stack:
        found = [stack.enter_context(running(server)) for server in (ours, raw)]
        numbers = Server(
            "bare, JSON", bare, bare_port, post("/json", json.dumps(listed).encode(), {}), b"high"
        )
        servers: Sequence[Server] = (ours, numbers, raw)
        return driven(servers, [found[0], found[1], found[1]], 1, rounds, seconds)


def _prepared(folder: Path) -> Picture:
    folder.mkdir()
    key = SigningKey.new()
    made = freeze_picture(key)
    manifest = made.package.manifest
    secret, _ = release(folder / "site", made.archive, key, manifest.ref)
    network = folder / "network.onnx"
    network.write_bytes(made.package.network)
    with Image.open(io.BytesIO(film_png(make_film(1, opacity=True, side=SIDE)))) as film:
        pixels = np.asarray(film.convert("L")).tobytes()
    return Picture(pixels, folder / "site", network, manifest.name, secret)


def _ours(picture: Picture) -> Server:
    port = free_port()
    serve = ("-m", "bedside", "serve", "--site", str(picture.site), "--port", str(port))
    tensor = {
        "name": "pixels",
        "datatype": "UINT8",
        "shape": [SIDE, SIDE],
        "parameters": {"binary_data_size": len(picture.pixels)},
    }
    modality = {"name": "modality", "datatype": "BYTES", "shape": [1], "data": ["DX"]}
    head = json.dumps({"inputs": [tensor, modality]}).encode()
    headers = {
        "Authorization": f"Bearer {picture.secret}",
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }
    path = f"/v2/models/{picture.model}/infer"
    request = post(path, head + picture.pixels, headers)
    return Server("bedside", (sys.executable, *serve), port, request, b'"labels"')
