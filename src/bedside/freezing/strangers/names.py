"""Sorts the names that a pickle imports: plain tensors, known libraries, everything else.

The first list is part of what `torch.load(…, weights_only=True)` allows, and a test compares
the two. The second is not a list of harmless names: a class of scikit-learn that a stranger
filled with values of their choice is still code that runs while reading. It only tells an
author's ordinary model from a file that was made to do harm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.freezing.strangers.inspection import ImportedName, Verdict

_STORAGES: Final = frozenset(
    f"{kind}Storage"
    for kind in (
        *("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"),
        *("ComplexDouble", "ComplexFloat", "QInt8", "QUInt8", "QInt32"),
    )
)

_DTYPES: Final = frozenset(
    {
        *("float16", "float32", "float64", "bfloat16", "complex32", "complex64", "complex128"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"),
        *("qint8", "quint8", "qint32"),
    }
)

_TENSORS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "collections": frozenset({"OrderedDict", "Counter"}),
        "torch": _STORAGES | _DTYPES | {"Size", "Tensor", "device"},
        "torch.storage": frozenset({"UntypedStorage", "TypedStorage"}),
        "torch.serialization": frozenset({"_get_layout"}),
        "torch.nn.parameter": frozenset({"Parameter"}),
        "torch._utils": frozenset(
            {
                *("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"),
                *("_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_qtensor"),
                *("_rebuild_sparse_tensor", "_rebuild_meta_tensor_no_storage"),
                "_rebuild_device_tensor_from_cpu_tensor",
            }
        ),
        "torch._tensor": frozenset({"_rebuild_from_type_v2"}),
        "_codecs": frozenset({"encode"}),
        "builtins": frozenset({"bytearray", "set", "complex"}),
    }
)

_PLAIN: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "builtins": frozenset(
            {
                *("object", "bool", "int", "float", "str", "bytes", "list", "dict", "tuple"),
                *("frozenset", "slice", "range"),
            }
        ),
        "collections": frozenset({"defaultdict", "deque"}),
        "copyreg": frozenset({"_reconstructor"}),
        "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
        "decimal": frozenset({"Decimal"}),
        "fractions": frozenset({"Fraction"}),
        "uuid": frozenset({"UUID"}),
        "joblib.numpy_pickle": frozenset({"NumpyArrayWrapper"}),
        "numpy.random._pickle": frozenset(
            {"__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"}
        ),
    }
)

_ARRAY_MODULES: Final = frozenset({"numpy.core.multiarray", "numpy._core.multiarray"})
_ARRAY_NAMES: Final = frozenset({"_reconstruct", "scalar"})
_FROM_BUFFER: Final = frozenset({"numpy.core.numeric", "numpy._core.numeric"})
_SPARSE: Final = re.compile(
    r"scipy\.sparse(?:\._?[a-z]+)?:(?:csr|csc|coo|bsr|dia|dok|lil)_(?:matrix|array)"
)
_NUMPY: Final = re.compile(
    r"(?:ndarray|dtype|matrix|bool_?|str_|bytes_|void|(?:u?int|float|complex)[0-9]+"
    r"|(?:log|log1p|log2|log10|exp|expm1|sqrt|square|cbrt|abs|absolute|sign|tanh)"
    r"|dtypes\.[A-Za-z0-9]+DType)"
)
_LIBRARIES: Final = re.compile(
    r"(?:sklearn|torch\.nn\.modules|torch\.nn\.backends|torch\.distributions|torch\.optim"
    r"|torchvision\.(?:models|ops|transforms)|monai\.networks|timm\.(?:models|layers)|segmentation_models_pytorch"
    r"|torchxrayvision|pandas\.core|xgboost|lightgbm|catboost|skops|numpy\.random)(?:\..*)?"
)
_CLASS: Final = re.compile(r"_*[A-Z][A-Za-z0-9_]*|__pyx_unpickle_[A-Za-z0-9_]+|newObj")

_OLD_MODULES: Final[Mapping[str, str]] = MappingProxyType(
    {"__builtin__": "builtins", "copy_reg": "copyreg", "exceptions": "builtins"}
)
"""Names of Python 2, which reading an old pickle translates."""

_WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("os", "posix", "nt", "subprocess", "pty", "commands"), "runs programs"),
        **dict.fromkeys(("shutil", "pathlib", "tempfile", "io", "_io"), "touches files"),
        **dict.fromkeys(
            ("socket", "urllib", "http", "requests", "ftplib", "smtplib", "webbrowser"),
            "reaches the network",
        ),
        **dict.fromkeys(
            ("runpy", "importlib", "code", "codeop", "imp", "zipimport", "ctypes", "cffi"),
            "runs code",
        ),
        **dict.fromkeys(("pickle", "_pickle", "cloudpickle", "dill", "joblib"), "unpickles again"),
        **dict.fromkeys(("marshal", "types"), "makes functions out of bytes"),
        **dict.fromkeys(("operator", "functools"), "calls and joins other functions"),
        "__main__": "a class or function of the author's own script",
    }
)

_BUILTINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("eval", "exec", "compile", "execfile"), "runs code"),
        **dict.fromkeys(("getattr", "setattr", "delattr", "__import__"), "reaches any function"),
        **dict.fromkeys(("open", "file"), "touches files"),
        **dict.fromkeys(("apply", "map", "filter", "type"), "calls and joins other functions"),
    }
)

_OTHER_FILES: Final = frozenset({"NDArrayWrapper", "ZNDArrayWrapper"})
"""Classes of joblib before 0.10, which read the file whose name they hold, and unpickle it."""


def sort_name(module: str, name: str) -> ImportedName:
    """Return what importing `name` from `module` means.

    A dotted `name` reaches into what it finds, so only those of NumPy's own types are known.
    """
    module = _OLD_MODULES.get(module, module)
    if name in _TENSORS.get(module, ()):
        return ImportedName(Verdict.WEIGHTS, module, name)
    if _of_a_library(module, name):
        return ImportedName(Verdict.LIBRARIES, module, name)
    return ImportedName(Verdict.CODE, module, name, _why(module, name))


def _why(module: str, name: str) -> str:
    if module == "builtins":
        return _BUILTINS.get(name, "")
    if module.startswith("joblib.") and name in _OTHER_FILES:
        return "unpickles another file"
    return _WHY.get(module.partition(".")[0], "")


def _of_a_library(module: str, name: str) -> bool:
    if name in _PLAIN.get(module, ()):
        return True
    if module in _ARRAY_MODULES:
        return name in _ARRAY_NAMES
    if module in _FROM_BUFFER:
        return name == "_frombuffer"
    if module in {"numpy", "numpy.dtypes"} and _NUMPY.fullmatch(
        name if module == "numpy" else f"dtypes.{name}"
    ):
        return True
    return is_library_class(module, name)


def is_library_class(module: str, name: str) -> bool:
    """Return whether this is a class of a library that models are made with."""
    if _SPARSE.fullmatch(f"{module}:{name}"):
        return True
    return bool(_LIBRARIES.fullmatch(module) and _CLASS.fullmatch(name))


def is_tensor_class(module: str, name: str) -> bool:
    """Return whether this is a class of PyTorch that takes memory when it is called."""
    tensors = {("torch", "Tensor"), ("torch.nn.parameter", "Parameter")}
    return is_storage(module, name) or (module, name) in tensors


def is_storage(module: str, name: str) -> bool:
    """Return whether this is a class of PyTorch that stands for the bytes of a tensor."""
    return (module == "torch" and name in _STORAGES) or (
        module == "torch.storage" and name in _TENSORS["torch.storage"]
    )
