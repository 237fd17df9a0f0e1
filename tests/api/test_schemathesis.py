"""schemathesis asks all that our OpenAPI document allows, and much that it does not.

A real peer against a real process: its own checks decide. Every answer must have a status, a media
type, headers and a schema that the document states; what the schema allows must be taken, what it
forbids refused; without a key nobody gets in; no answer is a 5xx.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_socket

from bedside.site.settings import SETTINGS_FILE, read_settings, write_settings
from tests import bedside_site
from tests.api.running import Running, running
from tests.bedside_site import MODEL, ROW, Hospital
from tests.package.building_images import BRIGHT
from tests.serving.films import FILMS, release_films

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
SECONDS = 280.0
TAKEN = ["2xx", "404", "409"]
"""What a request that the schema allows is told, unless an operation says more."""

NOT_FOR = {
    "clinician": "metrics$|checkpoint$",
    "auditor": "predict$|infer$|decision$|analyses$|blobs",
    "operator": "predict$|infer$|decision$|trace$|checkpoint$|analyses$|blobs",
    "developer": "predict$|infer$|decision$|trace$|checkpoint$|metrics$|analyses$|blobs",
}
"""The paths of what each role may not do."""

SEMANTIC = f"""
# What no schema can say: whether a model takes volumes, whether a file is a picture and what stands beside it, which labels there
# are beside the one shown, whether tensors fit a model. The statuses are stated all the same.
[[operations]]
include-path-regex = "{FILMS}/predict$|decision$|infer$|analyses$|blobs$"
checks.positive_data_acceptance.expected-statuses = {json.dumps([*TAKEN, "400", "413", "422"])}
"""


@dataclass
class Api:
    """A service with a model of fields and a model of films, and predictions that it made."""

    server: Running
    hospital: Hospital
    predictions: tuple[str, ...]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("schemathesis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        pytest_socket.enable_socket()
        hospital = bedside_site.build(folder / "site")
        hospital.release()
        release_films(hospital)
        hospital.site.close()
        _free_sign_ins(hospital.site.folder / SETTINGS_FILE)
        with running(hospital.site.folder) as server:
            headers = hospital["clinician"].headers
            with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
                path = "/v1/models/{}/predict"
                made = [client.post(path.format(MODEL), json={"input": ROW}) for _ in range(3)]
                films = path.format(FILMS)
                png = {"content-type": "image/png"}
                made.append(client.post(films, content=BRIGHT, headers=png))
            yield Api(server, hospital, tuple(one.json()["id"] for one in made))


def _free_sign_ins(path: Path) -> None:
    """Let no refused sign-in make the next one wait: schemathesis tries many bad keys."""
    known = read_settings(path)
    limits = known.limits.model_copy(update={"refused_sign_ins": 1_000_000})
    path.write_text(write_settings(known.model_copy(update={"limits": limits})))


def configuration(api: Api, role: str) -> str:
    """What schemathesis cannot know: names of models and predictions that are here."""
    return f"""
hooks = {json.dumps(str(HOOKS))}

[dictionaries.models]
values = {json.dumps([MODEL, FILMS])}

[dictionaries.predictions]
values = {json.dumps(api.predictions)}

[dictionaries.versions]
values = ["1.2.3", "1.0.0"]

[checks.positive_data_acceptance]
expected-statuses = {json.dumps(TAKEN)}

[parameters]
"path.name" = {{ dictionary = "models", probability = 0.9 }}
"path.prediction_id" = {{ dictionary = "predictions", probability = 0.9 }}
"path.version" = {{ dictionary = "versions", probability = 0.9 }}

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422"]

[[operations]]
include-path-regex = "{NOT_FOR[role]}"
checks.positive_data_acceptance.expected-statuses = ["403", "404"]
{SEMANTIC if role == "clinician" else ""}
"""


def run(api: Api, folder: Path, role: str, *options: str) -> None:
    """Let schemathesis ask as somebody of a role; check that it found nothing."""
    config = folder / "schemathesis.toml"
    config.write_text(configuration(api, role))
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={config}",
            "run",
            f"{api.server.url}/openapi.json",
            f"--header=Authorization: Bearer {api.hospital[role].secret}",
            "--checks=all",
            "--seed=20261121",
            "--continue-on-failure",
            "--no-color",
            "--warnings=off",
            "--suppress-health-check=all",
            *options,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HOOKS.parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    faults = [line for line in api.server.lines() if line["level"] == "error"]
    assert not faults, faults[:3]


def test_a_clinician_gets_only_answers_that_are_stated(api: Api, tmp_path: Path) -> None:
    run(api, tmp_path, "clinician", "--phases=examples,coverage,stateful", "--max-examples=3")


def test_an_auditor_gets_only_answers_that_are_stated(api: Api, tmp_path: Path) -> None:
    run(api, tmp_path, "auditor", "--phases=examples,coverage", "--max-examples=2")


@pytest.mark.slow
def test_whatever_a_clinician_makes_up_is_answered_as_stated(api: Api, tmp_path: Path) -> None:
    """As long as there is time, or as many examples as BEDSIDE_SCHEMATHESIS says."""
    examples = os.environ.get("BEDSIDE_SCHEMATHESIS", "12")
    run(api, tmp_path, "clinician", "--phases=fuzzing,stateful", f"--max-examples={examples}")
