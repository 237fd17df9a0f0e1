"""Whoever reads why an analysis ended reads words, whatever ended it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bedside.clock import new_id
from bedside.jobs.job import Job, State
from bedside.serving.analysis_ends import ENDS, words_of
from bedside.serving.analysis_words import Outcome

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "how-to" / "analyse-volumes.md"
SAID = re.compile(r'(?:State\.[A-Z]+,|_over\(job, key,|code =|return)\s"([a-z]+(?:-[a-z]+)*)"')


def ended(code: str) -> Job:
    return Job(new_id(), "analysis", "m", "p", "k", "u", "t", b"", 1, state=State.FAILED, code=code)


@pytest.mark.parametrize("code", sorted(ENDS))
def test_every_code_has_words_of_its_own_and_a_row_in_the_table(code: str) -> None:
    message, _ = words_of(ended(code), None)
    assert message.endswith(".")
    assert len(message.split()) > 2
    assert re.search(rf"^\|[^|]*`{code}`[^|]*\|", DOCS.read_text(), re.MULTILINE)


def test_what_was_found_goes_before_what_is_known_of_its_kind() -> None:
    found = Outcome(message="The file is 4-D.", advice="Send one volume.")
    assert words_of(ended("cannot-be-analysed"), found) == (found.message, found.advice)


def test_every_code_that_the_source_gives_has_words() -> None:
    room = ROOT / "src" / "bedside"
    sources = [*(room / "jobs").glob("*.py"), room / "serving" / "analysis_trade.py"]
    given = {code for path in sources for code in SAID.findall(path.read_text())}
    assert {"ended-repeatedly", "too-large", "upload-damaged", "erased"} <= given
    assert given <= set(ENDS), given - set(ENDS)
