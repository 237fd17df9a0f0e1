"""Finds out what kind of file a stranger's file is, follows all of its pickles, and judges."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.strangers.archives import Entry, is_packed, open_entry, read_entries
from bedside.freezing.strangers.findings import Findings
from bedside.freezing.strangers.inspection import Inspection, Verdict
from bedside.freezing.strangers.machine import follow
from bedside.freezing.strangers.names import sort_name
from bedside.freezing.strangers.safetensors_header import check_tensors, looks_like_tensors
from bedside.freezing.strangers.stream import Lost, Part, Stream
from bedside.freezing.strangers.tar import BLOCK, begins_tar
from bedside.freezing.strangers.torch_archive import UNKNOWN, plan_of
from bedside.freezing.strangers.unpacking import Unpacked, compression

SUFFIXES: Final = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt")
"""Files that hold pickles, or that PyTorch reads as such."""

MOST_PICKLES: Final = 64
"""Pickles one after the other in one file."""

_TORCH_MAGIC: Final = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The first pickle of a file of PyTorch before 1.6 (torch.serialization.MAGIC_NUMBER)."""

_TORCH_PICKLES: Final = 5
"""Magic number, version, system, object, keys of the tensors; their bytes follow."""

_SAFETENSORS: Final = ".safetensors"

_TENSORS: Final = "safetensors file"
_PICKLE_NAMES: Final = (".pkl", ".pickle", ".joblib", "_pkl")

SAFE_WAYS: Final = (
    "Do not load it. Ask its author for a .bedside package, or for a file that holds no code: "
    "torch.save(model.state_dict(), …), safetensors, skops or ONNX. Only if you made this file "
    "yourself, say so with --i-made-this."
)


