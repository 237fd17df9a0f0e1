"""After an erasure nothing of the person is left in any file, even for who has the site key.

The search is proved to find what is there: before the erasure it does, and what is planted it finds.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bedside.api.app import create_app
from bedside.api.journal import utc_lines
from bedside.canonical import Json, read_json
from bedside.errors import InputRefused, KeyUnavailable
from bedside.keys.sealing import Sealed
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKey
from bedside.ledger.export import verify_export, write_export
from bedside.people.permissions import Role
from bedside.people.person import Caller
from bedside.serving.erasing import Target
from bedside.serving.trace import verify_trace
from bedside.serving.values import Decision, Row, Verdict
from bedside.site.backup.making import back_up
from bedside.site.backup.place import Place
from bedside.site.backup.sealed import opened
from bedside.site.site import DATABASE_VARIABLE, Site
from bedside.site.unlocking import unlock
from tests import bedside_site, postgres
from tests.api.client import client_of
from tests.bedside_site import DOOR, MODEL, Hospital
from tests.package.building_images import dicom, film
from tests.serving.films import FILMS, release_films
from tests.site.searching import files_under, found_in, needles, of_bytes, spelled

PATIENT = "urn:oid:1.2.392.100495|山田-000123456"
INPUT: dict[str, Json] = {"radius": 17.934271, "sex": "male", "age": 71}
REFUSED: dict[str, Json] = {"radius": 987654.321, "sex": "male", "age": 71, "悪心-7731": 1}
OF_NOBODY: dict[str, Json] = {"radius": 12.3456789, "sex": "male", "age": 33}
REASON = "山田様の病理所見 8842-7731 による"
TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_ledger.py"


@dataclass
class Ward:
    """A site at work, with all that leaves it."""

    hospital: Hospital
    second: Caller
    out: Path
    url: str
    server: postgres.Server | None
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        return self.hospital.site

    @property
    def site_key(self) -> SiteKey:
        return unlock(self.site.folder, self.site.settings)

    @property
    def place(self) -> Place:
        return Place.at(self.out / "backups")

    def files(self) -> list[Path]:
        """Every file that somebody could get at: the site's, what left it, the database's."""
        found = files_under(self.site.folder, self.out)
        if self.server is not None:
            return found + files_under(self._database_folder(self.server))
        database = Path(make_url(self.url).database or "")
        return found + sorted(database.parent.glob(database.name + "*"))

    def _database_folder(self, server: postgres.Server) -> Path:
        name = make_url(self.url).database
        told = f"host={server.folder} user=postgres dbname={name}"
        with psycopg.connect(told, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            query = "SELECT oid FROM pg_database WHERE datname = current_database()"
            row = connection.execute(query).fetchone()
        assert row is not None
        return server.folder / "data" / "base" / str(row[0])

    def wrapped(self, key_id: str) -> tuple[bytes, str]:
        """What the keys' database holds of a key: its wrapped bytes, and its lookup."""
        table = self.site.subject_keys._table
        with self.site.subject_keys._database.read() as connection:
            row = connection.execute(table.select().where(table.c.key_id == key_id)).one()
        return bytes(row.wrapped), str(row.lookup)


@pytest.fixture
def ward(
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Ward]:
    monkeypatch.setenv(DATABASE_VARIABLE, database_url)
    on_server = not database_url.startswith("sqlite")
    server = request.getfixturevalue("postgres_server") if on_server else None
    built = bedside_site.build(tmp_path / "site")
    built.release()
    release_films(built)
    admin, people = built["administrator"].caller, built.site.people
    person = people.add(admin, "Person custodian-2", {Role.CUSTODIAN})
    second = people.sign_in(people.issue_key(admin, person.id, "test").secret, DOOR)
    (tmp_path / "out").mkdir()
    built.site.close()
    with (built.site.folder / "site.toml").open("a") as settings:
        settings.write(f'\n[backup]\nfolder = "{tmp_path}/out/backups"\n')
    built = replace(built, site=Site.open(built.site.folder))
    made = Ward(built, second, tmp_path / "out", database_url, server)
    with Journal(made.out / "service.log"):
        work(made)
    yield made
    built.site.close()


class Journal:
    """Everything that is logged, as the service logs it, at the chattiest level."""

    def __init__(self, path: Path) -> None:
        self._handler = logging.FileHandler(path)
        self._handler.setFormatter(utc_lines())
        self._handler.addFilter(lambda one: not one.name.startswith("http"))  # the test's client

    def __enter__(self) -> None:
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self._handler)
        root.setLevel(logging.DEBUG)

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self._handler)
        logging.getLogger().setLevel(self._level)
        self._handler.close()


