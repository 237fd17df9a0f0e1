from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import InputRefused, Refusal
from bedside.serving.pictured import MAX_TEXT, kept_anything, kept_row, refused_file

FILE = b"\x89PNG and so on" * 100
TEXT = base64.b64encode(FILE).decode()
NAMED = {"digest": "sha256:" + hashlib.sha256(FILE).hexdigest(), "bytes": len(FILE)}


def test_a_picture_is_named_by_the_digest_of_its_file() -> None:
    assert kept_row({"image": TEXT, "view": "PA"}) == {"image": NAMED, "view": "PA"}


@pytest.mark.parametrize("name", ["view", "modality", "body_part"])
def test_a_picture_that_is_stated_beside_a_picture_is_not_kept(name: str) -> None:
    kept = kept_row({"image": TEXT, name: TEXT})
    assert set(kept[name]) == {"digest", "characters"}


def test_whoever_sends_a_file_hears_nothing_of_base64() -> None:
    sent = InputRefused(
        (
            Refusal(0, "image", "corrupt", "cut off", "a png file, as base64"),
            Refusal(0, "view", "unstated", "nothing", "PA"),
        )
    )
    assert [one.allowed for one in refused_file(sent).refusals] == ["a png file", "PA"]


def test_a_refused_picture_is_named_in_the_same_way() -> None:
    assert kept_anything({"image": TEXT, "view": None}) == {"image": NAMED, "view": None}


def test_text_that_is_no_base64_is_named_by_its_own_digest() -> None:
    sent = "no base64 " * 50
    kept = kept_anything({"image": sent})
    digest = "sha256:" + hashlib.sha256(sent.encode()).hexdigest()
    assert kept == {"image": {"digest": digest, "characters": 500}}


@pytest.mark.parametrize(
    "sent",
    [
        {"imgae": TEXT},
        {"image": {"data": TEXT}},
        {"image": [TEXT]},
        {"view": [TEXT]},
        {TEXT: 1},
        TEXT,
        [TEXT, TEXT],
        {"image": TEXT[:-1] + "\ud800"},
    ],
)
def test_a_picture_under_any_name_is_not_kept(sent: Any) -> None:
    assert TEXT[: MAX_TEXT + 1] not in json.dumps(kept_anything(sent))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=400),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=300), inner, max_size=80)
    ),
    max_leaves=100,
)


@given(ANY)
def test_whatever_was_sent_what_is_kept_is_small(sent: Any) -> None:
    assert len(json.dumps(kept_anything(sent))) < 64 * (6 * MAX_TEXT * 2 + 200)
