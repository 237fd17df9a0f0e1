"""The commands of docs/how-to/prove-it-elsewhere.md, run as they stand."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from bedside.site.site import Site
from tests import bedside_site
from tests.api.running import running
from tests.bedside_site import Hospital
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "how-to" / "prove-it-elsewhere.md").read_text(encoding="utf-8")

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback, pytest.mark.slow]


def blocks(section: str, language: str) -> list[str]:
    part = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


@pytest.fixture
def south(tmp_path: Path) -> Hospital:
    built = bedside_site.build(tmp_path / "south" / "site")
    built.site.close()
    return built


@pytest.fixture
def north(tmp_path: Path) -> Hospital:
    built = bedside_site.build(tmp_path / "north" / "site")
    built.site.close()
    return built


def run(text: str, hospital: Hospital, role: str) -> str:
    """Run a block where the site is, as a person."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", text],
        cwd=hospital.site.folder.parent,
        env={**os.environ, "PATH": programs, "BEDSIDE_API_KEY": hospital[role].secret},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def set_in(hospital: Hospital, text: str, **said: str) -> None:
    for old, new in said.items():
        assert old in text
        text = text.replace(old, new)
    with (hospital.site.folder / "site.toml").open("a") as settings:
        settings.write("\n" + text)


def test_a_folder_and_another_machine(south: Hospital, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    [settings] = blocks("A folder", "toml")
    set_in(south, settings.replace("/mnt/elsewhere/witness", str(elsewhere)))
    [send] = blocks("A folder", "sh")
    assert run(send, south, "auditor").count("archive: agrees") == 2
    export, verify, against = blocks("On another machine", "sh")
    run(export, south, "auditor")
    shutil.copy(ROOT / "tools" / "verify_ledger.py", south.site.folder.parent)
    assert "all as they were signed" in run(verify, south, "auditor")
    told = run(against.replace("/mnt/elsewhere/witness", str(elsewhere)), south, "auditor")
    assert "saw the same, up to" in told
    assert "all as they were signed" in told
    [rekey] = blocks("Another signing key", "sh")
    assert "leads to this one" in run(rekey, south, "administrator")
    with Site.open(south.site.folder) as site:
        site.verify()
        assert site.witnessing.send()[0].standing == "agrees"


def test_another_bedside(south: Hospital, north: Hospital) -> None:
    shutil.copy(south.site.folder / "keys" / "ledger.vkey", north.site.folder.parent)
    [add] = blocks("Another Bedside", "sh")
    answer = run(add, north, "administrator")
    vkey = re.search(r'^vkey = "(.+)"$', answer, re.MULTILINE)
    assert vkey is not None
    with running(north.site.folder) as server:
        [settings] = blocks("Another Bedside", "toml")
        settings = settings.replace("bedside/…/witness+…+…", vkey[1])
        set_in(south, settings.replace("https://north.example", server.url))
        with Site.open(south.site.folder) as site:
            [state] = site.witnessing.send()
        assert (state.name, state.standing) == ("north", "agrees")


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = pytest.importorskip("moto.server", reason="moto missing: pip install moto[s3,server]")
    boto3 = pytest.importorskip("boto3", reason="boto3 missing: pip install boto3")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    peer = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    peer.start()
    host, port = peer.get_host_and_port()
    region = "eu-central-1"
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name=region)
    where = {"LocationConstraint": region}
    # its buckets live in the process: another test may have left some
    urlopen(Request(f"http://{host}:{port}" + "/moto-api/reset", method="POST"), timeout=10).close()
    client.create_bucket(Bucket="witness-of-ward", CreateBucketConfiguration=where)
    client.close()
    yield f"http://{host}:{port}"
    peer.stop()


def test_a_bucket(south: Hospital, endpoint: str) -> None:
    [settings] = blocks("A bucket", "toml")
    set_in(south, f'{settings}endpoint = "{endpoint}"\n')
    with Site.open(south.site.folder) as site:
        [state] = site.witnessing.send()
        assert (state.name, state.standing) == ("bucket", "agrees")
        assert len(list(site.witnessing.sightings("bucket"))) == 1
