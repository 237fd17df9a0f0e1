"""docs/how-to/open-inference-protocol.md, run as it stands with Triton's client against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests import bedside_site
from tests.api.running import Running, running
from tests.bedside_site import MODEL, Hospital
from tests.package.building_images import film
from tests.serving.films import FILMS, release_films

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "open-inference-protocol.md"

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        built = bedside_site.build(tmp_path_factory.mktemp("protocol") / "site")
        built.release()
        release_films(built)
        built.site.close()
    return built


@pytest.fixture(scope="module")
def server(hospital: Hospital) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        with running(hospital.site.folder) as started:
            yield started


def block(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert found, language
    return "\n".join(found)


def run(command: list[str], server: Running, hospital: Hospital, folder: Path) -> str:
    settings = {
        "BEDSIDE_URL": server.url,
        "BEDSIDE_API_KEY": hospital["clinician"].secret,
        "MODEL": MODEL,
        "FILMS": FILMS,
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_tritons_client_says_what_the_page_says(
    server: Running, hospital: Hospital, tmp_path: Path
) -> None:
    np.save(tmp_path / "film.npy", film(170.0))
    printed = run([sys.executable, "-c", block("python")], server, hospital, tmp_path)
    again = run([sys.executable, "-c", block("python")], server, hospital, tmp_path)
    assert "radius FP64 [-1] {'unit': 'um'" in printed
    assert re.search(r"[0-9a-f-]{36} malignant \{'benign': .*'malignant': .*0.97", printed)
    assert "b'opacity'" in printed
    assert "422 The gate refused the input" in printed
    ids = [re.findall(r"^([0-9a-f-]{36}) ", text, re.M) for text in (printed, again)]
    assert len(ids[0]) == 3
    assert ids[0] == ids[1]  # the second time it was told again
    with Site.open(hospital.site.folder) as site:
        found = site.ledger.find(kind=EventKind.PREDICTION, limit=100)
        opened = [site.ledger.opened(entry) for entry in found]
        subjects = [one["subject"] for one in opened if one is not None]
        assert subjects.count("patient-4711") == 3
        assert {entry.value["door"] for entry in found} == {"open-inference"}
        site.verify()


def test_and_curl(server: Running, hospital: Hospital, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl missing")
    answer = json.loads(run(["sh", "-euc", block("sh")], server, hospital, tmp_path))
    outputs = {one["name"]: one["data"] for one in answer["outputs"]}
    assert outputs["label"] == ["malignant"]
