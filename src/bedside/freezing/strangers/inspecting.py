"""Finds out what kind of file a stranger's file is, follows all of its pickles, and judges."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.strangers.archives import Entry, open_entry, read_entries
from bedside.freezing.strangers.inspection import Inspection, Verdict
from bedside.freezing.strangers.machine import Findings, follow
from bedside.freezing.strangers.names import sort_name
from bedside.freezing.strangers.stream import Lost, Part, Stream
from bedside.freezing.strangers.unpacking import Unpacked, compression

SUFFIXES: Final = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt")
"""Files that hold pickles, or that PyTorch reads as such."""

MOST_PICKLES: Final = 64
"""Pickles one after the other in one file."""

_TORCH_MAGIC: Final = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The first pickle of a file of PyTorch before 1.6 (torch.serialization.MAGIC_NUMBER)."""

_TORCH_PICKLES: Final = 5
"""Magic number, version, system, object, keys of the tensors; their bytes follow."""

_TAR_MAGIC, _TAR_PLACE = b"ustar", 257

_SAFETENSORS: Final = ".safetensors"
_MAX_HEADER: Final = 100 * 2**20
"""Bytes of the header of safetensors, as its own reader bounds it."""

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
            of_tensors = path.suffix == _SAFETENSORS
            kind = (_tensors if of_tensors else _kind)(file, size, findings)
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


def _tensors(file: BinaryIO, size: int, findings: Findings) -> str:
    """Check the beginning of a safetensors file, whose readers run nothing of it."""
    first = file.read(9)
    length = int.from_bytes(first[:8], "little")
    if first[8:] != b"{" or not 2 <= length <= min(size - 8, _MAX_HEADER):
        findings.doubt("it is no safetensors file, whatever its name says")
    return "safetensors file"


def _kind(file: BinaryIO, size: int, findings: Findings) -> str:
    """Follow everything in `file`; return what kind of file it is."""
    first = file.read(_TAR_PLACE + len(_TAR_MAGIC))
    packing = compression(first)
    kind = "pickle"
    try:
        if first.startswith(b"PK\x03\x04"):
            kind = "zip archive"
            return _archive(file, size, findings)
        if first[_TAR_PLACE:] == _TAR_MAGIC:
            findings.doubt("it is too old to be followed")
            return "tar archive as early PyTorch wrote"
        if packing is not None:
            kind = f"pickle compressed with {packing}"
            return _pickles(Stream(Unpacked(Part(file, 0, size), packing)), findings, kind)
        return _pickles(Stream(Part(file, 0, size)), findings, kind)
    except Lost as problem:
        findings.doubt(str(problem))
    return kind


def _pickles(stream: Stream, findings: Findings, kind: str) -> str:
    """Follow the pickles of `stream`, one after the other; return what kind of file it is."""
    torch = _TORCH_MAGIC in stream.look(len(_TORCH_MAGIC) + 2)
    most = _TORCH_PICKLES if torch else MOST_PICKLES
    for number in range(most):
        position = stream.position
        try:
            follow(stream, findings)
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
    """Follow every pickle of a zip; return what kind of archive it is."""
    entries = read_entries(file, size)
    names = [entry.name for entry in entries]
    torch = sum(name.endswith("/data.pkl") and name.count("/") == 1 for name in names) == 1
    script = torch and any("/code/" in name for name in names)
    if script:
        findings.doubt("it holds a program in TorchScript, which runs when the network is used")
    pickles = [entry for entry in entries if _holds_pickle(file, entry, torch)]
    if not torch and not pickles:
        findings.doubt("it is an archive of an unknown kind")
    for entry in pickles:
        try:
            _pickles(Stream(open_entry(file, entry)), findings, "pickle")
        except Lost as problem:
            findings.doubt(f"{problem}, in its entry {entry.name[:80]!r}")
    if script:
        return "TorchScript archive"
    return "PyTorch archive" if torch else "zip archive"


def _holds_pickle(file: BinaryIO, entry: Entry, torch: bool) -> bool:
    """Return whether an entry is, or may be, a pickle.

    The tensors of an archive of PyTorch are bytes under `data/`, and are never unpickled.
    """
    folders = entry.name.split("/")
    if entry.name.endswith((".pkl", ".pickle", ".joblib", "_pkl")):
        return True
    if torch and len(folders) == 3 and folders[1] == "data" and folders[2].isdigit():
        return False
    first = Stream(open_entry(file, entry)).look(2)
    return first[:1] == b"\x80" and first[1:2] <= b"\x05"