def work(ward: Ward) -> None:
    """Let the person come, by every way, and somebody else too."""
    clinician, serving = ward.hospital["clinician"], ward.site.serving
    picture = base64.b64encode(dicom(film(170.0))).decode()
    with client_of(create_app(ward.site)) as client:
        row = {"input": INPUT, "subject": PATIENT}
        sent = {**clinician.headers, "idempotency-key": "visit-of-000123456"}
        for _ in range(2):
            answer = client.post(f"/v1/models/{MODEL}/predict", json=row, headers=sent)
            assert answer.status_code == 200, answer.text
        ward.ids["row"] = answer.json()["id"]
        bad = {"input": REFUSED, "subject": PATIENT}
        answer = client.post(f"/v1/models/{MODEL}/predict", json=bad, headers=clinician.headers)
        assert answer.status_code == 422
        client.get(f"/v1/predictions/{PATIENT}/trace", headers=clinician.headers)
        path = f"/v1/predictions/{ward.ids['row']}/trace"
        assert client.get(path, headers=clinician.headers).status_code == 200
        client.get(path, headers=ward.hospital["operator"].headers)
        metrics = client.get("/metrics", headers=ward.hospital["operator"].headers)
        (ward.out / "metrics.txt").write_bytes(metrics.content)
    (one,) = serving.predict_now(
        clinician.caller, FILMS, [Row({"image": picture}, PATIENT)], explain=True
    )
    ward.ids["film"] = one.id
    with suppress(InputRefused):
        serving.predict_now(clinician.caller, FILMS, [Row({"image": "AAAA"}, PATIENT)])
    (one,) = serving.predict_now(clinician.caller, MODEL, [Row(INPUT, "somebody-else")])
    ward.ids["other"] = one.id
    (one,) = serving.predict_now(clinician.caller, MODEL, [Row(OF_NOBODY)])
    ward.ids["nobody"] = one.id
    decision = Decision(Verdict.CORRECTED, "benign", REASON)
    serving.decide(clinician.caller, ward.ids["row"], decision)
    back_up(ward.site, ward.place)


def erase(ward: Ward, target: Target) -> None:
    erasing = ward.site.erasing
    asked = erasing.request(ward.hospital["custodian"].caller, target, "asked", "file-17")
    erasing.confirm(ward.second, asked.id, target)


def key_of(ward: Ward, name: str) -> str:
    entry = ward.site.serving._story.prediction(ward.ids[name])
    return str(entry.value["sealed"]["key"])


def opened_boxes(ward: Ward, keys: dict[str, bytes]) -> list[bytes]:
    """What the holder of the site key reads with these wrapped keys out of the whole ledger."""
    plain = []
    for entry in ward.site.ledger.entries():
        sealed = entry.value["sealed"]
        if sealed is None or sealed["key"] not in keys:
            continue
        with suppress(KeyUnavailable):
            secret = ward.site_key.unwrap(keys[sealed["key"]], sealed["key"].encode())
            box = Sealed(base64.b64decode(sealed["nonce"]), base64.b64decode(sealed["box"]))
            plain.append(SubjectKey(sealed["key"], secret).open(box, entry.id.encode()))
    return plain


def of_the_person(ward: Ward) -> set[bytes]:
    """Everything by which the person, or what came with them, could be recognised."""
    texts = [PATIENT, "山田-000123456", "000123456", REASON, "悪心-7731"]
    numbers = [17.934271, 987654.321]
    return needles(ward.site_key, texts, [INPUT, REFUSED, *numbers])


def in_the_backups(ward: Ward, wanted: set[bytes]) -> set[str]:
    """In which generations the holder of the site key finds any of these."""
    found = set()
    for name in ward.place.generations():
        manifest = ward.place.read(name)
        for part in ("data", "keys"):
            with opened(ward.place, manifest, part, ward.site_key) as records:
                inside = b"".join(
                    json.dumps(record.__repr__()).encode() + data for record, data in records
                )
            if any(one in inside for one in wanted):
                found.add(f"{name} {part}")
    return found


