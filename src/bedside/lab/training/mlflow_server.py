"""An MLflow tracking server, spoken to in its own REST API; no client library, so nothing phones home.

Source: MLflow REST API, version 2.0. An address is what `MLFLOW_TRACKING_URI` holds, http or https;
`MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and `…_PASSWORD`, say who asks, as for MLflow's
own client.
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json
from bedside.errors import Unavailable, UsageError

SECONDS: Final = 10.0
"""Longest time that training waits for an answer."""

AT_ONCE: Final = 500
"""Metrics in one request; the server takes 1,000."""

PARAMETERS_AT_ONCE: Final = 100
_PROXIED: Final = "mlflow-artifacts:/"


@dataclass(frozen=True, slots=True)
class Metric:
    """A value at a step.

    Attributes:
        name: What it is.
        value: Finite.
        step: After how many steps.
        moment: Milliseconds since 1970.
    """

    name: str
    value: float
    step: int
    moment: int

    def told(self) -> dict[str, Json]:
        """Return it as the API takes it."""
        return {"key": self.name, "value": self.value, "step": self.step, "timestamp": self.moment}


class MlflowServer:
    """A server at an address; every call is one or a few requests."""

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        """Note the address, and from the environment who asks.

        Raises:
            UsageError: no http or https address, or one with a name or a password in it.
        """
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UsageError(
                f"mlflow is {address!r}, which is no address of a server.",
                advice="Write it like https://mlflow.example:5000.",
            )
        if "@" in parts.netloc:
            raise UsageError(
                f"The address of the MLflow server {parts.hostname} says who asks; it would stand in "
                "the run's settings and its record.",
                advice="Leave that out, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
            )
        self._address = address.rstrip("/")
        self._headers = {"content-type": "application/json", **_signed(environment)}

    def new_run(
        self, experiment: str, name: str, tags: Mapping[str, str], began: int
    ) -> tuple[str, str]:
        """Return the id of a new run, and where its artefacts lie.

        Args:
            experiment: By its name; made where it is missing.
            name: Of the run.
            tags: Words about it.
            began: Milliseconds since 1970.

        Raises:
            Unavailable: the server does not answer, or refuses.
        """
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        run = self._post(
            "runs/create",
            {
                "experiment_id": self._experiment(experiment),
                "run_name": name,
                "start_time": began,
                "tags": listed,
            },
        )["run"]["info"]
        return str(run["run_id"]), str(run["artifact_uri"])

    def set_parameters(self, run: str, parameters: Mapping[str, str]) -> None:
        """Tell a run's parameters.

        Raises:
            Unavailable: the server does not answer, or refuses.
        """
        listed = [{"key": key, "value": value} for key, value in parameters.items()]
        for start in range(0, len(listed), PARAMETERS_AT_ONCE):
            part = listed[start : start + PARAMETERS_AT_ONCE]
            self._post("runs/log-batch", {"run_id": run, "params": part})

    def add_metrics(self, run: str, metrics: Sequence[Metric]) -> None:
        """Tell a run's metrics.

        Raises:
            Unavailable: the server does not answer, or refuses.
        """
        for start in range(0, len(metrics), AT_ONCE):
            part = [one.told() for one in metrics[start : start + AT_ONCE]]
            self._post("runs/log-batch", {"run_id": run, "metrics": part})

    def add_file(self, place: str, name: str, data: bytes) -> bool:
        """Put a file among a run's artefacts; return whether the server takes files at all.

        Raises:
            Unavailable: the server does not answer, or refuses.
        """
        if not place.startswith(_PROXIED):
            return False
        inside = urllib.parse.quote(f"{place.removeprefix(_PROXIED).lstrip('/')}/{name}")
        self._ask("PUT", f"mlflow-artifacts/artifacts/{inside}", data)
        return True

    def go_on(self, run: str) -> None:
        """Say that a run goes on.

        Raises:
            Unavailable: the server does not answer, or refuses.
        """
        self._post("runs/update", {"run_id": run, "status": "RUNNING"})

    def finish(self, run: str, ended: int, *, whole: bool) -> None:
        """Say that a run has ended; or that it waits to be gone on with.

        Raises:
            Unavailable: the server does not answer, or refuses.
        """
        status = "FINISHED" if whole else "SCHEDULED"
        self._post("runs/update", {"run_id": run, "status": status, "end_time": ended})

    def _experiment(self, name: str) -> str:
        asked = urllib.parse.quote(name)
        try:
            found = self._ask("GET", f"mlflow/experiments/get-by-name?experiment_name={asked}")
            return str(found["experiment"]["experiment_id"])
        except _Missing:
            return str(self._post("experiments/create", {"name": name})["experiment_id"])

    def _post(self, what: str, value: Json) -> Json:
        return self._ask("POST", f"mlflow/{what}", json.dumps(value).encode())

    def _ask(self, method: str, what: str, data: bytes | None = None) -> Json:
        request = urllib.request.Request(  # noqa: S310 - http and https alone, by __init__
            f"{self._address}/api/2.0/{what}", data, self._headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as problem:
            words = problem.read(2_000).decode("utf-8", "replace")
            kind = _Missing if problem.code == 404 else Unavailable
            raise kind(f"MLflow at {self._address} answers {problem.code}: {words}") from problem
        except (OSError, ValueError) as problem:
            raise Unavailable(f"MLflow at {self._address} does not answer: {problem}.") from problem


class _Missing(Unavailable):
    """There is no such thing on the server."""


def _signed(environment: Mapping[str, str]) -> dict[str, str]:
    if token := environment.get("MLFLOW_TRACKING_TOKEN"):
        return {"authorization": f"Bearer {token}"}
    if name := environment.get("MLFLOW_TRACKING_USERNAME"):
        pair = f"{name}:{environment.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
