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


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in source_files()}


class TestEveryFile:
    """Each rule goes over all of the files, which are parsed once, and names every place that breaks it."""

    def test_is_short(self) -> None:
        lengths = {path: len(path.read_text().splitlines()) for path in source_files()}
        assert [f"{path}: {n}" for path, n in lengths.items() if n > MAX_FILE_LINES] == []

    def test_has_short_functions_with_few_parameters(self, trees: dict[Path, ast.Module]) -> None:
        places = [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for path, tree in trees.items()
            for node in functions(tree)
            if not is_small(node, command=path.parent.name == "cli")
        ]
        assert places == []

    def test_has_a_name_that_says_what_is_inside(self) -> None:
        paths = [path.relative_to(SOURCE) for path in source_files()]
        assert [
            path for path in paths if FORBIDDEN_NAMES.intersection({path.stem, *path.parts})
        ] == []

    def test_executes_nothing_that_it_was_given(self, trees: dict[Path, ast.Module]) -> None:
        places = [
            f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            for path, tree in trees.items()
            for node in ast.walk(tree)
            if is_called_to_execute(node) or (path != ISOLATED and is_unpickler(node))
        ]
        assert places == []


def is_small(node: ast.FunctionDef | ast.AsyncFunctionDef, *, command: bool) -> bool:
    if command:  # its parameters are its options, a line each
        return (node.end_lineno or 0) - node.body[0].lineno < MAX_FUNCTION_LINES
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    few = len([n for n in names if n not in {"self", "cls"}]) <= MAX_PARAMETERS
    return few and lines_without_docstring(node) <= MAX_FUNCTION_LINES


def is_called_to_execute(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in FORBIDDEN_CALLS
    )


def is_unpickler(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return bool(UNPICKLERS.intersection(a.name.split(".")[0] for a in node.names))
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS


LONG = "def f(a, b, c, d, e, f):\n" + "    pass\n" * 40


@pytest.mark.parametrize(
    ("source", "small"),
    [
        (LONG.replace("    pass\n", "", 1), True),
        (LONG, False),
        ("def f(self, a, b, c, d, e, f): pass", True),
        ("def f(a, b, c, d, e, f, *, g): pass", False),
    ],
)
def test_a_function_that_is_too_long_or_asks_too_much_is_found(source: str, *, small: bool) -> None:
    (node,) = functions(ast.parse(source))
    assert is_small(node, command=False) is small


@pytest.mark.parametrize("source", ["eval('1')", "exec(a)", "__import__('os')", "compile(a, b, c)"])
def test_a_call_that_executes_is_found(source: str) -> None:
    assert any(is_called_to_execute(node) for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["import pickle", "import os, joblib.x", "from marshal import loads"]
)
def test_an_unpickler_is_found(source: str) -> None:
    assert any(is_unpickler(node) for node in ast.walk(ast.parse(source)))


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
