from __future__ import annotations

from bedside.package.bom import bill_of_materials
from bedside.package.card.markdown import card_markdown
from bedside.package.card.page import card_html
from tests.api.client import Client
from tests.bedside_site import MODEL, Hospital

CARD = f"/v1/models/{MODEL}/card"


def test_the_card_is_a_page_that_loads_nothing(client: Client, hospital: Hospital) -> None:
    manifest = hospital.site.serving.models.fetch(MODEL).manifest
    sent = client.get(CARD, headers=hospital["clinician"].headers)
    assert sent.status_code == 200
    assert sent.headers["content-type"] == "text/html; charset=utf-8"
    assert sent.text == card_html(manifest, "en")
    policy = sent.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "style-src 'sha256-" in policy


def test_the_card_comes_in_the_form_and_language_that_are_wanted(
    client: Client, hospital: Hospital
) -> None:
    manifest = hospital.site.serving.models.fetch(MODEL).manifest
    wanted = {"accept": "text/markdown", "accept-language": "ja-JP"}
    sent = client.get(CARD, headers=hospital["clinician"].headers | wanted)
    assert sent.headers["content-type"] == "text/markdown; charset=utf-8"
    assert sent.text == card_markdown(manifest, "ja")


def test_the_bill_of_materials_is_cyclonedx(client: Client, hospital: Hospital) -> None:
    manifest = hospital.site.serving.models.fetch(MODEL).manifest
    sent = client.get(f"/v1/models/{MODEL}/bom", headers=hospital["auditor"].headers)
    assert sent.headers["content-type"] == "application/vnd.cyclonedx+json"
    assert sent.json() == bill_of_materials(manifest)


def test_nobody_sees_either_without_a_key(client: Client) -> None:
    assert client.get(CARD).status_code == 401
    assert client.get(f"/v1/models/{MODEL}/bom").status_code == 401


def test_a_model_that_is_not_here_has_neither(client: Client, hospital: Hospital) -> None:
    for path in ("card", "bom"):
        sent = client.get(f"/v1/models/nothing/{path}", headers=hospital["clinician"].headers)
        assert sent.status_code == 404
