from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from bedside.canonical import canonical_bytes
from bedside.errors import LedgerBroken, UsageError
from bedside.keys.signing import SigningKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.checkpoint import sign_checkpoint
from bedside.ledger.encoding import from_base64, to_base64
from bedside.ledger.events import Draft, EventKind, commit_to
from bedside.ledger.export import verify_export, write_export
from bedside.ledger.ledger import Ledger
from bedside.ledger.merkle import Frontier
from tests.conftest import SettableClock
from tests.ledger.drafts import prediction
from tests.ledger.tool import tool_says

SIZE = 4


@pytest.fixture
def export(ledger: Ledger, subject_keys: SubjectKeys, clock: SettableClock, tmp_path: Path) -> Path:
    """An export of four entries: signed at 0, at 2 and at its end."""
    ledger.checkpoint()
    for number in range(SIZE):
        key = subject_keys.for_nobody()
        ledger.record(prediction(number=number, sealed={"n": number}, key=key))
        clock.advance(1)
        if number == 1:
            ledger.checkpoint()
    return exported(ledger, tmp_path)


def exported(ledger: Ledger, folder: Path) -> Path:
    path = folder / "ledger.jsonl"
    with path.open("wb") as stream:
        write_export(ledger, stream)
    return path


def judge(path: Path, lines: list[bytes], ledger: Ledger) -> LedgerBroken:
    path.write_bytes(b"".join(lines))
    with pytest.raises(LedgerBroken) as problem:
        verify_export(path, ledger.public_key)
    return problem.value


def test_an_export_proves_itself_with_the_public_key_alone(export: Path, ledger: Ledger) -> None:
    verdict = verify_export(export, ledger.public_key)
    assert (verdict.entries, verdict.checkpoints) == (SIZE, 3)
    assert verdict.head == ledger.head()
    assert verdict == ledger.verify()


def test_an_empty_ledger_is_exported(ledger: Ledger, tmp_path: Path) -> None:
    verdict = verify_export(exported(ledger, tmp_path), ledger.public_key)
    assert (verdict.entries, verdict.checkpoints) == (0, 1)


def test_a_long_ledger_is_exported(ledger: Ledger, tmp_path: Path) -> None:
    for _ in range(3):
        ledger.record(*[prediction() for _ in range(400)])
        ledger.checkpoint()
    verdict = verify_export(exported(ledger, tmp_path), ledger.public_key)
    assert (verdict.entries, verdict.checkpoints) == (1200, 3)


def test_it_reads_as_json_lines_in_order(export: Path) -> None:
    lines = [json.loads(line) for line in export.read_text().splitlines()]
    kinds = ["header" if "format" in line else next(iter(line)) for line in lines]
    wanted = "header checkpoint entry entry checkpoint entry entry checkpoint"
    assert kinds == wanted.split()
    event = json.loads(lines[2]["entry"]["event"])
    assert event["body"] == {"number": 0, "score": 0.25}


def test_no_key_is_in_it(export: Path, ledger: Ledger, subject_keys: SubjectKeys) -> None:
    text = export.read_text()
    assert "KEY-----" not in text
    assert ledger.public_key.fingerprint not in text
    assert '"n":0' not in text  # the personal part stays sealed
    subject_keys.close()
    assert verify_export(export, ledger.public_key).entries == SIZE


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a file is a file
def test_every_flipped_byte_is_found(export: Path, ledger: Ledger) -> None:
    data = export.read_bytes()
    for position in range(len(data)):
        altered = bytearray(data)
        altered[position] ^= 0x20 if position % 2 else 0x01
        export.write_bytes(altered)
        with pytest.raises((LedgerBroken, UsageError)):
            verify_export(export, ledger.public_key)
    export.write_bytes(data)
    assert verify_export(export, ledger.public_key).entries == SIZE


def test_a_changed_event_is_named(export: Path, ledger: Ledger) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b"0.25", b"0.75")
    assert judge(export, lines, ledger).index == 2


@pytest.mark.parametrize(("line", "index"), [(2, 0), (3, 1), (5, 2), (6, 3)])
def test_a_deleted_entry_is_named(export: Path, ledger: Ledger, line: int, index: int) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    assert judge(export, lines[:line] + lines[line + 1 :], ledger).index == index


def test_entries_that_change_places_are_named(export: Path, ledger: Ledger) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    lines[5], lines[6] = lines[6], lines[5]
    assert judge(export, lines, ledger).index == 2


