"""Files that two readers understand differently, or that cost more than they weigh."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict

PLAIN = pickle.dumps(OrderedDict(), 2)


def crafted(call: bytes) -> dict[str, tuple[bytes, str]]:
    """Return the files, each with `call` hidden in it where it hides one, and what must be said."""
    return {**_forms(call), **_zips(call), **_arrays(call), **_costs()}


def _forms(call: bytes) -> dict[str, tuple[bytes, str]]:
    """Return files that are of two kinds at once."""
    stray = b"X\x04\0\0\0\0\0\0{" + b"0" + call
    return {
        "old-tar-as-a-pickle.pth": (_old_tar(call, signed=False), "be read as a tar archive"),
        "old-tar-signed-sum.pth": (_old_tar(call, signed=True), "be read as a tar archive"),
        "pickle-as-safetensors.safetensors": (
            stray.ljust(1200, b"\0"),
            "it can be read as a pickle too",
        ),
        "safetensors-gap.safetensors": (_tensors("[4,8]", 8), "leave a gap"),
        "safetensors-short.safetensors": (_tensors("[0,8]", 8), "other bytes than its shape"),
        "safetensors-and-more.safetensors": (_tensors("[0,4]", 9), "its tensors end at byte"),
        "safetensors-unknown-key.safetensors": (
            _header(b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}') + bytes(4),
            "in an unknown way",
        ),
        "safetensors-unknown-type.safetensors": (
            _header(b'{"w":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}') + bytes(4),
            "unknown type 'F99'",
        ),
        "safetensors-twice.safetensors": (_header(b'{"a":{},"a":{}}'), "header cannot be read"),
        "safetensors-no-metadata.safetensors": (
            _header(b'{"__metadata__":{"a":1}}'),
            "no table of texts",
        ),
    }


def _header(told: bytes) -> bytes:
    return struct.pack("<Q", len(told)) + told


def _tensors(offsets: str, size: int) -> bytes:
    told = f'{{"w":{{"dtype":"F32","shape":[1],"data_offsets":{offsets}}}}}'
    return _header(told.encode()) + bytes(size)


def _old_tar(call: bytes, *, signed: bool) -> bytes:
    """Return a pickle of one byte string that is a tar archive of the time before `ustar` too."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("first", "storages", "tensors", "pickle"):
            content = call if name == "storages" else b"x"
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    made = bytearray(buffer.getvalue())
    made[257:265] = bytes(8)
    made[0:11] = b"\x80\x04\x8e" + struct.pack("<Q", len(made) - 11)
    form = "148b8x356b" if signed else "148B8x356B"
    made[148:156] = b"%06o\0 " % (256 + sum(struct.unpack(form, made[:512])))
    return bytes(made) + b"."


