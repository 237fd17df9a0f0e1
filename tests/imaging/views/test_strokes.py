from __future__ import annotations

import numpy as np
import pytest

from bedside.imaging.views.kana_and_kanji import SQUARE
from bedside.imaging.views.latin import LATIN
from bedside.imaging.views.strokes import HEIGHT, can_be_drawn, text
from bedside.imaging.views.words import CATALOGUE


def test_every_word_of_the_catalogue_has_its_characters() -> None:
    for words in CATALOGUE.values():
        drawn = (
            *words.conventions.values(), *words.planes.values(), words.unrecorded, words.probability,
        )  # fmt: skip
        for line in drawn:
            assert can_be_drawn(line), [one for one in line if not can_be_drawn(one)]


def test_no_two_characters_look_alike_but_the_letter_o_and_zero() -> None:
    seen: dict[bytes, str] = {}
    for character in (*LATIN, *SQUARE):
        ink = text(character)
        other = seen.setdefault(ink.tobytes() + bytes(ink.shape), character)
        assert {character, other} <= {"O", "0"} or character == other


def test_every_character_stays_within_its_line() -> None:
    for character in (*LATIN, *SQUARE):
        ink = text(character)
        assert ink.shape[0] == HEIGHT
        assert ink.max() > 0.6, character
        assert not ink[0].any(), character
        assert not ink[-1].any(), character


def test_small_letters_are_drawn_as_capitals_and_what_is_unknown_as_a_point() -> None:
    assert np.array_equal(text("brain"), text("BRAIN"))
    assert np.array_equal(text("é"), text("·"))
    assert not can_be_drawn("睾丸")
    assert can_be_drawn("Grey matter (left): 50 ㎜")


def test_an_empty_line_has_no_ink() -> None:
    assert not text("").any()


@pytest.mark.parametrize("word", ["脳", "脳マスク", "白質", "灰白質", "病変", "出血", "腫瘍", "骨"])
def test_what_is_often_found_can_be_written_in_japanese(word: str) -> None:
    assert can_be_drawn(word)
