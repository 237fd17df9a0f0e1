from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bedside.errors import UsageError
from bedside.freezing.meshnet.source import meshnet_facts
from bedside.freezing.volumes.draft import draft_volume_spec
from bedside.freezing.volumes.spec import make_volume_spec
from tests.freezing.meshnet.folders import PLAIN, TINY, folder_of


def draft(folder: Path) -> str:
    return draft_volume_spec(meshnet_facts(folder))


class TestADraft:
    def test_asks_until_everything_is_answered(self, tmp_path: Path) -> None:
        text = draft(folder_of(TINY, side=256).write(tmp_path / "brain-mask"))
        with pytest.raises(UsageError, match="is a draft") as refusal:
            make_volume_spec(tomllib.loads(text))
        assert "intended_use" in refusal.value.message

    def test_makes_a_spec_once_it_is_answered(self, tmp_path: Path) -> None:
        text = draft(folder_of(TINY, side=256).write(tmp_path / "brain-mask"))
        spec = make_volume_spec(tomllib.loads(answered(text)))
        assert spec.name == "brain-mask"
        assert [one.op for one in spec.preprocessing] == ["conform", "eight_bit", "minimum_maximum"]
        assert spec.output.kind == "segmentation"

    def test_asks_for_each_class_that_the_network_has(self, tmp_path: Path) -> None:
        text = draft(folder_of(PLAIN, side=256).write(tmp_path))
        assert text.count("[[output.classes]]") == 3
        assert "[output.threshold]" not in text


def answered(text: str) -> str:
    """Return a draft with an answer in each place; the same for all questions of one kind."""
    known = {
        "licence": '"MIT"',
        "claim_level": '"research"',
        "label": '"brain"',
        "trained_at": '"2026-11-21T08:00:00Z"',
        "digest": f'"sha256:{"0" * 64}"',
        "rows": "3",
        "n": "3",
        "value": "0.9",
        "lower": "0.8",
        "upper": "1.0",
    }
    lines = []
    for line in text.splitlines():
        name = line.partition(" = ")[0]
        if line.startswith("draft"):
            continue
        filled = line.replace('"?"', known.get(name, '"an answer"')) if name != "" else line
        lines.append(filled)
    return "\n".join(lines)
