from __future__ import annotations

import re

import pytest

from bedside.cli.demo_story import Story
from bedside.cli.screen import Page


def test_steps_are_numbered_and_timed(capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(Page())
    for what in ("Keys are made", "A model is trained"):
        with story.step(what):
            story.line(f"inside {what}")
    shown = capsys.readouterr().out
    assert re.fullmatch(
        r"\n1\. Keys are made\n   inside Keys are made\n   \d+\.\d s\n"
        r"\n2\. A model is trained\n   inside A model is trained\n   \d+\.\d s\n",
        shown,
    )


def test_a_step_that_fails_is_not_told_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(Page())

    def break_down() -> None:
        with story.step("Something breaks"):
            story.line("so far")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    assert capsys.readouterr().out == "\n1. Something breaks\n   so far\n"


def test_what_belongs_to_no_step_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(Page())
    story.end(lambda page: page.line("Goodbye."))
    assert capsys.readouterr().out == "Goodbye.\n"


def test_without_a_page_it_is_silent_and_keeps_the_facts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    story = Story(None)
    with story.step("Keys are made"):
        story.line("quietly")
        story.facts["keys"] = 1
    assert capsys.readouterr().out == ""
    assert story.facts == {"keys": 1}
    assert story.seconds() >= 0
