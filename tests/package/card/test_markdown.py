from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bedside.package.card.markdown import BREAK, card_markdown, escaped
from bedside.package.card.plain import written_out
from bedside.package.fields import Language
from bedside.package.manifest import Manifest
from tests.package.card.hostile import TEXT, hostile_and_harmless
from tests.package.card.manifests import KINDS

LANGUAGES: tuple[Language, ...] = ("en", "ja")

HEADINGS: dict[Language, list[str]] = {
    "en": [
        *("Model details", "Intended use", "Factors", "Metrics", "Evaluation data"),
        *("Training data", "Quantitative analyses", "Ethical considerations", "Caveats"),
    ],
    "ja": [
        *("モデルの詳細", "使用目的", "因子", "評価指標", "評価データ"),
        *("学習データ", "定量的分析", "倫理的配慮", "注意事項"),
    ],
}


def parsed(text: str) -> list[Token]:
    reader = MarkdownIt("commonmark").enable("table").enable("strikethrough")
    return [
        part for token in reader.parse(text) for part in (token, *(token.children or ())) if part
    ]


def shape(text: str) -> list[tuple[str, str]]:
    """What a reader makes of a card, without its words; neighbouring texts count as one."""
    found: list[tuple[str, str]] = []
    for token in parsed(text):
        one = (token.type, token.content if token.type == "html_inline" else token.tag)
        if token.type not in {"inline", "text"} or found[-1:] != [one]:
            found.append(one)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_hostile_texts_change_nothing_but_the_words(
        self, kind: str, language: Language
    ) -> None:
        hostile, harmless, replaced = hostile_and_harmless(kind)
        assert replaced > 15
        assert shape(card_markdown(hostile, language)) == shape(card_markdown(harmless, language))

    def test_holds_no_html_but_line_ends(self, kind: str, language: Language) -> None:
        hostile, _, _ = hostile_and_harmless(kind)
        for found, content in shape(card_markdown(hostile, language)):
            assert found != "html_block"
            assert found != "html_inline" or content == BREAK
            assert found not in {"link_open", "image", "fence", "code_block"}

    def test_has_the_headings_that_people_know(self, kind: str, language: Language) -> None:
        text = card_markdown(KINDS[kind], language)
        places = [text.index(f"\n## {heading}") for heading in HEADINGS[language]]
        assert places == sorted(places)

    def test_is_the_same_every_time(self, kind: str, language: Language) -> None:
        manifest = KINDS[kind]
        again = Manifest.model_validate_json(manifest.model_dump_json())
        assert card_markdown(manifest, language) == card_markdown(again, language)


@given(st.text(max_size=60).filter(str.isprintable) | st.sampled_from(TEXT.split("\n")))
@pytest.mark.parametrize("before", ["", "- **Name**: ", "1. ", "> "])
def test_markdown_shows_exactly_the_text(before: str, text: str) -> None:
    shown = "".join(
        token.content for token in parsed(before + escaped(text)) if token.type == "text"
    )
    assert shown.removeprefix("Name:").strip() == written_out(text).strip()


def test_a_license_or_a_number_is_not_littered_with_backslashes() -> None:
    for text in ("Apache-2.0", "0.5", "1.2.3", "sha256:00", "a (b); c, d. e!f"):
        assert escaped(text).replace("\\!", "!") == text
    assert escaped("1. one") == "1\\. one"


def test_what_the_reader_cannot_read_carries_a_remark() -> None:
    manifest = KINDS["tabular"]
    assert "as likely as not (日本語の記載がないため英語で表示" in re.sub(
        "\uff08", "(", card_markdown(manifest, "ja")
    )
    only = manifest.model_copy(update={"title": {"ja": "題"}, "languages": ("ja",)})
    assert card_markdown(only, "en").startswith(
        "# Model card: 題 (shown in Japanese: the manifest has no English)"
    )
