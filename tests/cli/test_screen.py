from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bedside.cli.screen import (
    Page,
    complain,
    plain,
    probability,
    program,
    progress,
    show,
    write_json,
)


def test_control_characters_of_others_are_written_out() -> None:
    assert plain("a\x1b[31mred\x07\u202e\nb") == "a\\x1b[31mred\\x07\\u202e\nb"


def test_words_in_every_language_stay_as_they_are() -> None:
    assert plain("悪性 · naïve ✓") == "悪性 · naïve ✓"


def test_a_package_cannot_colour_or_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    page = Page()
    page.line("[green]✓ signature[/green]\x1b[2K")
    page.table(("name",), [("[red]x[/red]\x1b[1A",)])
    written = capsys.readouterr().out
    assert "\x1b" not in written
    assert "[green]✓ signature[/green]\\x1b[2K" in written
    assert "[red]x[/red]\\x1b[1A" in written


def test_a_long_line_is_not_broken_when_it_goes_to_a_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Page().line("sha256:" + "0" * 500)
    assert capsys.readouterr().out == "sha256:" + "0" * 500 + "\n"


def test_names_and_values_stand_in_columns_and_empty_ones_are_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Page().pairs([("seed", "7"), ("parent", ""), ("algorithm", "LR")], indent=2)
    assert capsys.readouterr().out == "  seed       7\n  algorithm  LR\n"


def test_json_is_one_document_and_keeps_japanese(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"label": "悪性"})
    written = capsys.readouterr().out
    assert json.loads(written) == {"label": "悪性"}


def test_json_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(float("nan"))


def test_the_text_is_not_written_when_json_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show({"a": 1}, lambda page: page.line("words"), as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": 1}
    show({"a": 1}, lambda page: page.line("words"), as_json=False)
    assert capsys.readouterr().out == "words\n"


def test_a_refusal_goes_to_stderr_with_its_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    complain("No key.", "Make one.")
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == "Refused: No key.\nNext:    Make one.\n"


def test_progress_is_silent_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress("Verifying"):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0000"),
        (1e-9, "< 0.0001"),
        (0.25, "0.2500"),
        (0.99999978, "> 0.9999"),
        (1.0, "1.0000"),
    ],
)
def test_a_probability_is_never_rounded_to_certainty(value: float, shown: str) -> None:
    assert probability(value) == shown


def test_the_program_is_named_as_it_can_be_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / ".venv/bin/bedside")])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == ".venv/bin/bedside"
    (tmp_path / "bedside").touch(mode=0o755)
    assert program() == "bedside"
