"""The drill: a service under load is backed up, answers on, and its machine is lost."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bedside.clock import system_clock
from bedside.ledger.events import EventKind
from bedside.site.backup.place import Place
from bedside.site.backup.restoring import Order, restore
from bedside.site.backup.state import backup_state
from bedside.site.settings import SETTINGS_FILE, read_settings
from bedside.site.site import DATABASE_VARIABLE, Site
from tests import postgres
from tests.api.running import Running, running
from tests.bedside_site import MODEL, ROW, Hospital
from tests.site.backup.conftest import at_work

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback, pytest.mark.slow]


def ask(
    server: Running, hospital: Hospital, path: str, body: Any = None, *, status: int = 200
) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {**hospital["clinician"].headers, "content-type": "application/json"}
    method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
    connection.request(method, path, data, headers)
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    assert answer.status == status, found
    return json.loads(found)


def predict(server: Running, hospital: Hospital, subject: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"input": ROW} | ({"subject": subject} if subject else {})
    found: dict[str, Any] = ask(server, hospital, f"/v1/models/{MODEL}/predict", body)
    return found


@contextmanager
def load(server: Running, hospital: Hospital) -> Iterator[list[dict[str, Any]]]:
    """Ask for answers all the time, in four threads, until the block is left."""
    stop, answers = threading.Event(), list[dict[str, Any]]()

    def run(number: int) -> None:
        while not stop.is_set():
            answers.append(predict(server, hospital, f"person-{number}"))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture(params=[("sqlite", "postgresql"), ("postgresql", "sqlite")], ids="-to-".join)
def addresses(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Where the database is before and after; `sqlite` is a file in the site's folder."""

    def address(kind: str) -> str:
        if kind == "sqlite":
            return kind
        server: postgres.Server = request.getfixturevalue("postgres_server")
        return server.new_database()

    before, after = request.param
    return address(before), address(after)


def test_a_lost_machine_comes_back_with_the_same_answers_and_says_what_is_missing(
    addresses: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if addresses[0] != "sqlite":
        monkeypatch.setenv(DATABASE_VARIABLE, addresses[0])
    hospital, place = at_work(tmp_path / "site"), Place.at(tmp_path / "elsewhere")
    hospital.site.close()
    safe = shutil.copy(tmp_path / "site" / "keys" / "site.key", tmp_path / "safe.key")
    with running(tmp_path / "site") as server:
        with load(server, hospital) as answers:
            early = predict(server, hospital, "person-0")
            backed = json.loads(backed_up(tmp_path / "site", place))["size"]
        late = predict(server, hospital)
    assert any(one["recorded"]["index"] < backed for one in answers)
    assert any(one["recorded"]["index"] >= backed for one in answers)  # it served meanwhile
    with Site.open(tmp_path / "site") as site:
        witnessed, size = site.ledger.checkpoint().note, site.ledger.head().size
    shutil.rmtree(tmp_path / "site")  # the machine is lost

    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    new = tmp_path / "new" / "site"
    found = restore(
        Order(place, new, site_key_file=Path(safe), database=addresses[1], checkpoint=witnessed)
    )
    assert (found.proof.entries, found.proof.lost) == (backed, size - backed)
    with running(new) as server:
        assert predict(server, hospital, "person-0")["scores"] == early["scores"]
        told = ask(server, hospital, f"/v1/predictions/{early['id']}/trace")
        assert told["prediction"]["personal"]["scores"] == early["scores"]
        # what was recorded after the backup is not there
        ask(server, hospital, f"/v1/predictions/{late['id']}/trace", status=404)
    with Site.open(new) as site:
        site.verify()
        assert site.ledger.find(kind=EventKind.RESTORE)[0].index == backed


def backed_up(folder: Path, place: Place) -> str:
    """Run the command beside the service, and return what it printed."""
    words = ["backup", "--folder", str(place.folder), "--site", str(folder), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "bedside", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_service_makes_its_generations_by_itself_and_tells_their_age(tmp_path: Path) -> None:
    hospital = at_work(tmp_path / "site")
    hospital.site.close()
    settings = tmp_path / "site" / SETTINGS_FILE
    folder = tmp_path / "elsewhere"
    settings.write_text(settings.read_text() + f'\n[backup]\nfolder = "{folder}"\n')
    with running(tmp_path / "site") as server:
        wait_for(lambda: Place.at(folder).newest() is not None)
        set_there = read_settings(settings)
        assert backup_state(tmp_path / "site", set_there, system_clock()) is not None
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/metrics", headers=hospital["operator"].headers)
        text = connection.getresponse().read().decode()
        connection.close()
        assert "bedside_backup_late 0.0" in text
        assert 0 <= float(text.split("\nbedside_backup_age_seconds ")[1].split()[0]) < 300
        wait_for(lambda: any(one["logger"] == "bedside.backup" for one in server.lines()))
        assert server.stop() == 0
    (made,) = Place.at(folder).generations()
    with Site.open(tmp_path / "site") as site:
        (event,) = site.ledger.find(kind=EventKind.BACKUP)
        assert event.value["body"]["generation"] == made


def wait_for(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not so():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.05)
