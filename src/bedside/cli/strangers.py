"""`bedside inspect` on a file that is no package: what it would run, found without running it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bedside.canonical import Json
from bedside.cli.errors import document, refused
from bedside.cli.screen import Page, show

if TYPE_CHECKING:
    from bedside.freezing.strangers import Inspection

SUFFIXES: Final = (
    *(".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".safetensors", ".onnx"),
)
"""Files that are inspected here; every other is taken for a package."""


def inspect_stranger(path: Path, *, as_json: bool) -> None:
    """Show what a file that somebody else made holds; leave with 1 when that is code.

    Raises:
        NotFound, UsageError: there is no readable file.
        PackageDamaged: an ONNX file that no package may hold; the message says why.
    """
    if path.suffix == ".onnx":
        _inspect_network(path, as_json=as_json)
        return
    from bedside.freezing.strangers import inspect_file, refusal

    found = inspect_file(path)
    problem = refusal(found) if found.holds_code else None
    value = found.as_json() | (document(problem) if problem else {})
    show(value, lambda page: tell_inspection(page, found), as_json=as_json)
    if problem is not None:
        raise refused(problem)


def tell_inspection(page: Page, found: Inspection) -> None:
    """Write what was found, the worst first."""
    page.line(f"{found.file}   {found.kind}, {found.size} bytes", style="bold")
    page.check(not found.holds_code, f"holds {found.verdict.value}")
    page.pairs([("opcodes", ", ".join(f"{name} {n}" for name, n in found.opcodes.items()))])
    if found.names:
        rows = [(f"{one.module}.{one.name}", one.verdict.value, one.why) for one in found.names]
        page.table(("would import", "which is", "and"), rows)
    for doubt in found.doubts:
        page.line(f"– {doubt}")


def _inspect_network(path: Path, *, as_json: bool) -> None:
    from bedside.package.archive import read_file
    from bedside.runtime.onnx_wire import read_opset

    data = read_file(path)
    opset = read_opset(data)
    told = ", ".join(f"{domain} {version}" for domain, version in opset.items())
    value: dict[str, Json] = {
        "file": path.name,
        "size": len(data),
        "kind": "ONNX network",
        "verdict": "a network",
        "holds_code": False,
        "opset": dict(opset),
    }

    def tell(page: Page) -> None:
        page.line(f"{path.name}   ONNX network, {len(data)} bytes", style="bold")
        page.check(
            True, "is a network of ONNX's own operators; its bytes were read, and it was not run"
        )
        page.pairs([("operator sets", told)])

    show(value, tell, as_json=as_json)
