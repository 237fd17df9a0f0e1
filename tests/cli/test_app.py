from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import bedside
from bedside.cli.app import create_app
from tests.cli.conftest import Cli

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
WITHOUT_SITE = {
    *("keys new", "freeze", "inspect", "card", "bom", "lab train", "lab evaluate"),
    *("lab tasks", "lab dataset"),
    *("antspynet prefetch", "antspynet verify", "antspynet freeze"),
}


def commands() -> Iterator[tuple[str, object]]:
    root = get_command(create_app())
    assert isinstance(root, TyperGroup)
    yield from within(root, "")


def within(group: TyperGroup, before: str) -> Iterator[tuple[str, object]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            if command.invoke_without_command:  # a command of its own, too
                yield f"{before}{name}", command
            yield from within(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def options(command: object) -> set[str]:
    return {name for one in getattr(command, "params", []) for name in one.opts}


def test_the_page_of_commands_is_the_table_of_commands() -> None:
    told = re.findall(r"^\| `bedside ([a-z -]+?)[`A-Z\[]", PAGE.read_text(), flags=re.MULTILINE)
    assert [words.strip() for words in told] == [name for name, _ in commands()]


@pytest.mark.parametrize(("name", "command"), list(commands()))
class TestEveryCommand:
    def test_can_answer_in_json(self, name: str, command: object) -> None:
        assert "--json" in options(command)

    def test_takes_a_site_where_one_matters(self, name: str, command: object) -> None:
        assert ("--site" in options(command)) is (name not in WITHOUT_SITE)

    def test_never_takes_an_api_key_on_the_command_line(self, name: str, command: object) -> None:
        assert "--api-key" not in options(command)
        signing = {"freeze", "antspynet freeze", "lab train"}
        assert ("--key" in options(command)) is (name in signing)  # a key's file

    def test_says_what_it_does(self, name: str, command: object) -> None:
        assert re.match(r"[A-Z].*\.$", str(getattr(command, "help", "")).splitlines()[0])


def test_the_version_is_told(cli: Cli) -> None:
    assert cli.done("--version") == f"bedside {bedside.__version__}\n"


@pytest.mark.parametrize("words", [("no-such-command",), ("registry", "at"), ("ledger", "--what")])
def test_wrong_usage_leaves_with_2(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert "Usage: " in answer.err


def test_a_misspelt_command_is_guessed(cli: Cli) -> None:
    assert "Did you mean 'inspect'" in cli("inspct").err


def test_the_module_is_the_command() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "bedside", "--version"], capture_output=True, text=True, check=True
    )
    assert found.stdout == f"bedside {bedside.__version__}\n"


def test_help_is_quick_because_no_room_is_imported() -> None:
    program = (
        "import sys, bedside.__main__\n"
        "heavy = {'numpy', 'sqlalchemy', 'pydantic', 'onnxruntime', 'fastapi', 'cryptography',"
        " 'sklearn', 'pandas', 'alembic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "from bedside.cli.app import create_app\n"
        "create_app()\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_no_advice_names_a_command_that_is_not_there() -> None:
    known = {name for name, _ in commands()}
    groups = {name.split()[0] for name in known if " " in name}
    root = PAGE.parents[1]
    pages = [root / "README.md", root / "README.ja.md", *(root / "docs").rglob("*.md")]
    pages = [page for page in pages if page.parent.name != "spec"]  # formats, not commands
    checked = 0
    for path in (*(root / "src").rglob("*.py"), *pages):
        for mark, first, second in re.findall(
            r"(`?)\bbedside ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?", path.read_text(encoding="utf-8")
        ):
            if not mark and first not in known | groups:
                continue  # the word, not the command
            place = f"{path.relative_to(root)}: bedside {first} {second}"
            assert first in known or first in groups, place
            words = f"{first} {second}"
            whole = words in known or any(name.startswith(f"{words} ") for name in known)
            assert first not in groups or not second or whole, place
            checked += 1
    assert checked > 60
