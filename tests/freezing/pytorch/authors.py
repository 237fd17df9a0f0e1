"""A researcher's folder: the file with her class, and weights as her GPU's machine saved them."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from bedside.freezing.pytorch.author_code import import_file

NET = '''"""A network as it is copied out of a notebook."""
import torch
from torch import nn

from blocks import Block


class Net(nn.Module):
    def __init__(self, classes=2, channels=1):
        super().__init__()
        self.block = Block(channels)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, classes)

    def forward(self, x):
        return self.fc(torch.relu(self.norm(self.block(x))).mean(dim=(2, 3)))


def small():
    return Net(classes=3)
'''

BLOCKS = """from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4, 3)

    def forward(self, x):
        return self.conv(x)
"""


def write_class(folder: Path, text: str = NET) -> str:
    """Write the class's file and what it imports; return how it is named on the command line."""
    (folder / "blocks.py").write_text(BLOCKS, encoding="utf-8")
    (folder / "net.py").write_text(text, encoding="utf-8")
    return f"{folder / 'net.py'}:Net"


def author_module(folder: Path) -> ModuleType:
    """Return the file as the author has it imported where she trains."""
    write_class(folder)
    return import_file(folder / "net.py")


def trained(folder: Path, seed: int = 0) -> nn.Module:
    """Return the author's network with drawn weights."""
    torch.manual_seed(seed)
    made: nn.Module = author_module(folder).Net()
    return made


def save_from(device: str, content: object, path: Path, *, legacy: bool = False) -> None:
    """Save `content` as a machine with `device` would: every storage tagged with that device.

    Only the tag differs between such files (torch.serialization, `location_tag`): it is put in
    place of `cpu` in the pickled description, a BINUNICODE of its own in each storage's tuple.
    """
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    tagged = b"X" + struct.pack("<I", len(device)) + device.encode()
    plain = b"X" + struct.pack("<I", 3) + b"cpu"
    if legacy:
        data = path.read_bytes()
        assert plain in data
        path.write_bytes(data.replace(plain, tagged))
        return
    with zipfile.ZipFile(path) as archive:
        entries = {one.filename: archive.read(one) for one in archive.infolist()}
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, data in entries.items():
        inner = name.partition("/")[2]
        if inner in {"version", "byteorder"} or inner.startswith(".data/"):
            continue
        if inner == "data.pkl":
            assert plain in data
            data = data.replace(plain, tagged)  # noqa: PLW2901 - the one that is changed
        writer.write_record(inner, data, len(data))
    writer.write_end_of_file()


def equal(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    """Whether two state dicts hold the same names and values."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
