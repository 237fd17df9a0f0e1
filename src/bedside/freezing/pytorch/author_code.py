"""The author's class: imported from their file, and constructed. This runs their code.

Only the child process of `freezing` imports this module (a test holds that).
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from torch import nn

from bedside.canonical import Json
from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.pytorch.places import first_line, place_of


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """Where a class is.

    Attributes:
        path: The Python file.
        name: The class in it, or a function that returns a network.
    """

    path: Path
    name: str

    @property
    def public(self) -> str:
        """The class as the lineage names it, such as `net.Net`."""
        return f"{self.path.stem}.{self.name}"


def read_module_spec(text: str) -> ModuleSpec:
    """Return what `file.py:Class` names.

    Raises:
        UsageError: another form, a notebook, or no Python name.
        NotFound: there is no such file.
    """
    file, colon, name = text.rpartition(":")
    path = Path(file)
    if path.suffix == ".ipynb" or text.endswith(".ipynb"):
        raise UsageError(
            f"{Path(file or text).name!r} is a notebook.",
            advice="Copy the cell with the class and its imports into a file, such as net.py, and "
            "say --module net.py:Net.",
        )
    if not colon or path.suffix != ".py" or not name.isidentifier():
        raise UsageError(
            f"The class is given as {text!r}.", advice="Write the file and the class: net.py:Net."
        )
    if not path.is_file():
        raise NotFound(
            f"There is no file {path.name!r}.", advice="Give the path of the class's file."
        )
    return ModuleSpec(path.resolve(), name)


def construct(spec: ModuleSpec, arguments: Mapping[str, Json]) -> nn.Module:
    """Return the author's network, with fresh weights.

    Raises:
        FreezeRefused: the file or the constructor fails, or there is no such class; names the line.
        UsageError: the arguments are not those of the class.
    """
    found = _named(spec, import_file(spec.path))
    _check_arguments(spec, found, arguments)
    try:
        made = found(**arguments)
    except (Exception, SystemExit) as problem:  # the author's code may raise anything
        raise _failed(f"{spec.public} cannot be constructed", problem) from problem
    if not isinstance(made, nn.Module):
        raise FreezeRefused(
            f"{spec.public} gives a {type(made).__name__}, not a torch.nn.Module.",
            advice="Name the class of the network, or a function that returns it.",
        )
    return made


def import_file(path: Path) -> ModuleType:
    """Return the author's file as a module; its folder is searched for what it imports.

    Raises:
        FreezeRefused: the file fails, or imports something that is not here.
    """
    root, name = _package(path)
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None  # noqa: S101 - only for unknown suffixes
    assert found.loader is not None  # noqa: S101 - the same
    module = importlib.util.module_from_spec(found)
    sys.path.insert(0, str(root))
    try:
        if "." in name:
            importlib.import_module(name.rpartition(".")[0])
        sys.modules.setdefault(name, module)
        found.loader.exec_module(module)
    except (Exception, SystemExit) as problem:  # the author's code may raise anything
        raise _failed(f"{path.name} cannot be imported", problem) from problem
    finally:
        sys.path.remove(str(root))
        sys.path.append(str(root))  # for what is imported later; now it hides nothing of ours
    return module


def _package(path: Path) -> tuple[Path, str]:
    """Return the folder to search, and the dotted name of the file below it."""
    parts, folder = [path.stem], path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)


def _named(spec: ModuleSpec, module: ModuleType) -> Callable[..., object]:
    found = getattr(module, spec.name, None)
    if callable(found) and (not inspect.isclass(found) or issubclass(found, nn.Module)):
        return found
    there = sorted(
        name
        for name, one in vars(module).items()
        if inspect.isclass(one) and issubclass(one, nn.Module) and one.__module__ == module.__name__
    )
    what = "is no torch.nn.Module" if found is not None else "is not there"
    raise FreezeRefused(
        f"{spec.name!r} {what} in {spec.path.name}; it has the networks {there or 'none'}.",
        advice=f"Write --module {spec.path.name}:{there[0]}." if there else "Name another file.",
    )


def _check_arguments(
    spec: ModuleSpec, found: Callable[..., object], arguments: Mapping[str, Json]
) -> None:
    try:
        signature = inspect.signature(found)
    except ValueError:
        return
    try:
        signature.bind(**arguments)
    except TypeError as problem:
        raise UsageError(
            f"{spec.public}{signature} does not take the arguments {dict(arguments)}: {problem}.",
            advice="Give the arguments that the class was trained with: --arg NAME=VALUE, or "
            "[network.arguments] of the spec.",
        ) from problem


def _failed(what: str, problem: BaseException) -> FreezeRefused:
    place = place_of(problem)
    said = f"{type(problem).__name__}: {first_line(problem)}"
    return FreezeRefused(
        f"{what}: {said}{f', at {place}' if place else ''}.", advice=_way_out(problem)
    )


def _way_out(problem: BaseException) -> str:
    said = str(problem).lower()
    if isinstance(problem, ModuleNotFoundError):
        return f"Install {problem.name!r} here, or put its file beside the class's file."
    if isinstance(problem, SystemExit):
        return "Put what the file does when it is run under `if __name__ == '__main__':`."
    if "cuda" in said or "nvidia" in said:
        return "Freezing runs on the CPU: take .cuda() and device='cuda' out of the file."
    if isinstance(problem, SyntaxError):
        return "Correct the file; a notebook's lines with % or ! are no Python."
    if isinstance(problem, FileNotFoundError):
        return "Give the file's whole path, or take its reading out of the class: the weights come later."
    return "Correct the file so that the class can be imported and constructed by itself."