def test_nothing_of_an_erased_person_is_left_anywhere(ward: Ward) -> None:
    key = key_of(ward, "row")
    assert key == key_of(ward, "film")
    wrapped, lookup = ward.wrapped(key)
    secrets = {wrapped, *of_bytes(wrapped), lookup.encode(), bytes.fromhex(lookup)}
    wanted = of_the_person(ward) | secrets
    # before: the person is found by who has the files and the site key
    assert len(found_in(ward.files(), [key.encode()])) >= 2  # both databases are looked through
    before = found_in(ward.files(), wanted)
    assert lookup.encode() in set().union(*before.values())
    assert wrapped in set().union(*before.values())
    assert any(PATIENT.encode() in plain for plain in opened_boxes(ward, {key: wrapped}))
    assert in_the_backups(ward, secrets)

    erase(ward, Target(PATIENT))
    assert in_the_backups(ward, wanted) == set()  # those from before it
    export = ward.out / "export.jsonl"
    with export.open("wb") as stream:
        write_export(ward.site.ledger, stream)
    back_up(ward.site, ward.place)

    assert found_in(ward.files(), wanted) == {}
    assert in_the_backups(ward, wanted) == set()
    # every proof stands, here and elsewhere
    ward.site.verify()
    verify_export(export, ward.site.ledger.public_key)
    for name in ("row", "film"):
        document = ward.site.serving.trace(ward.second, ward.ids[name]).document()
        assert document["prediction"]["personal"] == "erased"
        verify_trace(document, ward.site.ledger.public_key)
    other = ward.site.serving.trace(ward.hospital["clinician"].caller, ward.ids["other"])
    assert other.prediction.personal["subject"] == "somebody-else"  # type: ignore[index]


def test_the_claim_of_an_erased_request_is_gone(ward: Ward) -> None:
    claims = claims_of(ward)
    assert len(claims) == 1
    assert found_in(ward.files(), [claims[0].encode()])
    erase(ward, Target(PATIENT))
    assert claims_of(ward) == []
    files = [
        path for path in ward.files() if ward.place.manifest_path("x").parent not in path.parents
    ]
    assert found_in(files, [claims[0].encode()]) == {}


def claims_of(ward: Ward) -> list[str]:
    with ward.site.database.read() as connection:
        found = connection.exec_driver_sql("SELECT name FROM ledger_claims")
        return [str(row[0]) for row in found]


def test_one_prediction_without_a_subject_is_erased_alone(ward: Ward) -> None:
    key = key_of(ward, "nobody")
    wrapped, _ = ward.wrapped(key)
    assert opened_boxes(ward, {key: wrapped})
    erase(ward, Target(prediction=ward.ids["nobody"]))
    wanted = needles(ward.site_key, [], [OF_NOBODY, 12.3456789]) | {wrapped, *of_bytes(wrapped)}
    assert found_in(ward.files(), wanted) == {}
    ward.site.verify()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_guess_of_the_input_cannot_be_confirmed_even_with_the_site_key(ward: Ward) -> None:
    erase(ward, Target(PATIENT))
    site, alive = ward.site, {}
    keys = site.subject_keys
    with keys._database.read() as connection:
        for row in connection.execute(keys._table.select()):
            if row.wrapped is not None:
                secret = ward.site_key.unwrap(row.wrapped, row.key_id.encode())
                alive[row.key_id] = SubjectKey(row.key_id, secret)
    erased = [
        entry
        for entry in site.ledger.entries()
        if entry.value["sealed"] and entry.value["sealed"]["key"] not in alive
    ]
    assert {entry.kind for entry in erased} == {"prediction", "refusal", "decision"}
    guess = json.dumps(INPUT, sort_keys=True, separators=(",", ":")).encode()
    digests = {entry.value["body"].get("input") for entry in erased}
    assert not digests & {key.digest(guess) for key in alive.values()}
    for entry in erased:  # and its length says no more than the step that it lies in
        box = base64.b64decode(entry.value["sealed"]["box"])
        assert (len(box) - 16) % 256 == 0
    told = [read_json(entry.event)["body"] for entry in erased]
    assert not any("17.9" in json.dumps(body) for body in told)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_search_finds_what_is_planted(ward: Ward) -> None:
    wanted = of_the_person(ward)
    assert found_in(files_under(ward.out), wanted) == {}
    path = ward.out / "planted"
    for plant in [*spelled("000123456"), *spelled(REASON), repr(17.934271).encode()]:
        path.write_bytes(b"\x00before " + plant + b" after")
        assert found_in([path], wanted), plant
    for shift in range(3):
        path.write_bytes(base64.b64encode(b"x" * shift + PATIENT.encode() + b"yz"))
        assert found_in([path], wanted), shift
    path.write_bytes(ward.site_key.derive(b"bedside/v1/subject-lookup"))
    assert found_in([path], wanted) == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.skipif(not TOOL.is_file(), reason="tools/verify_ledger.py missing: not built yet")
def test_the_standalone_verifier_agrees_after_an_erasure(ward: Ward) -> None:
    erase(ward, Target(PATIENT))
    export, public = ward.out / "export.jsonl", ward.out / "ledger.pub"
    buffer = io.BytesIO()
    write_export(ward.site.ledger, buffer)
    export.write_bytes(buffer.getvalue())
    public.write_text(ward.site.ledger.public_key.to_pem())
    done = subprocess.run(
        [sys.executable, str(TOOL), str(export), str(public)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
