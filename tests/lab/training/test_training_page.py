"""The page on training names settings, files and commands that there are."""

from __future__ import annotations

import re
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_command

from bedside.cli.app import create_app
from bedside.lab.training.settings import Settings
from bedside.lab.training.training import Nobody, Order, train
from tests.lab.training.tiny import RowSettings, RowTask

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "train-a-model.md").read_text("utf-8")
OF_TASKS = {"data"}
MEANT = {"name"}  # as in `name=value`


def test_every_setting_is_one() -> None:
    named = set(re.findall(r"(?<![-\w.])([a-z_]+)=[\w~/]", PAGE)) - OF_TASKS - MEANT
    assert len(named) > 10
    assert named <= set(Settings.model_fields), named - set(Settings.model_fields)


def test_every_command_has_the_options_that_are_shown() -> None:
    lab = get_command(create_app("lab"))
    assert isinstance(lab, TyperGroup)
    group = lab.commands["lab"]
    assert isinstance(group, TyperGroup)
    shown = re.sub(r"\\\n\s*", " ", "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)))
    lines = re.findall(r"bedside lab (\w+)([^\n#]*)", shown)
    assert {name for name, _ in lines} == {"dataset", "tasks", "train", "evaluate"}
    for name, rest in lines:
        known = {one for parameter in group.commands[name].params for one in parameter.opts}
        assert set(re.findall(r"(?<=\s)--?[a-z-]+", rest)) <= known, (name, rest)


def test_a_run_leaves_the_files_of_the_table(tmp_path: Path) -> None:
    settings = RowSettings(steps=1)
    train(Order("rows", RowTask(settings), settings, watch=Nobody()), tmp_path)
    told = set(re.findall(r"^\| `([a-z-]+(?:…\.safetensors|\.[a-z]+))`", PAGE, re.M))
    left = {re.sub(r"-\d{8}", "-…", path.name) for path in tmp_path.glob("[!.]*")}
    assert told == (left | {"run-record.json"}) - {"checkpoint-….json"}
