from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from bedside.package.card.page import card_html, policy
from bedside.package.card.plain import written_out
from bedside.package.card.style import STYLE
from bedside.package.fields import Language
from bedside.package.manifest import Manifest
from tests.package.card.hostile import TEXT, hostile_and_harmless
from tests.package.card.manifests import KINDS

LANGUAGES: tuple[Language, ...] = ("en", "ja")
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav"),
    *("section", "h1", "h2", "p", "strong", "code", "span", "a", "ol", "ul", "li", "dl", "dt"),
    *("dd", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure"),
    *("figcaption", "svg", "line", "circle"),
}
VOID = {"meta"}

NAMES = {
    *("Bedside", "bedside", "verify", "ONNX", "Runtime", "onnxruntime", "numpy", "float32"),
    *("DICOM", "PNG", "JPEG", "CR", "DX", "XC", "CHEST", "PA", "UTC", "Platt", "Shapley"),
    *("NIfTI", "MR", "HEAD", "RAS", "LIA", "mm", "mL", "Dice", "ANTsPyNet", "brain_extraction"),
    *("Mitchell", "et", "al.", "Model", "Cards", "for", "Reporting"),
    *("basic", "bilinear", "box", "golden.json", "model.onnx", "small", "tumour"),
    *("radius", "sex", "age", "weights", "intercept", "word"),
}
"""What is no Japanese on a Japanese card: names, and what the manifest says in one language."""


class Read(HTMLParser):
    """Tags with attributes in order, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == [], "a tag is left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def shape(page: str) -> list[tuple[str, list[str]]]:
    return [(tag, sorted(attributes)) for tag, attributes in Read(page).tags]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_hostile_texts_change_nothing_but_the_words(
        self, kind: str, language: Language
    ) -> None:
        hostile, harmless, replaced = hostile_and_harmless(kind)
        assert replaced > 15
        page = card_html(hostile, language)
        assert shape(page) == shape(card_html(harmless, language))
        assert written_out(TEXT) in Read(page).words

    def test_runs_and_loads_nothing(self, kind: str, language: Language) -> None:
        hostile, _, _ = hostile_and_harmless(kind)
        for tag, attributes in Read(card_html(hostile, language)).tags:
            assert tag in TAGS
            assert not any(name.startswith("on") or name == "style" for name in attributes)
            assert not {"src", "srcset", "action", "data", "xlink:href"} & set(attributes)
            assert (attributes.get("href") or "#").startswith("#")

    def test_can_be_found_through_by_a_screen_reader(self, kind: str, language: Language) -> None:
        tags = Read(card_html(KINDS[kind], language)).tags
        assert ("html", {"lang": language}) in tags
        assert [tag for tag, _ in tags if tag in {"h1", "h2"}] == ["h1"] + ["h2"] * 11
        ids = Counter(attributes["id"] for _, attributes in tags if "id" in attributes)
        assert set(ids.values()) == {1}
        links = {a["href"] for tag, a in tags if tag == "a"}
        assert links <= {f"#{name}" for name in ids}
        assert all(a.get("scope") in {"row", "col"} for tag, a in tags if tag == "th")
        captions = [tag for tag, _ in tags if tag in {"table", "caption"}]
        assert captions == ["table", "caption"] * (len(captions) // 2)

    def test_speaks_no_english_of_its_own_in_japanese(self, kind: str, language: Language) -> None:
        page = card_html(hostile_and_harmless(kind)[1], "ja")
        words = Read(page[page.index("<body>") :].removesuffix("</html>\n")).words
        words = re.sub(r"sha256:[0-9a-f]{64}", "", words)
        assert set(re.findall(r"[A-Za-z][A-Za-z0-9_.]+", words)) <= NAMES

    def test_is_the_same_every_time(self, kind: str, language: Language) -> None:
        manifest = KINDS[kind]
        again = Manifest.model_validate_json(manifest.model_dump_json())
        assert card_html(manifest, language) == card_html(again, language)


def test_the_browser_is_told_to_run_and_load_nothing() -> None:
    page = card_html(KINDS["film"], "en")
    assert f"<style>{STYLE}</style>" in page
    content = next(a["content"] or "" for tag, a in Read(page).tags if "http-equiv" in a)
    assert content == policy()
    assert content.startswith("default-src 'none'; style-src 'sha256-")
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def test_words_in_another_language_are_marked_for_the_reading_voice() -> None:
    page = card_html(KINDS["tabular"], "ja")
    assert '<span lang="en">as likely as not</span>' in page


def test_a_model_of_films_tells_its_domain_and_its_steps_in_plain_words() -> None:
    words = Read(card_html(KINDS["film"], "en")).words
    for told in ("CHEST", "64 rows, 32 to 512 columns", "correlation of at least 0.5"):
        assert told in words
    assert "Keep the square in the middle" in words
    assert "covered, moved by 4" in words


def test_estimates_are_drawn_inside_their_line() -> None:
    page = card_html(KINDS["operations"], "en")
    bars = re.findall(r'class="bar" x1="([\d.]+)" x2="([\d.]+)"', page)
    assert len(bars) == 2
    assert all(0 <= float(start) < float(end) <= 240 for start, end in bars)
    assert "<svg" not in card_html(KINDS["number"], "en")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours. Source: WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_text_has_enough_contrast() -> None:
    colour = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", STYLE))
    for text in ("ink", "soft", "accent"):
        assert contrast(colour[text], colour["ground"]) > 4.5
        assert contrast(colour[text], colour["tint"]) > 4.5
    assert contrast(colour["warn"], colour["warn-tint"]) > 4.5
    assert contrast(colour["ink"], colour["warn-tint"]) > 4.5
