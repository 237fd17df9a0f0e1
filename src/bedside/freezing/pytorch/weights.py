"""A file of weights: what it is, and the state dict in it, read without running anything in it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from bedside.errors import FreezeRefused, LimitExceeded, NotFound, UsageError
from bedside.freezing.pytorch.places import first_line
from bedside.freezing.pytorch.prepare import named
from bedside.freezing.pytorch.quiet import quiet

StateDict = dict[str, torch.Tensor]

SAVE = "torch.save(model.state_dict(), 'weights.pth')"


MAX_PICKLE = 64 * 2**20
"""Bytes of the description of all tensors in a file; a network of 10,000 weights has some 2 MiB."""

MAX_BYTES = 8 * 2**30
"""Bytes of all tensors of one state dict: four times what an ONNX file holds, for float64."""


class Kind(Enum):
    """What a file of weights is, told from its bytes."""

    ZIPPED = "a file of torch.save"
    LEGACY = "a file of torch.save, as PyTorch wrote before 1.6"
    SAFETENSORS = "safetensors"
    TORCHSCRIPT = "TorchScript"
    EXPORTED = "a file of torch.export.save"


@dataclass(frozen=True, slots=True)
class Weights:
    """What was read.

    Attributes:
        state: The state dict: a tensor on the CPU for each name, in the precision of the file.
        notes: What the author must know, such as which part of a checkpoint was taken.
        whole: The network itself, where the file holds one and was opened as the author's own.
    """

    state: StateDict
    notes: tuple[str, ...] = ()
    whole: torch.nn.Module | None = None


def read_weights(path: Path, *, i_made_this: bool = False) -> Weights:
    """Return the weights in `path`, on the CPU whatever device they were saved on.

    Args:
        path: A `.pth`, `.pt`, `.ckpt` or `.safetensors` file; its bytes count, not its name.
        i_made_this: The author's word that they made the file, which lets code in it run.

    Raises:
        NotFound: there is no such file.
        UsageError: it is no file of weights.
        FreezeRefused: it needs code to be read, is damaged, or holds no state dict, or several.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path.name!r}.", advice="Give the path of the weights.")
    kind = kind_of(path)
    if kind is Kind.EXPORTED:
        raise FreezeRefused(
            f"{path.name} is {kind.value}: a graph for one machine, not weights.",
            advice=f"Save the weights with {SAVE}, and name the class with --module.",
        )
    if kind is Kind.SAFETENSORS:
        return Weights(_from_safetensors(path))
    if kind is Kind.TORCHSCRIPT:
        return _from_torchscript(path, i_made_this)
    return _from_torch(path, kind, i_made_this)


def kind_of(path: Path) -> Kind:
    """Return what the file's bytes are.

    Raises:
        UsageError: nothing that holds weights of PyTorch; says what it looks like.
    """
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"PK\x03\x04"):
        return _zipped(path)
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return Kind.LEGACY
    if len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000:
        return Kind.SAFETENSORS
    raise _strange(path, start)


