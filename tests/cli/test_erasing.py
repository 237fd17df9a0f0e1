"""`bedside erase`, `hold`, `erasures …`, `holds …` and `keys site …`, as people type them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bedside.keys.site_keys import passphrase
from tests.cli.conftest import Cli, Ward

PATIENT = "patient-0042"


@pytest.fixture
def treated(cli: Cli, released: Ward, row: Path) -> Ward:
    """A ward with two custodians that has predicted for somebody."""
    for name in ("custody-1", "custody-2"):
        out = released.keys / f"{name}.key"
        words = ("--role", "custodian", "--key-out", out)
        cli.done("people", "add", name, *words, *released.as_("admin"))
    rows = released.keys / "rows.json"
    rows.write_text(json.dumps([{"input": json.loads(row.read_text()), "subject": PATIENT}]))
    return released


def predicted(cli: Cli, ward: Ward, subject: str | None = PATIENT) -> str:
    from bedside.serving.values import Row  # noqa: PLC0415
    from bedside.site.site import Site  # noqa: PLC0415

    value = json.loads((ward.keys / "rows.json").read_text())[0]["input"]
    secret = (ward.keys / "clinician.key").read_text().strip()
    with Site.open(ward.site) as site:
        caller = site.people.sign_in(secret, "cli")
        (one,) = site.serving.predict_now(caller, "breast-cancer", [Row(value, subject)])
    return one.id


def test_two_custodians_erase_a_person_and_the_trace_says_so(cli: Cli, treated: Ward) -> None:
    one = predicted(cli, treated)
    first, second = treated.as_("custody-1"), treated.as_("custody-2")
    asked = cli.json("erase", "-", "--reason", "asked", "--case", "f-17", *first, stdin=PATIENT)
    assert (asked["state"], asked["of"]) == ("pending", "person")
    assert PATIENT not in json.dumps(asked)
    said = cli.refused("erase", PATIENT, "--confirm", asked["erasure"], *first)
    assert "cannot confirm it" in said
    [waiting] = cli.json("erasures", "list", *treated.as_("auditor"))
    assert waiting["erasure"] == asked["erasure"]
    assert "f-17" in cli.done("erasures", "list", *second)
    told = cli.done("erase", "-", "--confirm", asked["erasure"], *second, stdin=PATIENT + "\n")
    assert "Erased at" in told
    assert PATIENT not in told
    trace = cli.done("trace", one, *treated.as_("auditor"))
    assert "requested by custody-1" in trace
    assert "confirmed by custody-2" in trace
    assert cli.json("erasures", "list", *second) == []
    [done] = cli.json("erasures", "list", "--all", *second)
    assert done["state"] == "done"
    assert cli.json("erasures", "finish", "--site", treated.site)["done"] == [asked["erasure"]]
    cli.done("ledger", "verify", "--site", treated.site)
    doctor = {one["name"]: one for one in cli.json("doctor", "--site", treated.site)["findings"]}
    assert doctor["erasures"]["detail"] == "1 done; 0 legal holds stand"


def test_a_hold_forbids_it_and_another_custodian_lifts_it(cli: Cli, treated: Ward) -> None:
    predicted(cli, treated)
    first, second = treated.as_("custody-1"), treated.as_("custody-2")
    words = ("--name", "case-2026-14", "--reason", "complaint")
    assert "Held: case-2026-14" in cli.done("hold", PATIENT, *words, *first)
    said = cli.refused("erase", PATIENT, "--reason", "asked", *second)
    assert "'case-2026-14' (complaint)" in said
    assert "case-2026-14" in cli.done("holds", "list", *treated.as_("auditor"))
    assert "cannot lift it" in cli.refused("holds", "lift", "case-2026-14", *first)
    assert "Lifted" in cli.done("holds", "lift", "case-2026-14", *second)
    assert cli.json("holds", "list", *first) == []
    [lifted] = cli.json("holds", "list", "--all", *first)
    assert lifted["lifted"]


def test_a_request_is_withdrawn(cli: Cli, treated: Ward) -> None:
    one = predicted(cli, treated, None)
    first = treated.as_("custody-1")
    asked = cli.json("erase", "--prediction", one, "--reason", "mistake", *first)
    assert asked["of"] == "prediction"
    assert "Withdrawn" in cli.done("erasures", "withdraw", asked["erasure"], *first)
    assert "no erasure" in cli.refused("erasures", "withdraw", "nothing", *first)


@pytest.mark.parametrize(
    "words",
    [
        ("erase", PATIENT),
        ("erase", PATIENT, "--reason", "asked", "--confirm", "x"),
        ("erase", "--reason", "asked"),
        ("erase", PATIENT, "--prediction", "x", "--reason", "asked"),
        ("erase", PATIENT, "--reason", "because"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(cli: Cli, ward: Ward, words: tuple[str, ...]) -> None:
    key = ward.keys / "clinician.key"
    assert cli(*words, "--site", ward.site, "--key-file", key).code == 2


def test_the_site_key_moves_behind_a_passphrase_and_back(
    cli: Cli, ward: Ward, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(passphrase, "COST", {"n": 2**10, "p": 1, "r": 8})
    shown: Any = cli.json("keys", "site", "show", "--site", ward.site)
    assert (shown["source"], shown["left_over"]) == ("file", [])
    words = tmp_path / "words"
    words.write_text("five random words are enough\n")
    words.chmod(0o600)
    said = cli.refused("keys", "site", "move", "passphrase", *ward.as_("auditor"))
    assert "may not keys-manage" in said
    option = ("--passphrase-file", words)
    moved = cli.json("keys", "site", "move", "passphrase", *option, *ward.as_("admin"))
    assert moved["fingerprint"] == shown["fingerprint"]
    assert not (ward.site / "keys" / "site.key").exists()
    assert "opened by a passphrase" in cli.done("keys", "site", "show", "--site", ward.site)
    [change] = cli.json("ledger", "list", "--kind", "configuration-changed", *ward.as_("auditor"))
    assert change["body"]["settings"]["keys"]["source"] == "passphrase"
    assert change["door"] == "cli"
    words.write_text("five other words are no use\n")
    assert "does not open" in cli.refused("keys", "site", "show", "--site", ward.site)
    words.write_text("five random words are enough\n")
    cli.done("keys", "site", "move", "file", *ward.as_("admin"))
    assert cli.json("keys", "site", "show", "--site", ward.site)["source"] == "file"


def test_a_site_begins_where_it_is_told_to(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("--name", "Ward", "--admin", "Admin", "--site", tmp_path / "site")
    assert cli("init", *names, "--site-key", "nowhere").code == 2
    assert cli("init", *names, "--site-key", "aws-kms").code == 2
    assert cli("init", *names, "--site-key", "file", "--kms-key", "x").code == 2
    monkeypatch.setenv("BEDSIDE_SITE_KEY", base64.b64encode(bytes(32)).decode())
    cli.done("init", *names, "--site-key", "environment")
    assert not list((tmp_path / "site" / "keys").glob("site.key*"))
    assert cli.json("keys", "site", "show", "--site", tmp_path / "site")["source"] == "environment"
