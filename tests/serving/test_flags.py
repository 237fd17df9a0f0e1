from __future__ import annotations

from typing import get_args

from bedside.runtime.flags import Flag, FlagCode
from bedside.serving.flags import FLAGS, flag_words, flags_told


def test_every_flag_has_words_in_both_languages() -> None:
    assert set(FLAGS) == set(get_args(FlagCode))
    assert all(set(words) == {"en", "ja"} for words in FLAGS.values())


def test_a_flag_is_told_with_its_words_and_what_was_found() -> None:
    (told,) = flags_told([Flag("view-unstated", "nobody says the view")])
    assert told["code"] == "view-unstated"
    assert told["words"]["ja"].startswith("撮影方向")
    assert told["detail"] == "nobody says the view"


def test_a_flag_of_a_later_version_is_shown_as_it_is() -> None:
    assert flag_words("never-seen") == {"en": "never-seen", "ja": "never-seen"}
