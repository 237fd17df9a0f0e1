from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.client import Client
from tests.api.running import Running, running
from tests.bedside_site import MODEL, Hospital


def test_the_front_door_leads_to_the_documentation(client: Client) -> None:
    sent = client.get("/")
    assert (sent.status_code, sent.headers["location"]) == (307, "docs")


def test_nothing_on_the_page_comes_from_elsewhere(client: Client) -> None:
    page = client.get("/docs")
    assert not re.search(r"https?://|src=\"//|href=\"//", page.text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert client.get(f"/{path}").status_code == 200, path


def test_the_page_is_swagger_ui_5_which_knows_openapi_3_1(client: Client) -> None:
    script = client.get("/docs/assets/swagger-ui-bundle.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert re.search(rb'PACKAGE_VERSION:"5\.', script.content)


def test_no_other_file_is_given(client: Client) -> None:
    for name in ("redoc.standalone.js", "..%2fcore.py", "__init__.py"):
        assert client.get(f"/docs/assets/{name}").status_code == 404


@pytest.mark.enable_socket
@pytest.mark.loopback
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium missing: apt-get install it")
def test_a_browser_without_internet_shows_the_model(hospital: Hospital, tmp_path: Path) -> None:
    hospital.site.close()
    with running(hospital.site.folder) as server:
        shown = _shown(server, tmp_path)
    operation = f"predict_{MODEL.replace('-', '_')}"
    assert f'id="operations-predict-{operation}"' in shown
    assert "1.2.3: A small model" in shown
    assert "Failed to load" not in shown
    assert "Unable to render" not in shown


def _shown(server: Running, profile: Path) -> str:
    """Return the page as the browser built it; every name but ours resolves to nothing."""
    done = subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={profile}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--virtual-time-budget=10000",
            "--dump-dom",
            f"{server.url}/docs",
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