def test_a_cut_export_is_found_at_every_length(export: Path, ledger: Ledger) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    for count in range(1, len(lines)):
        judge(export, lines[:count], ledger)
    judge(export, [*lines[:-1], lines[-1][:-1]], ledger)


def test_a_line_too_many_is_found(export: Path, ledger: Ledger) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    for extra in (lines[-1], lines[-2], b"\n", b"{}\n", b'{"entry":{},"more":1}\n', b"[]\n"):
        judge(export, [*lines, extra], ledger)
    for place in range(1, len(lines)):
        judge(export, [*lines[:place], lines[place], *lines[place:]], ledger)


def test_another_spelling_of_the_same_json_is_found(export: Path, ledger: Ledger) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    spaced = lines[3].replace(b'"index":1', b'"index": 1')
    message = str(judge(export, [*lines[:3], spaced, *lines[4:]], ledger))
    assert "Line 4 of the export is not canonical JSON" in message


@pytest.mark.parametrize(
    ("line", "honest", "hostile"),
    [(0, '"v":1', '"v":true'), (2, '"index":0', '"index":false'), (3, '"index":1', '"index":true')],
)
def test_true_is_no_number(
    export: Path, ledger: Ledger, line: int, honest: str, hostile: str
) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    altered = lines[line].replace(honest.encode(), hostile.encode())
    assert altered != lines[line]
    export.write_bytes(b"".join([*lines[:line], altered, *lines[line + 1 :]]))
    with pytest.raises((LedgerBroken, UsageError)):
        verify_export(export, ledger.public_key)
    assert tool_says(export, ledger.public_key)[0] == (2 if line == 0 else 1)


def signed_by_the_site(events: list[bytes], signer: SigningKey) -> bytes:
    """Return an export of these events that the site itself signed, good or bad as they are."""
    tree, lines = Frontier(), []
    for index, event in enumerate(events):
        tree.push(commit_to(bytes(32), event))
        entry = {
            "event": event.decode(),
            "index": index,
            "root": to_base64(tree.root()),
            "salt": to_base64(bytes(32)),
        }
        lines.append({"entry": entry})
    header = {
        "format": "bedside-ledger-export",
        "origin": "bedside/test",
        "root": to_base64(tree.root()),
        "size": tree.size,
        "v": 1,
    }
    note = sign_checkpoint("bedside/test", tree.size, tree.root(), signer).note
    values = [header, *lines, {"checkpoint": note}]
    return b"".join(canonical_bytes(value) + b"\n" for value in values)


GOOD = canonical_bytes(
    {
        "about": "m@1",
        "actor": "p",
        "at": "2026-11-21T08:00:00.000000Z",
        "body": {},
        "credential": "",
        "door": "rest",
        "id": "one",
        "kind": "decision",
        "sealed": None,
        "v": 1,
    }
)


@pytest.mark.parametrize(
    ("honest", "hostile", "words"),
    [
        (b'"v":1', b'"v":true', "fields of version 1"),
        (b'"v":1', b'"v":1.0', "not canonical"),
        (b'{"about"', b'{ "about"', "not canonical"),
        (b'"credential":""', b'"credential":null', "credential is not text"),
        (b'"actor":"p"', b'"actor":7', "actor is not text"),
        (b'"body":{}', b'"body":[]', "body or sealed"),
        (b'"sealed":null', b'"sealed":{}', "body or sealed"),
        (b'"credential":"",', b"", "fields of version 1"),
        (b'"id":"one"', b'"id":"two"', "id 'two' is that of an earlier entry"),
    ],
)
def test_an_event_out_of_form_is_refused_even_where_the_site_signed_it(
    tmp_path: Path, signer: SigningKey, honest: bytes, hostile: bytes, words: str
) -> None:
    path, first = tmp_path / "x", GOOD.replace(b'"one"', b'"two"')
    path.write_bytes(signed_by_the_site([first, GOOD], signer))
    assert verify_export(path, signer.public).entries == 2
    assert tool_says(path, signer.public) == (0, None)
    path.write_bytes(signed_by_the_site([first, GOOD.replace(honest, hostile)], signer))
    with pytest.raises(LedgerBroken, match=words) as problem:
        verify_export(path, signer.public)
    assert problem.value.index == 1
    assert tool_says(path, signer.public) == (1, 1)


