from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import LimitExceeded, UsageError
from bedside.keys.sealing import Sealed
from bedside.keys.subjects import SubjectKey
from bedside.ledger.encoding import from_base64
from bedside.ledger.events import (
    MAX_EVENT_BYTES,
    Draft,
    EventKind,
    Fence,
    Spelled,
    commit_to,
    prepare,
    prepare_spelled,
)

AT = "2026-11-21T08:00:00.000000Z"
names = st.text(min_size=1, max_size=40).filter(lambda text: "\x00" not in text)
bodies = st.dictionaries(st.text(max_size=10), st.integers(-9, 9) | st.text(max_size=10))


@given(names, names, names, st.just("") | names, bodies)
def test_an_event_is_canonical_json_with_every_field(
    about: str, actor: str, door: str, credential: str, body: dict[str, Json]
) -> None:
    draft = Draft(EventKind.DECISION, about, actor, door, body, credential=credential)
    event = prepare(draft).event(AT)
    value = read_json(event)
    assert canonical_bytes(value) == event
    assert value == {
        "v": 1,
        "id": draft.id,
        "kind": "decision",
        "about": about,
        "at": AT,
        "actor": actor,
        "door": door,
        "body": body,
        "credential": credential,
        "sealed": None,
    }


def test_the_personal_part_is_sealed_and_bound_to_the_event() -> None:
    key = SubjectKey("key-1", bytes(32))
    draft = Draft(EventKind.PREDICTION, "m@1", "p", "rest", {}, sealed={"age": 52}, subject_key=key)
    event = prepare(draft).event(AT)
    assert b"age" not in event
    sealed = read_json(event)["sealed"]
    assert set(sealed) == {"key", "nonce", "box"}
    assert sealed["key"] == "key-1"
    assert len(from_base64(sealed["nonce"])) == 12


def test_a_personal_part_without_a_key_is_refused() -> None:
    draft = Draft(EventKind.PREDICTION, "m@1", "p", "rest", {}, sealed={"age": 52})
    with pytest.raises(UsageError, match="no key to seal it with"):
        prepare(draft)


@pytest.mark.parametrize("name", ["", "x" * 513, "a\x00b"])
def test_an_odd_name_is_refused(name: str) -> None:
    for draft in (
        Draft(EventKind.APPROVAL, name, "p", "rest"),
        Draft(EventKind.APPROVAL, "m@1", name, "rest"),
        Draft(EventKind.APPROVAL, "m@1", "p", name),
        Draft(EventKind.APPROVAL, "m@1", "p", "rest", id=name),
        *([Draft(EventKind.APPROVAL, "m@1", "p", "rest", credential=name)] if name else []),
    ):
        with pytest.raises(UsageError, match="cannot be"):
            prepare(draft)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(UsageError, match="no canonical JSON form"):
        prepare(Draft(EventKind.APPROVAL, "m@1", "p", "rest", {"x": float("nan")}))


def test_an_event_that_is_too_large_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="is too large"):
        prepare(Draft(EventKind.APPROVAL, "m@1", "p", "rest", {"x": "x" * MAX_EVENT_BYTES}))


def test_a_leaf_commits_to_salt_and_event() -> None:
    inner = hashlib.sha256(b"salt" + b"event").digest()
    assert commit_to(b"salt", b"event") == hashlib.sha256(b"\x00" + inner).digest()


def test_every_kind_is_a_word_of_the_specification() -> None:
    assert all(kind.value == kind.name.lower().replace("_", "-") for kind in EventKind)


@given(names, names, names, st.just("") | names, bodies)
def test_a_spelled_draft_is_the_same_event(
    about: str, actor: str, door: str, credential: str, body: dict[str, Json]
) -> None:
    draft = Draft(EventKind.DECISION, about, actor, door, body, credential=credential)
    spelled = Spelled(
        EventKind.DECISION,
        about,
        actor,
        door,
        canonical_bytes(body),
        draft.id,
        credential=credential,
    )
    assert prepare_spelled(spelled).event(AT) == prepare(draft).event(AT)


def test_the_personal_part_of_a_spelled_draft_is_sealed() -> None:
    key, personal = SubjectKey("key-1", bytes(32)), canonical_bytes({"age": 52, "name": "é"})
    spelled = Spelled(EventKind.PREDICTION, "m@1", "p", "rest", b"{}", "e-1", personal, key)
    event = prepare_spelled(spelled).event(AT)
    sealed = read_json(event)["sealed"]
    assert canonical_bytes(read_json(event)) == event
    box = Sealed(from_base64(sealed["nonce"]), from_base64(sealed["box"]))
    assert read_json(key.open(box, b"e-1")) == {"age": 52, "name": "é"}
    with pytest.raises(UsageError, match="no key to seal it with"):
        prepare_spelled(spelled._replace(subject_key=None))


@pytest.mark.parametrize("name", ["about", "actor", "door", "id", "credential"])
def test_a_name_that_unicode_cannot_say_is_refused(name: str) -> None:
    spelled = Spelled(EventKind.DECISION, "m@1", "p", "rest", b"{}", "e-1", b"{}", SubjectKey("k", bytes(32)))  # fmt: skip
    with pytest.raises(UsageError, match="no canonical JSON form"):
        prepare_spelled(spelled._replace(**{name: "\ud800"}))  # type: ignore[arg-type]


def test_a_draft_has_as_many_fences_as_its_author_read() -> None:
    one, other = Fence("release:m", 1), Fence("people", 2)
    draft = Draft(EventKind.DECISION, "m@1", "p", "rest")
    assert draft.fences == ()
    assert replace(draft, fence=one).fences == (one,)
    assert replace(draft, fence=one, further=(other,)).fences == (one, other)
    assert replace(draft, further=(other,)).fences == (other,)
