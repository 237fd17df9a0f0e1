"""The endpoints under measurement: ours, bare, and the peers, with the same model and raw row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

from tools.bench.prepare import Prepared
from tools.bench.servers import Server, free_port, post

HERE = Path(__file__).resolve().parent / "peers"
VERSIONS = HERE / "versions.txt"
PEERS = ("bentoml", "litserve", "mlserver")
OURS, BARE = "bedside", "bare"


def pinned() -> dict[str, str]:
    """Return the version of each library that a peer's environment is pinned to."""
    return dict(line.split("==") for line in VERSIONS.read_text().split())


def ours(prepared: Prepared) -> Server:
    """Return `bedside serve` on the prepared site."""
    port = free_port()
    head = {"Authorization": f"Bearer {prepared.secret}"}
    path = f"/v1/models/{prepared.model}/predict"
    return Server(
        OURS,
        (
            sys.executable,
            "-m",
            "bedside",
            "serve",
            "--site",
            str(prepared.site),
            "--port",
            f"{port}",
        ),
        port,
        post(path, _row(prepared), head),
        _label(prepared),
    )


def bare(prepared: Prepared) -> Server:
    """Return FastAPI and ONNX Runtime and nothing else."""
    port = free_port()
    command = (sys.executable, "-m", "tools.bench.bare", str(prepared.bare), str(port))
    return Server(BARE, command, port, post("/predict", _row(prepared), {}), _label(prepared))


def peers(prepared: Prepared, folder: Path) -> list[Server]:
    """Return the other servers; their environments are made under `folder` where they are missing."""
    return [
        _bentoml(prepared, _environment("bentoml", folder)),
        _litserve(prepared, _environment("litserve", folder)),
        _mlserver(prepared, _environment("mlserver", folder)),
    ]


def _bentoml(prepared: Prepared, programs: Path) -> Server:
    port = free_port()
    command = (
        *(str(programs / "bentoml"), "serve", "bentoml_service:Bench"),
        *("--host", "127.0.0.1", "--port", str(port)),
    )
    environment = {
        "BENCH_MODEL": str(prepared.bare),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(prepared.bare / "bentoml"),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    return Server(
        "BentoML",
        command,
        port,
        post("/predict", _row(prepared), {}),
        _label(prepared),
        environment,
        HERE,
    )


def _litserve(prepared: Prepared, programs: Path) -> Server:
    port = free_port()
    command = (str(programs / "python"), "litserve_server.py", str(prepared.bare), str(port))
    request = post("/predict", _row(prepared), {})
    return Server("LitServe", command, port, request, _label(prepared), {}, HERE)


def _mlserver(prepared: Prepared, programs: Path) -> Server:
    port = free_port()
    folder = prepared.bare / "mlserver"
    folder.mkdir(exist_ok=True)
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "parallel_workers": 0,
        "debug": False,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    model = {"name": prepared.model, "implementation": "mlserver_model.Bench"}
    (folder / "model-settings.json").write_text(json.dumps(model))
    environment = {"BENCH_MODEL": str(prepared.bare), "PYTHONPATH": str(HERE)}
    numbers = [prepared.numbers[name] for name in prepared.fields]
    tensor = {"name": "row", "shape": [1, len(numbers)], "datatype": "FP64", "data": numbers}
    return Server(
        "MLServer",
        (str(programs / "mlserver"), "start", str(folder)),
        port,
        post(f"/v2/models/{prepared.model}/infer", json.dumps({"inputs": [tensor]}).encode(), {}),
        _label(prepared),
        environment,
        HERE,
    )


def _environment(peer: str, folder: Path) -> Path:
    """Return the folder of programs of a virtual environment that holds `peer`, made if need be."""
    home = folder / f"{peer}-{pinned()[peer]}"
    programs = home / "bin"
    if not (home / ".ready").exists():
        print(f"installing {peer} into {home}", flush=True)
        venv.create(home, with_pip=True, clear=True)
        install = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--quiet"]
        constraint = ["--disable-pip-version-check", "--constraint", str(VERSIONS)]
        subprocess.run([*install, *constraint, peer, "numpy", "onnxruntime"], check=True)
        (home / ".ready").touch()
    return programs


def _row(prepared: Prepared) -> bytes:
    return json.dumps({"input": prepared.row}).encode()


def _label(prepared: Prepared) -> bytes:
    return prepared.label.encode()
