from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from bedside.package.card.markdown import card_markdown
from bedside.package.card.page import card_html
from bedside.package.package import open_package
from tests.cli.conftest import Cli

PACKAGE = Path(__file__).parents[1] / "golden" / "package-1.bedside"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "model-card.md"
PAGE_PACKAGE = "breast-cancer-1.0.0.bedside"
MANIFEST = open_package(PACKAGE).manifest


def test_a_card_is_shown_as_markdown_in_english(cli: Cli) -> None:
    assert cli.done("card", PACKAGE) == card_markdown(MANIFEST, "en")


def test_a_card_is_written_as_a_page_in_japanese(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "card.html"
    shown = cli.done("card", PACKAGE, "--html", "--language", "ja", "-o", out)
    assert out.read_bytes() == card_html(MANIFEST, "ja").encode("utf-8")
    assert f"{out}: html of breast-cancer@1.0.0" in shown


def test_a_card_can_be_had_inside_json(cli: Cli) -> None:
    answer = cli.json("card", PACKAGE)
    assert answer["text"] == card_markdown(MANIFEST, "en")
    assert (answer["ref"], answer["kind"], answer["language"]) == (MANIFEST.ref, "markdown", "en")


def test_a_bill_of_materials_is_json_with_and_without_being_asked(cli: Cli, tmp_path: Path) -> None:
    shown = json.loads(cli.done("bom", PACKAGE))
    assert shown["bomFormat"] == "CycloneDX"
    assert cli.json("bom", PACKAGE) == shown
    out = tmp_path / "bom.json"
    assert cli.json("bom", PACKAGE, "-o", out)["out"] == str(out)
    assert json.loads(out.read_text(encoding="utf-8")) == shown


@pytest.mark.parametrize("command", ["card", "bom"])
class TestBoth:
    def test_what_is_no_package_is_refused(self, cli: Cli, tmp_path: Path, command: str) -> None:
        cli.refused(command, tmp_path / "none.bedside")
        (tmp_path / "x.bedside").write_bytes(b"PK\x03\x04")
        assert "The file ends" in cli.refused(command, tmp_path / "x.bedside")

    def test_a_folder_that_is_not_there_is_named(
        self, cli: Cli, tmp_path: Path, command: str
    ) -> None:
        refusal = cli.refused(command, PACKAGE, "-o", tmp_path / "no" / "x")
        assert "There is no folder" in refusal


def test_the_pages_commands_and_its_program_work(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(PACKAGE, PAGE_PACKAGE)
    blocks = re.findall(r"```(sh|python)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [language for language, _ in blocks] == ["sh", "sh", "python"]
    for language, text in blocks:
        if language == "python":
            exec(compile(text, str(PAGE), "exec"), {})  # noqa: S102 - our own page
            continue
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert program == "bedside"
            cli.done(*words)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"card.md", "card.html", "card-ja.html", "bom.json", PAGE_PACKAGE}
    assert Path("card.html").read_text(encoding="utf-8") == card_html(MANIFEST, "en")
