"""Every answer of every route has the security headers, whatever it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.routing import BaseRoute, Route

from bedside.api.app import create_app
from bedside.api.headers import base_headers
from bedside.site.proxy_settings import ProxySettings
from tests.api.client import Client, client_of
from tests.bedside_site import MODEL, Hospital

HEADERS = {name.decode(): value.decode() for name, value in base_headers(tls=False)}
PAGES = {"/docs", "/v1/models/{name}/card"}
KEPT = {"/docs/assets/{name}"}
"""What a browser may keep; nothing of a patient is in it."""


def paths_of(client: Client) -> list[tuple[str, str]]:
    """Every route with each of its methods."""
    found: list[BaseRoute] = []
    for one in client.app.routes:
        included = getattr(one, "original_router", None)
        found += [one] if included is None else included.routes
    assert all(isinstance(one, Route) for one in found), found
    return [
        (route.path, method)
        for route in found
        if isinstance(route, Route)
        for method in sorted(route.methods or ())
    ]


def test_every_route_answers_everybody_with_every_header(
    client: Client, hospital: Hospital
) -> None:
    asked = paths_of(client)
    assert len(asked) > 20
    for path, method in asked:
        filled = re.sub(r"\{name\}", MODEL, path)
        filled = re.sub(r"\{[^}]*\}", "0", filled)
        for headers in ({}, *(hospital[role].headers for role in ("clinician", "auditor"))):
            answer = client.request(method, filled, headers=headers)
            own = {"content-security-policy"} if path in PAGES else set()
            own |= {"cache-control"} if path in KEPT and answer.status_code == 200 else set()
            for name, value in HEADERS.items():
                found = answer.headers.get_list(name)
                assert len(found) == 1, (method, filled, name, found)
                assert name in own or found == [value], (method, filled, name, found)


def test_what_is_on_no_route_has_every_header_too(client: Client) -> None:
    for method, path in (
        ("GET", "/nothing"),
        ("PUT", "/healthz"),
        ("TRACE", "/"),
        ("GET", "/docs/"),
    ):
        answer = client.request(method, path)
        assert answer.status_code in (404, 405)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/docs", f"/v1/models/{MODEL}/card"])
def test_a_page_lets_a_browser_run_nothing_that_stands_within_it(
    client: Client, hospital: Hospital, path: str
) -> None:
    page = client.get(path, headers=hospital["clinician"].headers)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for part in ("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert "<script>" not in page.text
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", page.text)


def test_only_behind_tls_browsers_are_told_to_use_nothing_else(hospital: Hospital) -> None:
    with client_of(create_app(hospital.site)) as client:
        assert "strict-transport-security" not in client.get("/healthz").headers
    proxy = ProxySettings(tls=True)
    hospital.site.settings = hospital.site.settings.model_copy(update={"proxy": proxy})
    with client_of(create_app(hospital.site)) as client:
        told = client.get("/healthz").headers["strict-transport-security"]
    assert told == "max-age=31536000"


def test_no_answer_about_a_patient_is_kept_anywhere(client: Client, hospital: Hospital) -> None:
    for path in ("/v1/models", "/v1/predictions/0/trace", f"/v1/models/{MODEL}/example"):
        answer = client.get(path, headers=hospital["clinician"].headers)
        assert answer.headers["cache-control"] == "no-store"


def test_no_header_names_what_we_run_on(client: Client) -> None:
    for path in ("/healthz", "/docs", "/nothing"):
        for name in ("server", "x-powered-by", "via"):
            assert name not in client.get(path).headers


def test_every_header_is_spelled_once_and_none_in_a_way_that_browsers_ignore() -> None:
    names = [name for name, _ in base_headers(tls=True)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(rb"[a-z-]+", name) for name in names)
    source = Path(__file__).parents[2] / "src" / "bedside" / "api" / "headers.py"
    assert "unsafe" not in source.read_text("utf-8")
