from __future__ import annotations

import pytest

from bedside.imaging.dicom.describing import imaging_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ax T1 MPRAGE 1.0mm", "ax t1 mprage 1.0 mm"),
        ("t2_tse_tra_FLAIR", "t2 tse tra flair"),
        ("Yamada Taro head T1", "head t1"),
        ("Yamada 19700101", ""),
        ("1970 01 01", ""),
        ("", ""),
        ("CT Body 3.0", "ct body 3.0"),
    ],
)
def test_only_words_of_imaging_are_left(text: str, words: str) -> None:
    assert imaging_words(text.encode()) == words


def test_the_second_text_counts_where_the_first_says_nothing() -> None:
    assert imaging_words(b"Taro", b"Sag T2") == "sag t2"


def test_any_character_set_is_taken() -> None:
    assert imaging_words("頭部 T1".encode("iso2022_jp")).endswith("t1")


def test_it_is_never_long() -> None:
    assert len(imaging_words(b"t1 " * 200)) <= 60