def inspect_file(path: Path | str) -> Inspection:
    """Return what the file at `path` would import and call when read; nothing of it is run.

    Reads `.pkl` and `.joblib` files of pickle protocols 0 to 5, compressed or not, and all that
    `torch.save` writes, in its present form and in that before PyTorch 1.6. Whatever cannot be followed counts as code.

    Raises:
        NotFound: there is no such file.
        UsageError: it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFound(f"There is no file {str(path)!r}.", advice="Give the path of a file.")
    findings = Findings()
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            kind = _kind(file, size, findings)
        if path.suffix == _SAFETENSORS and kind != _TENSORS:
            findings.doubt("it is no safetensors file, whatever its name says")
    except OSError as problem:
        raise UsageError(f"{str(path)!r} cannot be read: {problem}.") from problem
    return _judged(path.name, size, kind, findings)


def refuse_code(path: Path | str) -> Inspection:
    """Return what the file at `path` holds; refuse it when reading it would run code.

    Raises:
        FreezeRefused: it holds code, or cannot be followed; the message lists what it imports,
            the advice says how to hand a model over safely.
        NotFound, UsageError: there is no readable file.
    """
    found = inspect_file(path)
    if found.holds_code:
        raise refusal(found)
    return found


def refusal(found: Inspection) -> FreezeRefused:
    """Return the refusal of a file that holds code."""
    return FreezeRefused(
        f"{found.words} Reading it would run what its writer put in, with all your rights.",
        advice=SAFE_WAYS,
    )


def _judged(name: str, size: int, kind: str, findings: Findings) -> Inspection:
    order = list(Verdict)
    names = sorted(
        {sort_name(one.module[:200], one.name[:200]) for one in findings.names},
        key=lambda one: (-order.index(one.verdict), not one.why, one.module, one.name),
    )
    worst = names[0].verdict if names else Verdict.WEIGHTS
    return Inspection(
        file=name,
        size=size,
        kind=kind,
        verdict=Verdict.CODE if findings.doubts else worst,
        names=tuple(names),
        opcodes=MappingProxyType(dict(sorted(findings.opcodes.items()))),
        doubts=tuple(findings.doubts),
    )


def _kind(file: BinaryIO, size: int, findings: Findings) -> str:
    """Follow everything in `file`; return what kind of file it is, told by its bytes alone."""
    first = file.read(BLOCK)
    if begins_tar(first):
        findings.doubt(
            "it can be read as a tar archive as early PyTorch wrote, which is not followed"
        )
        return "tar archive"
    if looks_like_tensors(first, size):
        return _tensors(file, first, size, findings)
    kind = "zip archive"
    try:
        if first.startswith(b"PK\x03\x04"):
            return _archive(file, size, findings)
        kind = _packed_kind(first)
        return _pickles(_opened(file, first, size, findings), findings, kind)
    except Lost as problem:
        findings.doubt(str(problem))
    return kind


def _packed_kind(first: bytes) -> str:
    packing = compression(first)
    return "pickle" if packing is None else f"pickle compressed with {packing}"


def _opened(file: BinaryIO, first: bytes, size: int, findings: Findings) -> Stream:
    """Return the pickles in `file`, unpacked where they are compressed."""
    whole, packing = Part(file, 0, size), compression(first)
    return Stream(whole if packing is None else Unpacked(whole, packing, findings.unpacking))


def _tensors(file: BinaryIO, first: bytes, size: int, findings: Findings) -> str:
    """Check a safetensors file, and that a reader of pickles would import nothing from it."""
    try:
        check_tensors(file, size)
    except Lost as problem:
        findings.doubt(f"it begins as safetensors: {problem}")
    other = Findings(budget=findings.budget, unpacking=findings.unpacking)
    try:
        stream = _opened(file, first, size, other)
        for _ in range(MOST_PICKLES):
            follow(stream, other, arrays=True)
    except Lost:
        pass  # where a reader of pickles stops too
    if other.names or other.doubts:
        findings.doubt("it can be read as a pickle too")
        findings.names.update(other.names)
    return _TENSORS


def _pickles(stream: Stream, findings: Findings, kind: str) -> str:
    """Follow the pickles of `stream`, one after the other; return what kind of file it is."""
    torch = _TORCH_MAGIC in stream.look(len(_TORCH_MAGIC) + 2)
    most = _TORCH_PICKLES if torch else MOST_PICKLES
    for number in range(most):
        position = stream.position
        try:
            follow(stream, findings, arrays=not torch)
        except Lost as problem:
            where = f", in what follows its pickle at byte {position}" if number else ""
            findings.doubt(f"{problem}{where}")
            break
        if not torch and stream.at_end():
            break
    else:
        if not torch:
            findings.doubt(f"it holds more than {most} pickles")
    if torch:
        return "PyTorch file of the form before 1.6"
    if any(name.module == "joblib.numpy_pickle" for name in findings.names):
        return kind.replace("pickle", "joblib file")
    return kind


def _archive(file: BinaryIO, size: int, findings: Findings) -> str:
    """Follow all that may be a pickle in a zip; return what kind of archive it is."""
    entries = read_entries(file, size)
    plan = plan_of([entry.name for entry in entries])
    for words in plan.doubts:
        findings.doubt(words)
    for entry in entries:
        if plan.kind != UNKNOWN and is_packed(entry):
            findings.doubt(
                f"its entry {entry.name[:80]!r} is compressed, and torch.save compresses nothing"
            )
        elif entry.name == plan.program:
            _alone(Stream(open_entry(file, entry, findings.unpacking)), findings)
        elif entry.name not in plan.known:
            _attempt(file, entry, findings)
    return plan.kind


def _alone(stream: Stream, findings: Findings) -> None:
    """Follow the only pickle of an entry, with nothing behind it."""
    follow(stream, findings)
    if not stream.at_end():
        findings.doubt("something follows the pickle in its entry data.pkl")


def _attempt(file: BinaryIO, entry: Entry, findings: Findings) -> None:
    """Name what an entry would import if it is a pickle; the archive has a doubt in any case."""
    other = Findings(budget=findings.budget, unpacking=findings.unpacking)
    try:
        stream = Stream(open_entry(file, entry, findings.unpacking))
        follow(stream, other)
    except Lost as problem:
        if not entry.name.endswith(_PICKLE_NAMES):
            return
        other.doubt(f"{problem}, in its entry {entry.name[:80]!r}")
    for words in other.doubts:
        findings.doubt(words)
    findings.opcodes.update(other.opcodes)
    for name in other.names:
        findings.add(name)
