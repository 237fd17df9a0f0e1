from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bedside.clock import new_id
from bedside.keys.pseudonyms import ALPHABET, Pseudonyms
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKeys

KNOWN = "P-R53A-523C-MN80-CMZ9"
HERE, THERE = Pseudonyms(SiteKey(bytes(32))), Pseudonyms(SiteKey(bytes(31) + b"\x01"))


def test_is_what_the_page_says() -> None:
    # HMAC-SHA256 under HKDF(32 zeros, "bedside/v1/pseudonym"), first 80 bits, Crockford's base 32
    assert HERE.of("01933a2f-6c00-7000-8000-000000000000") == KNOWN


def test_is_short_and_readable_and_the_same_each_time() -> None:
    name = HERE.of(new_id())
    assert re.fullmatch(rf"P(-[{ALPHABET}]{{4}}){{4}}", name)
    assert not set("ILOU") & set(ALPHABET)


@given(st.uuids().map(str))
def test_is_another_at_every_site(key_id: str) -> None:
    assert HERE.of(key_id) == HERE.of(key_id)
    assert HERE.of(key_id) != THERE.of(key_id)


def test_tells_people_apart() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert len({HERE.of(one) for one in ids}) == len(ids)


def test_leads_nowhere_once_the_key_is_destroyed(subject_keys: SubjectKeys) -> None:
    before = subject_keys.for_subject("patient-1").id
    subject_keys.destroy(before)
    after = subject_keys.for_subject("patient-1").id
    assert subject_keys.pseudonyms.of(before) != subject_keys.pseudonyms.of(after)
