"""The notebook does what it says against a real server; no notebook software is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests import bedside_site
from tests.api.running import running
from tests.bedside_site import MODEL

PAGE = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


def cells(kind: str) -> list[dict[str, Any]]:
    """Return the notebook's cells of one kind, in order."""
    notebook = json.loads(PAGE.read_text("utf-8"))
    assert notebook["nbformat"] == 4
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.mark.enable_socket
@pytest.mark.loopback
def test_its_cells_run_in_order_against_a_served_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hospital = bedside_site.build(tmp_path / "site")
    hospital.release()
    hospital.site.close()
    names: dict[str, Any] = {}
    with running(hospital.site.folder) as server:
        monkeypatch.setenv("BEDSIDE_URL", server.url)
        monkeypatch.setenv("MODEL", MODEL)
        monkeypatch.setenv("BEDSIDE_API_KEY", hospital["clinician"].secret)
        for cell in cells("code"):
            exec(compile("".join(cell["source"]), str(PAGE), "exec"), names)  # noqa: S102 - our own
    told = capsys.readouterr().out
    assert names["answer"]["label"] in told
    assert "refused:" in told
    assert "trained by the tests" in told
    with Site.open(hospital.site.folder) as site:
        assert len(site.ledger.find(kind=EventKind.DECISION)) == 1


def test_it_holds_no_output_and_no_key() -> None:
    for cell in cells("code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert "bds_" not in PAGE.read_text("utf-8")


def test_its_code_is_short() -> None:
    assert sum(len(cell["source"]) for cell in cells("code")) < 60
