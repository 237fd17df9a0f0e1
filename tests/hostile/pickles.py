"""Pickles that would run something, each in its own way; none is ever unpickled by a test."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

from tests.hostile.crafted_pickles import crafted, stored
from tests.hostile.hostile import CANARY, Hostile

COMMAND = f"touch {CANARY}"
CALL = b"cos\nsystem\n(S'" + COMMAND.encode() + b"'\ntR."
"""The oldest trick: os.system, called by REDUCE, in protocol 0."""


class Runs:
    """Pickles to a call of os.system."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os  # noqa: PLC0415 - named only where it is pickled

        return os.system, (COMMAND,)


class Evaluates:
    """Pickles to a call of eval."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, (f"open({CANARY!r}, 'w')",)


def pickles() -> Iterator[Hostile]:
    """Yield the pickles of the corpus."""
    for name, data in _good().items():
        yield Hostile(name, "pickle", data, None)
    everything = {**_calls(), **_lost(), **_wrapped(), **_joblib(), **_archives(), **crafted(CALL)}
    for name, (data, says) in everything.items():
        yield Hostile(name, "pickle", data, says)


def _good() -> dict[str, bytes]:
    """Return files of weights only, written by hand and by pickle."""
    return {
        "good.pkl": pickle.dumps(OrderedDict(weights=[0.5, 1.5], names=("a", "b"))),
        "good-weights.pth": torch_archive(STATE_DICT),
        "good.safetensors": struct.pack("<Q", 2) + b"{}",
        "good-bytes.pkl": pickle.dumps((bytearray(b"abc"), b"\xff"), 2),
    }


STATE_DICT = (
    b"\x80\x02ccollections\nOrderedDict\n)R(X\x06\0\0\0weightctorch._utils\n_rebuild_tensor_v2\n"
    b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQK\0K\x04\x85K\x01"
    b"\x85\x89ccollections\nOrderedDict\n)RtRu."
)
"""A state dict with one tensor of four numbers, as torch.save spells it in data.pkl."""


def torch_archive(program: bytes, **more: bytes) -> bytes:
    """Return a zip as torch.save lays it out, with `program` as its data.pkl."""
    buffer = io.BytesIO()
    entries = {"w/data.pkl": program, "w/byteorder": b"little", "w/data/0": bytes(16)}
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in {**entries, "w/version": b"3\n", **more}.items():
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def _calls() -> dict[str, tuple[bytes, str]]:
    """Return programs that import something that no model needs."""
    runs = "posix.system (runs programs)"
    text = COMMAND.encode()
    inst = b"(S'" + text + b"'\nios\nsystem\n."
    stack = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(text)]) + text + b"\x85R."
    memo = (
        b"\x80\x04\x8c\x06system\x940\x8c\x02os\x940h\x01h\0\x93\x8c"
        + bytes([len(text)])
        + text
        + b"\x85R."
    )
    obj = b"\x80\x02(cos\nsystem\nX" + struct.pack("<I", len(text)) + text + b"o."
    newobj = b"\x80\x02csubprocess\nPopen\nX\x04\0\0\0true\x85\x81."
    newobj_ex = b"\x80\x04csubprocess\nPopen\nX\x04\0\0\0true\x85}\x92."
    told = {f"os-system-{n}": (pickle.dumps(Runs(), n), runs) for n in range(6)}
    return told | {
        "os-system-by-hand": (CALL, "os.system (runs programs)"),
        "eval": (pickle.dumps(Evaluates()), "builtins.eval (runs code)"),
        "eval-python-2": (b"c__builtin__\neval\n(S'1'\ntR.", "builtins.eval (runs code)"),
        "inst": (inst, "os.system (runs programs)"),
        "obj": (obj, "os.system (runs programs)"),
        "newobj": (newobj, "subprocess.Popen (runs programs)"),
        "newobj-ex": (newobj_ex, "subprocess.Popen (runs programs)"),
        "stack-global": (stack, "os.system (runs programs)"),
        "stack-global-by-memo": (memo, "os.system (runs programs)"),
        "import-only": (b"crunpy\nrun_path\n.", "runpy.run_path (runs code)"),
        "import-and-drop": (b"cos\nsystem\n0N.", "os.system (runs programs)"),
        "dotted-name": (
            b"\x80\x04\x8c\x0bcollections\x8c\x15OrderedDict.__class__\x93.",
            "collections.OrderedDict.__class__",
        ),
        "getattr-chain": (
            b"cbuiltins\ngetattr\n(cos\n__dict__\nS'get'\ntR(S'system'\ntR.",
            "builtins.getattr (reaches any function)",
        ),
        "nested-reduce": (
            b"cbuiltins\nmap\n(cos\nsystem\n(lS'" + text + b"'\natRcbuiltins\nlist\n(tR.",
            "os.system (runs programs)",
        ),
        "pickle-in-a-pickle": (
            b"c_pickle\nloads\n(C" + bytes([len(CALL)]) + CALL + b"tR.",
            "_pickle.loads (unpickles again)",
        ),
        "torch-load-from-bytes": (
            b"\x80\x02ctorch.storage\n_load_from_bytes\nC" + bytes([len(CALL)]) + CALL + b"\x85R.",
            "torch.storage._load_from_bytes",
        ),
        "numpy-gadget": (
            b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
            "numpy.testing._private.utils.runstring",
        ),
        "own-class": (b"c__main__\nNet\n)R.", "the author's own script"),
        "changes-a-class": (
            b"\x80\x02ccollections\nOrderedDict\n}X\x01\0\0\0aK\x01sb.",
            "changes collections.OrderedDict itself",
        ),
        "second-pickle": (b"N." + CALL, "os.system (runs programs)"),
    }


def _lost() -> dict[str, tuple[bytes, str]]:
    """Return programs that cannot be followed; all count as code."""
    laughs = b"\x80\x04]\x94" + b"".join(
        b"](" + (b"h" + bytes([n])) * 10 + b"e\x94" for n in range(200)
    )
    computed = b"\x80\x04\x8c\x02os\x8c\x03sys\x8c\x03tem\x86\x93."
    return {
        "extension-code": (b"\x80\x02\x82\x05.", "uses extension code 5"),
        "extension-code-4": (b"\x80\x02\x84\x05\0\0\0.", "uses extension code 5"),
        "persistent-id": (b"Psome-object\n.", "asks its reader for an object"),
        "persistent-id-from-stack": (b"\x80\x02X\x01\0\0\0aQ.", "asks its reader for an object"),
        "persistent-module": (
            b"\x80\x02(X\x06\0\0\0modulectorch\nFloatStorage\ntQ.",
            "asks its reader for an object",
        ),
        "name-put-together": (computed, "imports a name that it puts together itself"),
        "calls-a-result": (
            b"ccollections\nOrderedDict\n)R)R.",
            "calls something that is no imported name",
        ),
        "missing-memo": (b"\x80\x02h\x07.", "asks the memo for what is not there"),
        "odd-memo": (b"Np+1\n0g+1\n.", "names a place of the memo in an odd way"),
        "no-opcode": (b"\x80\x02\xff.", "which is no opcode"),
        "protocol-99": (b"\x80\x63N.", "protocol 99, which is not known"),
        "empty-stack": (b"\x80\x02R.", "takes a value that is not there"),
        "no-mark": (b"\x80\x02t.", "a group of values that was not begun"),
        "no-stop": (b"\x80\x02N", "the file ends at byte 3"),
        "endless-opcodes": (b"\x80\x02" + b"N0" * 300_000 + b".", "more than 300000 opcodes"),
        "endless-marks": (b"(" * 500_000, "more than 300000 opcodes"),
        "endless-line": (b"c" + b"a" * 2_000_000, "no line ends"),
        "endless-names": (
            b"".join(b"cmodule%d\nname\n0" % n for n in range(2000)) + b"N.",
            "imports more than 1000 names",
        ),
        "eight-exabytes": (b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f", "the file ends before"),
        "negative-length": (b"\x80\x02T\xff\xff\xff\xff.", "a length of -1"),
        "billion-laughs": (laughs + b"." + CALL, "os.system (runs programs)"),
        "trailing-bytes": (b"\x80\x02N." + b"\xff" * 100, "in what follows its pickle"),
        "hundred-pickles": (b"N." * 100, "more than 64 pickles"),
        "text-file": (b"hello, I am a model\n", "h"),
    }


def _wrapped() -> dict[str, tuple[bytes, str]]:
    """Return pickles inside compressed data, and bombs."""
    runs = "os.system (runs programs)"
    zeros = bytes(20 * 2**20)
    return {
        "zlib.joblib": (zlib.compress(CALL), runs),
        "gzip.joblib": (gzip.compress(CALL, mtime=0), runs),
        "bzip2.joblib": (bz2.compress(CALL), runs),
        "xz.joblib": (lzma.compress(CALL), runs),
        "lzma.joblib": (lzma.compress(CALL, lzma.FORMAT_ALONE), runs),
        "lz4.joblib": (b"\x04\x22\x4d\x18" + CALL, "compressed with lz4, which cannot be undone"),
        "zstd.joblib": (b"\x28\xb5\x2f\xfd" + CALL, "compressed with zstd"),
        "zlib-bomb.joblib": (zlib.compress(_bytes(zeros)), "decompression bomb"),
        "bzip2-bomb.joblib": (bz2.compress(_bytes(zeros)), "decompression bomb"),
        "xz-bomb.joblib": (lzma.compress(_bytes(zeros)), "decompression bomb"),
        "lzma-dictionary-of-4-gib.joblib": (
            b"\x5d\0\0\xff\xff" + b"\xff" * 8 + bytes(100),
            "cannot be unpacked",
        ),
        "zlib-cut-short.joblib": (zlib.compress(_bytes(b"a" * 99))[:-4], "cut short"),
        "zlib-and-more.joblib": (zlib.compress(b"N.") + CALL, "something follows its zlib data"),
        "zlib-damaged.joblib": (b"x\x9c" + b"\xff" * 50, "cannot be unpacked"),
    }


def _bytes(content: bytes) -> bytes:
    return b"\x80\x04\x8e" + struct.pack("<Q", len(content)) + content + b"."


def _joblib() -> dict[str, tuple[bytes, str]]:
    """Return what joblib writes, and what hides behind the bytes of its arrays."""
    rows = np.array([[0.0], [1.0], [2.0], [3.0]])
    objects = np.array([Runs(), None], dtype=object)
    model = LogisticRegression().fit(rows, [0, 0, 1, 1])
    return {
        "estimator.joblib": (_dumped(model), "code of known libraries: it imports"),
        "array.joblib": (_dumped(np.zeros(4)), "joblib.numpy_pickle.NumpyArrayWrapper"),
        "runs-after-an-array.joblib": (_dumped([np.zeros(4), Runs()]), "posix.system"),
        "runs-in-an-array-of-objects.joblib": (_dumped(objects), "posix.system"),
        "array-longer-than-the-file.joblib": (
            _dumped(np.zeros(4)).replace(b"shape\x94K\x04\x85", b"shape\x94J\xff\xff\xff\x7f\x85"),
            "the file ends before",
        ),
        "array-without-a-type.joblib": (
            _dumped(np.zeros(4)).replace(b"\x8c\x05dtype", b"\x8c\x05dtypo", 1),
            "an array has no dtype",
        ),
    }


def _dumped(value: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


def _archives() -> dict[str, tuple[bytes, str]]:
    """Return archives as PyTorch writes them, with something in them that it does not write."""
    good = torch_archive(STATE_DICT)
    end = good.rindex(b"PK\x05\x06")
    directory = good.index(b"PK\x01\x02")
    entry = torch_archive(CALL)[: torch_archive(CALL).index(b"PK\x03\x04", 4)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("pickle"), io.BytesIO())
    magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."
    return {
        "torch-runs.pth": (torch_archive(CALL), "os.system (runs programs)"),
        "torch-runs-elsewhere.pth": (
            torch_archive(STATE_DICT, **{"w/extra.pkl": CALL}),
            "os.system (runs programs)",
        ),
        "torch-runs-under-another-name.pth": (
            torch_archive(STATE_DICT, **{"w/notes.txt": pickle.dumps(Runs())}),
            "posix.system (runs programs)",
        ),
        "torchscript.pt": (
            torch_archive(STATE_DICT, **{"w/code/__torch__.py": b"def f(): pass"}),
            "a program in TorchScript",
        ),
        "torch-two-programs.pth": (_twice(good), "stands twice"),
        "torch-hidden-entry.pth": (
            good[:directory]
            + entry
            + good[directory:end]
            + good[end : end + 16]
            + struct.pack("<IH", directory + len(entry), 0),
            "bytes are hidden between",
        ),
        "torch-prefix.pth": (entry + good, "bytes stand in its zip"),
        "torch-comment.pth": (good[:-2] + b"\x04\0PK\x05\x06", "has a comment"),
        "torch-traversal.pth": (
            torch_archive(STATE_DICT, **{"w/../../evil.py": b""}),
            "would leave the archive's folder",
        ),
        "torch-other-name-in-its-header.pth": (
            good.replace(b"w/data.pkl", b"w/data.pkm", 1),
            "in its own header",
        ),
        "torch-deflate-bomb.pth": (_deflated(bytes(20 * 2**20)), "compresses nothing"),
        "torch-crowd.pth": (_crowd(), "more than 20000 entries"),
        "legacy-runs.pth": (magic + CALL, "os.system (runs programs)"),
        "pickle-then-zip.pth": (CALL + good, "os.system (runs programs)"),
        "tar.pt": (buffer.getvalue(), "be read as a tar archive"),
        "not-safetensors.safetensors": (CALL, "no safetensors file"),
        "zip-of-nothing.pt": (_zip({"a.txt": b"hello"}), "an archive of an unknown kind"),
    }


def _zip(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    return stored(list(entries.items()), method)


def _deflated(content: bytes) -> bytes:
    entries = {"w/data.pkl": _bytes(content), "w/version": b"3\n"}
    return _zip(entries, zipfile.ZIP_DEFLATED)


def _crowd() -> bytes:
    return _zip({f"w/{number}": b"" for number in range(20_001)})


def _twice(good: bytes) -> bytes:
    """Return a good archive that lists its program a second time."""
    directory, end = good.index(b"PK\x01\x02"), good.rindex(b"PK\x05\x06")
    first = good[directory : good.index(b"PK\x01\x02", directory + 4)]
    count, length = struct.unpack("<HI", good[end + 10 : end + 16])
    listed = struct.pack("<HHII", count + 1, count + 1, length + len(first), directory)
    return good[:end] + first + good[end : end + 8] + listed + good[end + 20 :]