def stored(entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of `entries`, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in entries:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            file.writestr(info, content)
    return buffer.getvalue()


def _zips(call: bytes) -> dict[str, tuple[bytes, str]]:
    beside = [("a/version", b"3\n"), ("a/byteorder", b"little")]
    good = [("a/data.pkl", PLAIN), *beside]
    return {
        "torch-capitals.pth": (
            stored([("a/DATA.PKL", call), ("a/x.pkl", PLAIN), *beside]),
            "os.system (runs programs)",
        ),
        "torch-capitals-first.pth": (stored([("a/DATA.PKL", call), *good]), "stands twice"),
        "torch-capitals-last.pth": (stored([*good, ("a/DATA.PKL", call)]), "stands twice"),
        "torch-two-folders.pth": (stored([*good, ("b/data/0", b"")]), "has 2 folders"),
        "torch-odd-entry.pth": (stored([*good, ("a/Version2", b"")]), "does not write"),
        "torch-odd-tensor.pth": (stored([*good, ("a/data/\u0661", b"")]), "does not write"),
        "torch-compressed.pth": (stored(good, zipfile.ZIP_DEFLATED), "compresses nothing"),
        "torch-second-program.pth": (
            stored([("a/data.pkl", PLAIN + call), *beside]),
            "something follows the pickle",
        ),
        "zip-one-harmless.pkl": (
            stored([("x.pkl", PLAIN), ("model.bin", call), ("a.npy", b"\x93NUMPY")]),
            "os.system (runs programs)",
        ),
        "zip-only-harmless.pkl": (stored([("x.pkl", PLAIN)]), "an archive of an unknown kind"),
    }


def _text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def _name(module: str, name: str) -> bytes:
    return _text(module) + _text(name) + b"\x93"


MAKER = _name("joblib.numpy_pickle", "NumpyArrayWrapper")


def _state(dtype: bytes, shape: bytes, more: bytes = b"") -> bytes:
    subclass = _text("subclass") + _name("numpy", "ndarray")
    shaped = _text("shape") + shape + _text("order") + _text("C")
    return b"}(" + subclass + shaped + _text("dtype") + dtype + more + b"ub"


def _dtype(code: str, size: int | None = None, flags: int = 0) -> bytes:
    made = _name("numpy", "dtype") + _text(code) + b"\x89\x88\x87R"
    if size is None:
        return made
    numbers = b"J" + struct.pack("<i", size) + b"K\x01K" + bytes([flags])
    return made + b"(K\x03" + _text("|") + b"NNN" + numbers + b"tb"


def _arrays(call: bytes) -> dict[str, tuple[bytes, str]]:
    """Return descriptions of arrays after which joblib goes on elsewhere than it seems."""
    one, made = b"K\x01\x85", MAKER + b")\x81"
    tail = bytes(8) + call + b"."
    body = made + _state(_dtype("f8"), one) + b"0" + call
    framed = b"\x80\x04\x95" + struct.pack("<Q", len(body)) + body + b"N" * 7 + b"."
    by_copyreg = (
        _name("copyreg", "_reconstructor") + MAKER + _name("builtins", "object") + b"N\x87R"
    )
    aside = _name("joblib.numpy_pickle", "NDArrayWrapper") + b")\x81}("
    aside += _text("filename") + _text("side.npy") + b"ub."
    start = b"\x80\x04"
    f8, v8 = _dtype("f8"), _dtype("V8", 64)
    method = _text("read") + _name("sklearn.svm._classes", "SVC")
    twice = made + b"\x94" + _state(f8, one) + bytes(8) + b"0h\0" + _state(f8, one)
    return {
        "array-of-two-sizes.joblib": (start + made + _state(v8, one) + tail, "has two sizes"),
        "array-in-a-frame.joblib": (framed, "begin inside a frame"),
        "array-by-copyreg.joblib": (start + by_copyreg + _state(f8, one) + tail, "hands joblib"),
        "array-of-false-objects.joblib": (
            start + made + _state(_dtype("V8", 8, 1), one) + tail,
            "does not say truly",
        ),
        "array-with-a-method.joblib": (
            start + made + _state(f8, one, method) + tail,
            "a member that joblib does not write",
        ),
        "array-twice.joblib": (start + twice + tail, "changes an object a second time"),
        "array-in-torch.pth": (
            stored([("a/data.pkl", start + made + _state(f8, one) + tail), ("a/version", b"3")]),
            "where joblib does not look",
        ),
        "array-in-another-file.joblib": (start + aside, "NDArrayWrapper (unpickles another file)"),
    }


def _costs() -> dict[str, tuple[bytes, str]]:
    """Return small files that take much time or memory."""
    size = 15 * 2**20
    zeros = b"\x80\x04\x8e" + struct.pack("<Q", size) + bytes(size) + b"."
    odd = "calls bytearray with something other than bytes"
    grows = b"\x80\x02cbuiltins\nbytearray\n"
    rebuilt = (
        b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cbuiltins\nbytearray\nctorch\nTensor\n"
    )
    return {
        "bytearray-of-a-number.pth": (grows + b"J\0\0\0\x7f\x85R.", odd),
        "bytearray-of-a-long-number.pth": (grows + b"\x8a\x09" + bytes(8) + b"\x01\x85R.", odd),
        "tensor-of-a-number.pth": (b"\x80\x02ctorch\nTensor\nJ\0\0\0\x7f\x85R.", "as much memory"),
        "storage-of-a-number.pth": (
            b"\x80\x02ctorch.storage\nUntypedStorage\nJ\0\0\0\x7f\x85R.",
            "as much memory",
        ),
        "rebuilds-a-bytearray.pth": (rebuilt + b"J\0\0\0\x7f\x85}tR.", "makes no tensor"),
        "encodes-otherwise.pkl": (
            b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x09\0\0\0punycode_\x86R.",
            "other than latin1",
        ),
        "elements-of-elements.joblib": (_nested(40, 4), "nests too many others"),
        "zip-of-bombs.pth": (
            stored([(f"a/{n}.pkl", zeros) for n in range(20)], zipfile.ZIP_DEFLATED),
            "decompression bomb",
        ),
    }


def _nested(width: int, levels: int) -> bytes:
    """Return an array whose elements have `width` fields, of which each has as many, and so on."""
    made = b"\x80\x04" + _dtype("u1") + b"\x94"
    for level in range(levels):
        fields = b"".join(_text(f"f{n}") + b"h" + bytes([level]) + b"K\0\x86" for n in range(width))
        state = b"(K\x03" + _text("|") + b"NN}(" + fields + b"uK\x08K\x01K\0tb"
        made += b"0" + _dtype("V8") + state + b"\x94"
    return made + b"0" + MAKER + b")\x81" + _state(b"h" + bytes([levels]), b")") + bytes(8) + b"."
