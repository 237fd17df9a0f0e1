from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from bedside.package.card.content import card_content
from bedside.package.card.words.rests import MEASURES
from bedside.package.card.words.speaker import CATALOGUE, MOST_LISTED, Speaker
from bedside.package.fields import Language
from bedside.package.manifest import Evaluation
from tests.package.card.manifests import KINDS, evaluation, metric

CARD = Path(__file__).parents[3] / "src" / "bedside" / "package" / "card"
KEY = re.compile(r"-?[a-z]+(?:[-_][a-z_]+)*-?")
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(("key", "both"), [*CATALOGUE.items(), *MEASURES.items()])
class TestEveryEntry:
    def test_is_there_in_both_languages(self, key: str, both: tuple[str, str]) -> None:
        assert all(words.strip() for words in both), key

    def test_names_the_same_places_in_both(self, key: str, both: tuple[str, str]) -> None:
        assert places(both[0]) == places(both[1])

    def test_is_japanese_where_it_should_be(self, key: str, both: tuple[str, str]) -> None:
        letters = re.sub(r"\{\w+\}|\W|\d", "", both[1])
        assert JAPANESE.search(both[1]) or letters in {"", "n", "UTC", "ONNXRuntime"}
        assert not JAPANESE.search(both[0])

    def test_uses_the_wide_marks_of_japanese(self, key: str, both: tuple[str, str]) -> None:
        assert not re.search("[\u3040-\u30ff\u4e00-\u9fff][(:~]", both[1])
        assert "(" not in both[1]


def spoken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    said: set[str] = set()
    original = Speaker.__call__

    def listening(self: Speaker, key: str, **values: object) -> str:
        said.add(key)
        return original(self, key, **values)

    monkeypatch.setattr(Speaker, "__call__", listening)
    languages: tuple[Language, ...] = ("en", "ja")
    for manifest in KINDS.values():
        for language in languages:
            card_content(manifest, language)
            card_content(manifest.model_copy(update={"title": {"ja": "題"}}), language)
            lineage = manifest.lineage.model_copy(
                update={
                    "golden_from_real_rows": True,
                    "parent": manifest.lineage.data[0].digest,
                    "run_record": manifest.lineage.data[0].digest,
                    "environment": {"numpy": "2.0"},
                    "difference": manifest.lineage.difference.model_copy(update={"largest": 1e-7}),
                }
            )
            card_content(manifest.model_copy(update={"lineage": lineage}), language)
            card_content(manifest.model_copy(update={"evaluation": of_one_patient()}), language)
    return said


def of_one_patient() -> Evaluation:
    return evaluation(metric("Dice", 0.9, lower=0.9, upper=0.9, n=1))


def test_every_entry_is_spoken_by_some_card(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spoken(monkeypatch) == set(CATALOGUE)


def literals(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and isinstance(node.body[0], ast.Expr)
    }
    told |= {  # a docstring under a constant
        id(node.value) for node in tree.body if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value


@pytest.mark.parametrize("name", ["content", "takes", "decides", "operations", "rests", "volumes"])
def test_no_words_for_people_stand_outside_of_the_catalogue(name: str) -> None:
    for place, literal in literals(CARD / f"{name}.py"):
        letters = re.search(r"[^\W\d_]", literal)
        assert not letters or KEY.fullmatch(literal) or literal in {"T", "Z", ".2g"}, (
            f"{name}.py:{place} {literal!r}"
        )


@pytest.mark.parametrize("name", ["markdown", "page"])
def test_what_writes_a_card_adds_no_words_of_its_own(name: str) -> None:
    for _, literal in literals(CARD / f"{name}.py"):
        visible = re.sub(r"<[^>]*>?|[a-z-]+=\"[^\"]*\"?|[^\"]*\">", "", literal)
        assert not re.search(r"[A-Za-z]{4,} [a-z]{3,} [a-z]{2,}", visible), literal


def test_authors_words_in_the_other_language_carry_a_remark() -> None:
    say = Speaker("ja")
    assert say.author({"en": "hello"}) == ("hello", "en", say("only-in-en"))
    assert say.author({"en": "hello", "ja": "やあ"}) == ("やあ", "ja", "")
    assert Speaker("en").author({"ja": "やあ"}).remark.startswith("shown in Japanese")
    assert say.author({}).text == ""


def test_a_long_list_is_cut_and_counted() -> None:
    assert Speaker("en").listed(range(MOST_LISTED)).endswith(", 11")
    assert Speaker("en").listed(range(MOST_LISTED + 3)).endswith("and 3 more")


def test_values_are_never_read_as_a_pattern() -> None:
    assert "{0.__class__}" in Speaker("en")("made-digest", digest="{0.__class__}")
