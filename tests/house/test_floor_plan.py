"""The house keeps its own rules: measured over the source, not believed."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "bedside"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_PARAMETERS = 6
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
UNPICKLERS = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
ISOLATED = SOURCE / "freezing" / "isolated_child.py"
"""The one place that unpickles: the author's own file, in a process of its own, while freezing."""


def source_files() -> list[Path]:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 40, "the source was not found"
    return files


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    docstring = ast.get_docstring(node, clean=False)
    return node.end_lineno - node.lineno + 1 - (docstring.count("\n") + 1 if docstring else 0)


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(SOURCE)))
class TestEveryFile:
    def test_is_short(self, path: Path) -> None:
        assert len(path.read_text().splitlines()) <= MAX_FILE_LINES

    def test_has_short_functions_with_few_parameters(self, path: Path) -> None:
        for node in functions(ast.parse(path.read_text())):
            place = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            if path.parent.name == "cli":  # a command's parameters are its options, a line each
                assert (node.end_lineno or 0) - node.body[0].lineno < MAX_FUNCTION_LINES, place
                continue
            assert lines_without_docstring(node) <= MAX_FUNCTION_LINES, place
            names = [
                a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            ]
            assert len([n for n in names if n not in {"self", "cls"}]) <= MAX_PARAMETERS, place

    def test_has_a_name_that_says_what_is_inside(self, path: Path) -> None:
        assert path.stem not in FORBIDDEN_NAMES
        assert not FORBIDDEN_NAMES.intersection(path.relative_to(SOURCE).parts)

    def test_executes_nothing_that_it_was_given(self, path: Path) -> None:
        for node in ast.walk(ast.parse(path.read_text())):
            place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in FORBIDDEN_CALLS, place
            if path == ISOLATED:
                continue
            if isinstance(node, ast.Import):
                assert not UNPICKLERS.intersection(a.name.split(".")[0] for a in node.names), place
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in UNPICKLERS, place


def test_every_room_but_the_homes_is_forbidden_each_outside_world() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rooms = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
    rooms -= {"__init__", "__pycache__"}
    worlds = [one for one in linter["contracts"] if one["type"] == "forbidden"]
    assert len(worlds) == 13
    for world in worlds:
        homes = set(re.split(r", |: ", world["name"])[1:])
        forbidden = {name.removeprefix("bedside.") for name in world["source_modules"]}
        assert forbidden | homes == rooms, world["name"]
        assert not forbidden & homes, world["name"]


def test_no_two_files_import_each_other_even_in_a_roundabout_way() -> None:
    graph = grimp.build_graph("bedside", exclude_type_checking_imports=True, cache_dir=None)
    assert len(graph.modules) > 150
    imports = {
        name: graph.find_modules_directly_imported_by(name) - {"bedside"} for name in graph.modules
    }
    TopologicalSorter(imports).prepare()  # CycleError names the files


def test_nothing_committed_names_a_package_registry() -> None:
    hosts = re.compile(r"pypi\.(org|python)|pythonhosted\.|registry\.npmjs|deb\.debian\.")
    for path in (*(ROOT / "locks").glob("*"), ROOT / "pyproject.toml", ROOT / "Makefile"):
        assert not hosts.search(path.read_text()), path


def test_every_locked_library_has_a_hash() -> None:
    for path in (ROOT / "locks").glob("*.txt"):
        if path.name.endswith(".constraint.txt"):
            continue
        text = path.read_text()
        pins = re.findall(r"^[a-z0-9].*?==", text, flags=re.MULTILINE)
        assert len(pins) >= (1 if path.stem == "monai" else 30)  # that one stands apart
        assert "--index-url" not in text
        for block in re.split(r"\n(?=[a-z0-9])", text)[1:]:
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_serving_lock_holds_nothing_that_trains() -> None:
    text = (ROOT / "locks" / "serve.txt").read_text()
    for library in ("scikit-learn", "skl2onnx", "pandas", "torch", "tensorflow"):
        assert not re.search(rf"^{library}==", text, flags=re.MULTILINE), library


def test_every_dependency_is_justified_in_one_line() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    page = (ROOT / "docs" / "dependencies.md").read_text()
    block = project[project.index("dependencies = [") : project.index("[project.scripts]")]
    names = re.findall(r'^\s+"([a-z0-9-]+)(?:\[[a-z-]+\])?>=', block, flags=re.MULTILINE)
    assert len(names) > 15
    for name in names:
        assert f"| {name} " in page, f"{name} has no line in docs/dependencies.md"
