"""A run's copy on a real MLflow server on this machine; and a run whose server is not there.

`BEDSIDE_MLFLOW_PYTHON` names an interpreter in whose environment the whole mlflow is (`make test-mlflow`).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import httpx
import pytest

from bedside.errors import UsageError
from bedside.lab.training.mirror import Mirror
from bedside.lab.training.running import begin, resume
from bedside.lab.training.settings import Settings
from bedside.lab.training.training import Nobody
from tests.lab.training.tiny import ROWS, RowSettings

PYTHON = os.environ.get("BEDSIDE_MLFLOW_PYTHON")

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]


class Listener(Nobody):
    """Remembers what did not go well."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def troubled(self, words: str) -> None:
        self.heard.append(words)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_server_that_is_not_there_costs_the_run_nothing(tmp_path: Path) -> None:
    ears = Listener()
    settings = RowSettings(mlflow=f"http://127.0.0.1:{free_port()}", steps=2)
    session = begin("rows", ROWS, settings, tmp_path / "run", (ears, lambda: False))
    assert session.trained.end == "steps"
    assert "does not answer" in ears.heard[-1]


@pytest.mark.parametrize("address", ["file:///tmp/runs", "mlflow.example:5000", "ftp://mlflow"])
def test_what_is_no_address_of_a_server_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError, match="no address of a server"):
        begin(
            "rows", ROWS, RowSettings(mlflow=address), tmp_path / "run", (Nobody(), lambda: False)
        )


def test_an_address_that_says_who_asks_is_refused_before_it_is_written_anywhere(
    tmp_path: Path,
) -> None:
    settings = RowSettings(mlflow="https://reader:secret@mlflow.example")
    with pytest.raises(UsageError, match=r"mlflow\.example says who asks") as refused:
        begin("rows", ROWS, settings, tmp_path / "run", (Nobody(), lambda: False))
    assert "secret" not in str(refused.value)
    assert not (tmp_path / "run").exists()


class Faltering(BaseHTTPRequestHandler):
    """A server that makes runs and remembers what else it is sent, once it takes that."""

    well = False
    sent: ClassVar[list[tuple[str, Any]]] = []

    def do_GET(self) -> None:
        self._answer({"experiment": {"experiment_id": "1"}})

    def do_POST(self) -> None:
        value = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("runs/create"):
            self._answer({"run": {"info": {"run_id": "r", "artifact_uri": "file:///r"}}})
        elif type(self).well:
            type(self).sent.append((self.path.rpartition("/")[2], value))
            self._answer({})
        else:
            self._answer({}, 503)

    def log_message(self, *args: Any) -> None: ...

    def _answer(self, value: Any, code: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def test_parameters_that_a_server_did_not_take_are_sent_when_it_is_well_again(
    tmp_path: Path,
) -> None:
    with HTTPServer(("127.0.0.1", 0), Faltering) as faltering:
        Thread(target=faltering.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        settings = RowSettings(mlflow=f"http://127.0.0.1:{faltering.server_port}")
        assert "503" in Mirror("rows", settings, tmp_path).follow()
        Faltering.well = True
        assert Mirror("rows", settings, tmp_path).follow() == ""
        assert Mirror("rows", settings, tmp_path).follow() == ""
        faltering.shutdown()
    parameters = [value["params"] for what, value in Faltering.sent if "params" in value]
    assert len(parameters) == 1
    assert {"key": "lr", "value": "0.3"} in parameters[0]
    status = [value["status"] for what, value in Faltering.sent if what == "update"]
    assert status == ["RUNNING", "RUNNING"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server."""
    if not PYTHON:
        pytest.skip("BEDSIDE_MLFLOW_PYTHON names no interpreter with mlflow: `make test-mlflow`")
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [PYTHON, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artefacts")]
    with (folder / "server.log").open("wb") as log:
        child = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **quiet}
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1_200):
            assert child.poll() is None, (folder / "server.log").read_text()
            try:
                httpx.get(f"{address}/health", timeout=1)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        child.terminate()
        child.wait(30)


def asked(server: str, what: str, value: object) -> Any:
    return httpx.post(f"{server}/api/2.0/mlflow/{what}", json=value, timeout=30).json()


def got(server: str, what: str, **asking: str) -> Any:
    return httpx.get(f"{server}/api/2.0/mlflow/{what}", params=asking, timeout=30).json()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_server_gets_parameters_every_metric_once_the_curves_and_the_record(
    server: str, tmp_path: Path
) -> None:
    run, ears = tmp_path / "run", Listener()
    settings: Settings = RowSettings(mlflow=server, minutes=1e-9)
    begin("rows", ROWS, settings, run, (ears, lambda: False))
    resume(run, ["minutes=0", "checkpoint_minutes=0"], lambda name: ROWS, (ears, lambda: False))
    assert ears.heard == []
    found = asked(server, "experiments/search", {"max_results": 10})["experiments"]
    (experiment,) = (one for one in found if one["name"] == "bedside rows")
    ids = [experiment["experiment_id"]]
    (one,) = asked(server, "runs/search", {"experiment_ids": ids})["runs"]
    assert one["info"]["status"] == "FINISHED"
    assert one["info"]["run_name"] == "run"
    parameters = {pair["key"]: pair["value"] for pair in one["data"]["params"]}
    assert parameters["lr"] == "0.3"
    this = one["info"]["run_id"]
    history = got(server, "metrics/get-history", run_id=this, metric_key="validation.closeness")
    assert sorted(metric["step"] for metric in history["metrics"]) == [10, 20, 30, 40]
    listed = got(server, "artifacts/list", run_id=this)["files"]
    files = {file["path"]: int(file["file_size"]) for file in listed}
    assert files["run-record.json"] == (run / "run-record.json").stat().st_size
    assert set(files) == {"curves.png", "run-record.json", "settings.json"}
