"""The commands of the pages on erasure and on the site key, run as they stand.

`bedside` is there a fork of a process that has imported everything (`preloaded.py`), but for one call
of the program as it is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.serving.values import Row
from bedside.site.site import Site
from tests.bedside_site import MODEL, ROW, Hospital, build
from tests.cli.preloaded import Preloaded

INSTALLED = Path(sys.executable).parent
PAGES = Path(__file__).resolve().parents[2] / "docs" / "how-to"


def blocks(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", (PAGES / page).read_text("utf-8"), re.M | re.S)


def run(script: str, folder: Path, first: Path = INSTALLED, **more: str) -> str:
    """Run one block in the site's parent folder, and return what it printed.

    Args:
        script: The block.
        folder: Where it runs.
        first: The folder in which `bedside` is found.
        more: Further variables.
    """
    programs = os.pathsep.join([str(first), str(INSTALLED), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-euc", script],
        cwd=folder,
        env={**os.environ, "PATH": programs, **more},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a `bedside` that starts at once."""
    with Preloaded(tmp_path_factory.mktemp("programs")) as preloaded:
        yield preloaded.programs


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    built = build(tmp_path / "site")
    keys = {"admin": built["administrator"].secret, "first": built["custodian"].secret}
    admin = built["administrator"].caller
    other = built.site.people.add(admin, "Person custodian-2", {"custodian"})
    keys["second"] = built.site.people.issue_key(admin, other.id, "test").secret
    for name, secret in keys.items():
        (tmp_path / f"{name}.key").write_text(secret)
        (tmp_path / f"{name}.key").chmod(0o600)
    built.release()
    yield built
    built.site.close()


@pytest.mark.slow
def test_the_page_on_erasure_erases(hospital: Hospital, tmp_path: Path, programs: Path) -> None:
    caller, serving = hospital["clinician"].caller, hospital.site.serving
    for subject in ("patient-1", "patient-2"):
        serving.predict_now(caller, MODEL, [Row(ROW, subject)])
    (one,) = serving.predict_now(caller, MODEL, [Row(ROW)])
    hospital.site.close()
    names = {"SUBJECT": "patient-1", "HELD": "patient-2", "PREDICTION": one.id}
    script = "\n".join(blocks("erase-a-person.md"))  # one shell: a block uses what another set
    assert script.count("bedside ") >= 10
    told = run(script, tmp_path, programs, **names)
    assert "Erased at" in told
    assert "patient-1" not in told
    with Site.open(hospital.site.folder) as site:
        assert site.subject_keys.known("patient-1") is None
        assert site.subject_keys.known("patient-2")
        states = [one.done is not None for one in site.erasing.told().erasures.values()]
        assert states == [True, False]


@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.loopback
def test_the_page_on_the_site_key_moves_it(
    hospital: Hospital, tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    hospital.site.close()
    (tmp_path / "passphrase").write_text("five random words are enough\n")
    (tmp_path / "passphrase").chmod(0o600)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        show, passphrase, kms, back = blocks("site-key.md")
        assert "fingerprint" in run(show, tmp_path)
        run(passphrase, tmp_path, programs)
        names = {"AWS_ENDPOINT_URL_KMS": endpoint, "AWS_DEFAULT_REGION": "ap-northeast-1"}
        run(kms, tmp_path, programs, KMS_KEY=kms_key(endpoint), **names)
        assert (tmp_path / "site" / "keys" / "site.key.wrapped").is_file()
        run(back, tmp_path, programs, **names)
    finally:
        server.stop()
    assert [path.name for path in (tmp_path / "site" / "keys").glob("site.key*")] == ["site.key"]


def kms_key(endpoint: str) -> str:
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415

    client = boto3.client("kms", region_name="ap-northeast-1", endpoint_url=endpoint)
    arn: str = client.create_key()["KeyMetadata"]["Arn"]
    client.close()
    return arn
