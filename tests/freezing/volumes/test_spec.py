from __future__ import annotations

from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import LimitExceeded, NotFound, UsageError
from bedside.freezing.spec_file import MAX_SPEC_BYTES
from bedside.freezing.volumes.spec import make_volume_spec, read_volume_spec
from tests.freezing.volumes.building import output_of, volume_answers, volume_spec


def without(*names: str) -> dict[str, Json]:
    return {name: value for name, value in volume_answers().items() if name not in names}


class TestASpec:
    def test_says_the_domain_as_the_manifest_will(self) -> None:
        declared = volume_spec().volume.declared()
        assert declared.kind == "volume"
        assert declared.modalities == ("MR",)
        assert declared.spacing.maximum == 10.0

    def test_that_lacks_answers_is_told_what_is_asked(self) -> None:
        with pytest.raises(UsageError, match="volume is missing") as refusal:
            make_volume_spec(without("volume", "title"))
        assert "title is missing (what people read, by language)" in refusal.value.message
        assert "freeze-meshnet.md" in refusal.value.advice

    def test_with_a_misspelt_word_is_told_the_right_one(self) -> None:
        with pytest.raises(UsageError, match="perhaps 'preprocessing' is meant"):
            make_volume_spec({**volume_answers(), "preprocesing": []})

    def test_with_a_question_still_open_is_a_draft(self) -> None:
        with pytest.raises(UsageError, match="is a draft"):
            make_volume_spec({**volume_answers(), "licence": "?"})

    def test_with_operations_out_of_order_is_refused(self) -> None:
        wrong: Json = [{"op": "minimum_maximum"}, {"op": "conform"}]
        with pytest.raises(UsageError, match="'conform' at place 1 stands after"):
            volume_spec(preprocessing=wrong)

    def test_with_an_unknown_operation_is_refused(self) -> None:
        with pytest.raises(UsageError, match="run_my_code"):
            volume_spec(preprocessing=[{"op": "run_my_code"}])

    def test_that_lacks_a_declared_language_is_refused(self) -> None:
        with pytest.raises(UsageError, match="lacks the declared language"):
            volume_spec(languages=["en", "ja"])

    def test_of_two_classes_has_a_threshold(self) -> None:
        output = {**output_of([{"value": 0, "label": "none"}, {"value": 1, "label": "brain"}])}
        del output["threshold"]
        with pytest.raises(UsageError, match="two classes have a threshold"):
            volume_spec(output=output)


class TestAFile:
    def test_that_is_not_there_is_not_found(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            read_volume_spec(tmp_path / "spec.toml")

    def test_that_is_too_large_is_refused_unread(self, tmp_path: Path) -> None:
        path = tmp_path / "spec.toml"
        path.write_bytes(b"#" * (MAX_SPEC_BYTES + 1))
        with pytest.raises(LimitExceeded):
            read_volume_spec(path)
