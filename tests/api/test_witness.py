"""The door of the witness: known ledgers come in with a signature, and nobody else is heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.api.app import create_app
from bedside.ledger.cosignature import cosigned_at
from bedside.ledger.note import COSIGNATURE, ED25519, NoteKey, read_note, read_vkey
from bedside.ledger.witness_request import MAX_REQUEST_BYTES, request_body
from bedside.ledger.witness_rows import Pace
from bedside.ledger.witness_shelf import ShelfWitness, folder_of
from bedside.ledger.witnessing import Witnessing
from bedside.store.shelf import FolderShelf
from tests.api.client import Client, client_of
from tests.bedside_site import Hospital
from tests.ledger.witnesses import ORIGIN, Growing

ADD = "/v1/witness/add-checkpoint"
LATEST = f"/v1/witness/checkpoint/{folder_of(ORIGIN)}"


@pytest.fixture
def ledger(hospital: Hospital) -> Growing:
    """Another site's ledger of five entries, which the hospital witnesses."""
    found = Growing().grow(5)
    vkey = NoteKey(ORIGIN, ED25519, found.signer.public).vkey
    hospital.site.witnessed.add(hospital["administrator"].caller, vkey)
    return found


def test_a_site_that_witnesses_nobody_knows_nobody(client: Client) -> None:
    ledger = Growing().grow(5)
    for answer in (client.post(ADD, content=request_body(ledger.offer())), client.get(LATEST)):
        assert answer.status_code == 404
        assert answer.text == "This log is not known here.\n"


def test_a_checkpoint_is_cosigned_and_told_again(
    client: Client, ledger: Growing, hospital: Hospital
) -> None:
    assert client.get(LATEST).status_code == 204
    answer = client.post(ADD, content=request_body(ledger.offer()))
    assert answer.status_code == 200
    told = client.get(LATEST)
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    assert told.text == ledger.checkpoint().note + answer.text
    host = hospital.site.witnessed.host()
    assert host is not None
    assert cosigned_at(read_note(told.text), host.key)
    vkey = (hospital.site.folder / "keys" / "witness.vkey").read_text()
    assert read_vkey(vkey, COSIGNATURE) == host.key
    assert host.key.name == f"{hospital.site.settings.origin}/witness"


def test_each_answer_has_the_status_of_c2sp(client: Client, ledger: Growing) -> None:
    def ask(body: bytes) -> tuple[int, str]:
        answer = client.post(ADD, content=body)
        return answer.status_code, answer.headers["content-type"].partition(";")[0]

    assert ask(b"") == (400, "text/plain")
    assert ask(request_body(Growing().grow(3).offer())) == (403, "text/plain")
    assert ask(request_body(ledger.offer(3))) == (409, "text/x.tlog.size")
    assert ask(request_body(ledger.offer())) == (200, "text/plain")
    forged = ledger.fork(4).grow(1, "forged")
    assert ask(request_body(forged.offer(5))) == (409, "text/plain")
    assert ask(request_body(forged.grow(1).offer(5))) == (422, "text/plain")
    assert ask(b"x" * MAX_REQUEST_BYTES) == (400, "text/plain")


def test_a_long_request_is_refused_before_it_is_read(client: Client, ledger: Growing) -> None:
    answer = client.post(ADD, content=b"x" * (MAX_REQUEST_BYTES + 1))
    assert answer.status_code == 413
    assert client.get(ADD).status_code == 405
    assert ledger.leaves


def test_it_is_told_where_the_own_witnesses_stand(
    client: Client, hospital: Hospital, tmp_path: Path
) -> None:
    headers = hospital["operator"].headers
    assert client.get("/readyz").json() == {"status": "ready"}
    assert "bedside_witness_standing{" not in client.get("/metrics", headers=headers).text
    away = ShelfWitness("archive", "x", FolderShelf(tmp_path / "nothing"))
    site = hospital.site
    site.witnessing = Witnessing(site.ledger, [away], Pace(), site.clock)
    site.witnessing.send()
    assert client.get("/readyz").json() == {"status": "ready", "witness": "away"}
    text = client.get("/metrics", headers=headers).text
    assert 'bedside_witness_standing{standing="away",witness="archive"} 1.0' in text
    size = site.ledger.head().size
    assert f'bedside_witness_behind_entries{{witness="archive"}} {float(size)}' in text


def test_the_application_ends_with_the_site(hospital: Hospital) -> None:
    with client_of(create_app(hospital.site)) as client:
        assert client.get("/healthz").status_code == 200
