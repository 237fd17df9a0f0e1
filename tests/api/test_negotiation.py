from __future__ import annotations

import pytest

from bedside.api.negotiation import preferred_language, preferred_type

TYPES = ("application/json", "text/plain")
LANGUAGES = ("en", "ja")


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/plain", "text/plain"),
        ("TEXT/Plain; charset=utf-8", "text/plain"),
        ("text/plain, application/json", "text/plain"),
        ("text/plain;q=0.5, application/json", "application/json"),
        ("application/json;q=0.5, text/plain;q=0.6", "text/plain"),
        ("text/*, application/json;q=0.9", "text/plain"),
        ("text/*", "text/plain"),
        ("text/plain, */*", "text/plain"),
        ("*/*, text/plain;q=0.1", "application/json"),
        ("*/*;q=0.1, application/json;q=0", "text/plain"),
        ("text/plain;q=0", "application/json"),
        ("text/plain;q=0, */*", "application/json"),
        ("text/plain;q=often, application/json;q=0.1", "application/json"),
        ("image/png", "application/json"),
        (",, ;q=1,", "application/json"),
    ],
)
def test_text_is_given_where_it_is_preferred(accept: str, wanted: str) -> None:
    assert preferred_type(accept, TYPES) == wanted


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("JA-jp, en;q=0.9", "ja"),
        ("en;q=0.1, ja", "ja"),
        ("en, ja", "en"),
        ("ja, en", "ja"),
        ("en-US, ja;q=0.95, en;q=0.9", "en"),
        ("fr, ja;q=0.2", "ja"),
        ("fr", "en"),
        ("*", "en"),
        ("en;q=0, *", "ja"),
        ("jam", "en"),
    ],
)
def test_the_language_is_the_one_that_is_preferred(accept: str, wanted: str) -> None:
    assert preferred_language(accept, LANGUAGES) == wanted