def test_an_export_of_nothing_needs_its_signature_too(tmp_path: Path, ledger: Ledger) -> None:
    path = exported(ledger, tmp_path)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(LedgerBroken, match="no checkpoint is signed"):
        verify_export(path, ledger.public_key)


def test_a_shortened_export_with_an_honest_header_lacks_its_signature(
    export: Path, ledger: Ledger
) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    header = json.loads(lines[0]) | {"size": 3, "root": json.loads(lines[5])["entry"]["root"]}
    problem = judge(export, [canonical_bytes(header) + b"\n", *lines[1:6]], ledger)
    assert problem.index == 2
    assert "no checkpoint is signed" in str(problem)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a file is a file
def test_an_export_made_to_fit_without_the_key_is_found(ledger: Ledger, tmp_path: Path) -> None:
    for _ in range(3):
        ledger.record(*[prediction(number=number) for number in range(3)])
        ledger.checkpoint()
    path = exported(ledger, tmp_path)
    honest = [json.loads(line) for line in path.read_bytes().splitlines()]
    places = [place for place, value in enumerate(honest) if "entry" in value]
    for index, place in enumerate(places):
        forged = json.loads(json.dumps(honest))
        entry = forged[place]["entry"]
        entry["event"] = entry["event"].replace("0.25", "0.75")
        moved = json.loads(json.dumps(honest))
        if index:
            before = places[index - 1]
            for name in ("event", "salt"):
                one, other = moved[before]["entry"], moved[place]["entry"]
                one[name], other[name] = other[name], one[name]
        for lines, first in ((forged, index), (moved, index - 1))[: 2 if index else 1]:
            path.write_bytes(made_to_fit(lines))
            with pytest.raises(LedgerBroken, match="is not what was signed") as problem:
                verify_export(path, ledger.public_key)
            assert problem.value.index == first // 3 * 3
            assert tool_says(path, ledger.public_key) == (1, first // 3 * 3)


def made_to_fit(lines: list[dict[str, Any]]) -> bytes:
    """Return an export with every root computed anew, under the checkpoints that there were."""
    tree = Frontier()
    for line in lines:
        if "entry" in line:
            entry = line["entry"]
            tree.push(commit_to(from_base64(entry["salt"]), entry["event"].encode()))
            entry["root"] = to_base64(tree.root())
    lines[0]["root"] = to_base64(tree.root())
    return b"".join(canonical_bytes(line) + b"\n" for line in lines)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where tracemalloc sees all
def test_a_long_ledger_takes_no_long_memory(ledger: Ledger) -> None:
    wide = [Draft(EventKind.DECISION, "m@1", "p", "rest", {"x": "y" * 2000}) for _ in range(4000)]
    ledger.record(*wide)
    del wide

    class Nowhere(io.RawIOBase):
        written = 0

        def write(self, data: Any) -> int:
            self.written += len(data)
            return len(data)

        def writelines(self, lines: Any) -> None:
            for line in lines:
                self.write(line)

    sink = Nowhere()
    tracemalloc.start()
    write_export(ledger, sink)  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sink.written > 9_000_000
    assert peak < 6_000_000


def test_an_export_signed_with_another_key_is_refused(export: Path) -> None:
    with pytest.raises(LedgerBroken, match="signed with another key"):
        verify_export(export, SigningKey.new().public)


def test_a_file_that_is_no_export_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    for content in (b"", b"{}\n", b'{"format":"other"}\n', b"[1]\n"):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(UsageError, match="not an export of a ledger"):
            verify_export(tmp_path / "x", ledger.public_key)
    with pytest.raises(UsageError, match="cannot be read"):
        verify_export(tmp_path / "missing", ledger.public_key)


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "x"
    with path.open("wb") as stream:
        stream.truncate(10**9)  # a sparse file of zeros
    with pytest.raises(LedgerBroken, match="cut off, or too long"):
        verify_export(path, ledger.public_key)


def test_an_event_that_is_not_text_cannot_be_exported(ledger: Ledger) -> None:
    ledger.record(prediction())
    with ledger.database.write() as connection:
        kind = "bytea" if ledger.database.dialect == "postgresql" else "blob"
        value = r"'\xff'::bytea" if kind == "bytea" else "x'ff'"
        connection.exec_driver_sql(f"UPDATE ledger_entries SET event = {value}")  # noqa: S608 - a constant
    with pytest.raises(LedgerBroken, match="entry 0: its event is not text"):
        write_export(ledger, io.BytesIO())