def _zipped(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as problem:
        raise FreezeRefused(
            f"{path.name} is damaged: {first_line(problem)}.", advice="Copy or download it again."
        ) from problem
    names = [one.filename for one in entries]
    if any(name.endswith("archive_format") or "/models/" in name for name in names):
        return Kind.EXPORTED
    if any(name.endswith("constants.pkl") for name in names):
        return Kind.TORCHSCRIPT
    if any(name.endswith("data.pkl") for name in names):
        _refuse_bombs(path, entries)
        return Kind.ZIPPED
    raise UsageError(
        f"{path.name} is a ZIP archive without weights of PyTorch: {named(names)}.",
        advice="Unpack it, and give the .pth or .safetensors file inside.",
    )


def _refuse_bombs(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive that takes more memory than its bytes: torch.save compresses nothing."""
    for one in entries:
        if one.compress_type != zipfile.ZIP_STORED:
            raise FreezeRefused(
                f"{path.name} holds the compressed entry {one.filename[:120]!r}; torch.save "
                "compresses nothing.",
                advice=f"Save the weights with {SAVE}.",
            )
        if one.filename.endswith("data.pkl") and one.file_size > MAX_PICKLE:
            raise LimitExceeded(
                f"{path.name} describes its weights in {one.file_size} bytes; at most {MAX_PICKLE}.",
                advice=f"Save only the weights, with {SAVE}.",
            )


def _strange(path: Path, start: bytes) -> UsageError:
    looks = {
        b"version https://git-lfs": "a pointer of Git LFS: run `git lfs pull` to get the file",
        b"\x89HDF": "an HDF5 file of Keras: export it to ONNX, and freeze that",
        b"<": "a web page: the download needed a sign-in, or failed",
        b"\x1f\x8b": "a gzip archive: unpack it",
    }
    for begins, meaning in looks.items():
        if start.lstrip().startswith(begins):
            return UsageError(
                f"{path.name} is no file of weights.", advice=f"It looks like {meaning}."
            )
    return UsageError(
        f"{path.name} is no file of weights: it begins with {start[:8].hex(' ') or 'nothing'}.",
        advice=f"Save the weights with {SAVE}.",
    )


def _from_safetensors(path: Path) -> StateDict:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as problem:
        raise FreezeRefused(
            f"{path.name} is damaged: {first_line(problem)}.", advice="Save or download it again."
        ) from problem


def _from_torch(path: Path, kind: Kind, i_made_this: bool) -> Weights:
    try:
        with quiet():
            content = torch.load(
                path, map_location="cpu", weights_only=True, mmap=kind is Kind.ZIPPED
            )
    except Exception as problem:
        if not (names := names_needed(path, kind, problem)):
            raise FreezeRefused(
                f"{path.name} cannot be read: {type(problem).__name__}: {first_line(problem)}.",
                advice="It seems damaged: save or download it again.",
            ) from problem
        if not i_made_this:
            raise _needs_code(path, names) from problem
        return _with_code(path)
    return find_state_dict(content, path.name)


def names_needed(path: Path, kind: Kind, problem: Exception) -> tuple[str, ...]:
    """Return the classes and functions that reading the file would need, beyond plain tensors."""
    found: set[str] = set()
    if kind is Kind.ZIPPED:
        try:
            found.update(torch.serialization.get_unsafe_globals_in_checkpoint(path))
        except Exception:  # noqa: BLE001 - damaged: the message below is what is left
            found.clear()
    found.update(re.findall(r"GLOBAL ([\w.]+)", str(problem)))
    return tuple(sorted(found))


def _needs_code(path: Path, names: tuple[str, ...]) -> FreezeRefused:
    return FreezeRefused(
        f"{path.name} holds more than weights: reading it would run {named(list(names))}, with all "
        "your rights. It was not opened.",
        advice=f"Save only the weights, where it was made: {SAVE}; then give the class with --module "
        "file.py:Class. Only if you made this file yourself, --i-made-this opens it, in a process "
        "apart.",
    )


def _with_code(path: Path) -> Weights:
    """Read the author's own file, with all that is in it; only ever in the child process."""
    try:
        with quiet():
            content = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as problem:
        raise FreezeRefused(
            f"{path.name} cannot be opened: {type(problem).__name__}: {first_line(problem)}.",
            advice="Its classes must be importable under the names that they were saved with. "
            f"Where it was made, save the weights alone: {SAVE}.",
        ) from problem
    if isinstance(content, torch.nn.Module):
        note = f"{path.name} is a whole network, opened as your own; its weights were taken."
        return Weights(dict(content.state_dict()), (note,), content)
    return find_state_dict(content, path.name)


def _from_torchscript(path: Path, i_made_this: bool) -> Weights:
    if not i_made_this:
        raise FreezeRefused(
            f"{path.name} is TorchScript: a program, not weights. It was not opened.",
            advice=f"Save the weights of the original network: {SAVE}; then give the class with "
            "--module file.py:Class. Only if you made this file yourself, --i-made-this takes the "
            "weights out of it, in a process apart.",
        )
    try:
        with quiet():
            script = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as problem:
        raise FreezeRefused(
            f"{path.name} cannot be opened: {first_line(problem)}.", advice="Save it again."
        ) from problem
    note = f"{path.name} is TorchScript, opened as your own; only its weights were taken."
    return Weights(dict(script.state_dict()), (note,))


def find_state_dict(content: object, file: str) -> Weights:
    """Return the state dict in what a file holds: itself, or the one that a checkpoint wraps.

    Raises:
        FreezeRefused: there is none, or there are several.
    """
    if _is_state_dict(content):
        return Weights(_owned(content))
    if not isinstance(content, Mapping):
        raise FreezeRefused(
            f"{file} holds a {type(content).__name__}, not a state dict.",
            advice=f"Save the weights with {SAVE}.",
        )
    found = {str(key): one for key, one in content.items() if _is_state_dict(one)}
    if not found:
        raise FreezeRefused(
            f"{file} holds no state dict, but {named([str(key) for key in content])}.",
            advice=f"Save the weights with {SAVE}.",
        )
    if len(found) > 1:
        raise FreezeRefused(
            f"{file} holds several state dicts: {named(list(found))}.",
            advice="Save the one that was evaluated: torch.save(torch.load(…)"
            f"['{next(iter(found))}'], 'weights.pth').",
        )
    key, state = next(iter(found.items()))
    left = [str(one) for one in content if str(one) != key]
    note = f"{file} is a checkpoint: the weights under '{key}' were taken"
    return Weights(
        _owned(state), (f"{note}, and {named(left)} left aside." if left else f"{note}.",)
    )


def _is_state_dict(content: object) -> bool:
    return (
        isinstance(content, Mapping)
        and len(content) > 0
        and all(isinstance(key, str) for key in content)
        and all(isinstance(one, torch.Tensor) for one in content.values())
    )


def _owned(state: object) -> StateDict:
    """Return the tensors copied into memory, so that the file may change under us."""
    assert isinstance(state, Mapping)  # noqa: S101 - `_is_state_dict` looked
    total = 0
    for name, one in state.items():
        size = one.numel() * one.element_size()
        total += size
        if one.is_sparse or (not one.is_meta and size > one.untyped_storage().nbytes()):
            raise FreezeRefused(
                f"The weight '{str(name)[:120]}' is sparse, or larger than what the file holds of it.",
                advice="Save it as a plain tensor: .to_dense().contiguous().",
            )
    if total > MAX_BYTES:
        raise LimitExceeded(
            f"The weights take {total / 1e9:.1f} GB; at most {MAX_BYTES / 1e9:.1f} GB.",
            advice="Freeze a smaller network.",
        )
    return {
        str(name): one if one.is_meta or one.is_quantized else one.detach().clone()
        for name, one in state.items()
    }
