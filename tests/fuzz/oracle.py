"""What other readers would import from a file: Python's own unpickler, with every class inert.

It shares nothing with the inspector: where the two differ, one of them is wrong.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import tarfile
import zipfile
from typing import Any

from bedside.freezing.strangers.values import Global

PythonUnpickler: Any = vars(pickle)["_Unpickler"]
"""The one that can be looked into; not in the stubs as it is."""


class Inert:
    """Stands for every class and function: takes anything, does nothing."""

    def __new__(cls, *_arguments: object, **_named: object) -> Inert:
        return super().__new__(cls)

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    def append(self, _value: object) -> None:
        pass

    def extend(self, _values: object) -> None:
        pass

    def add(self, _value: object) -> None:
        pass


class ArrayFollows(Exception):
    """joblib's reader finds an array here, and Python's does not."""


class Oracle(PythonUnpickler):  # type: ignore[misc]
    """Python's unpickler, written in Python, which notes what it is asked to import."""

    dispatch = PythonUnpickler.dispatch.copy()

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.names: set[Global] = set()

    def find_class(self, module: str, name: str) -> type[Inert]:
        self.names.add(Global(module, name))
        return type(name if name.isidentifier() else "Odd", (Inert,), {})

    def persistent_load(self, _asked: object) -> Inert:
        return Inert()

    def load_build(self) -> None:
        if len(self.stack) > 1 and type(self.stack[-2]).__name__ == "NumpyArrayWrapper":
            raise ArrayFollows
        super().load_build()

    def load_bytearray8(self) -> None:
        length = int.from_bytes(self.read(8), "little")
        self.append(bytearray(self.read(min(length, 2**20))))

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


def imported_by_readers(data: bytes) -> set[Global]:
    """Return what Python's reader, or PyTorch's of a zip, would import from `data`."""
    if not data.startswith(b"PK\x03\x04"):
        return _imported(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            programs = [one for one in archive.infolist() if _is_program(one)]
            return {name for one in programs for name in _imported(archive.read(one))}
    except Exception:  # noqa: BLE001 - a damaged archive is read by nobody
        return set()


def _is_program(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower().endswith("/data.pkl") and entry.file_size < 2**20


def _imported(data: bytes) -> set[Global]:
    oracle = Oracle(data)
    with contextlib.suppress(Exception):  # what was imported before still counts
        oracle.load()
    return oracle.names


def is_tar(data: bytes) -> bool:
    """Return whether PyTorch would take `data` for one of its early archives."""
    if data.startswith(b"PK\x03\x04"):
        return False
    try:
        tarfile.open(fileobj=io.BytesIO(data), mode="r:").close()
    except Exception:  # noqa: BLE001 - what tarfile raises of a hostile header is many things
        return False
    return True
