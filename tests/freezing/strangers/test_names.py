from __future__ import annotations

import pytest

from bedside.freezing.strangers import names
from bedside.freezing.strangers.inspection import Verdict
from bedside.freezing.strangers.names import is_storage, sort_name


def test_what_counts_as_weights_is_what_pytorch_itself_allows() -> None:
    unpickler = pytest.importorskip("torch._weights_only_unpickler", reason="torch missing")
    allowed = set(unpickler._get_allowed_globals())
    ours = {f"{module}.{name}" for module, known in names._TENSORS.items() for name in known}
    assert ours <= allowed, ours - allowed


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.tree._tree.Tree",
        "sklearn.neighbors._kd_tree.newObj",
        "sklearn._loss._loss.__pyx_unpickle_CyHalfBinomialLoss",
        "numpy.ndarray",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.numeric._frombuffer",
        "numpy.dtypes.Float64DType",
        "numpy.float64",
        "numpy.log1p",
        "numpy.random._pickle.__randomstate_ctor",
        "scipy.sparse._csr.csr_matrix",
        "joblib.numpy_pickle.NumpyArrayWrapper",
        "torch.nn.modules.conv.Conv2d",
        "torchvision.models.resnet.ResNet",
        "builtins.slice",
        "__builtin__.object",
        "copy_reg._reconstructor",
    ],
)
def test_what_ordinary_models_import_is_code_of_known_libraries(name: str) -> None:
    assert sort_name(*name.rsplit(".", 1)).verdict is Verdict.LIBRARIES


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("os.system", "runs programs"),
        ("posix.system", "runs programs"),
        ("subprocess.Popen", "runs programs"),
        ("builtins.eval", "runs code"),
        ("__builtin__.eval", "runs code"),
        ("builtins.getattr", "reaches any function"),
        ("importlib.import_module", "runs code"),
        ("urllib.request.urlopen", "reaches the network"),
        ("pickle.loads", "unpickles again"),
        ("joblib.numpy_pickle.load", "unpickles again"),
        ("joblib.numpy_pickle.NDArrayWrapper", "unpickles another file"),
        ("joblib.numpy_pickle_compat.ZNDArrayWrapper", "unpickles another file"),
        ("__main__.Net", "a class or function of the author's own script"),
        ("torch.load", ""),
        ("torch.hub.load", ""),
        ("torch.storage._load_from_bytes", ""),
        ("torch.jit._pickle.build_intlist", ""),
        ("numpy.load", ""),
        ("numpy.testing._private.utils.runstring", ""),
        ("numpy.f2py.crackfortran.getlincoef", ""),
        ("scipy.sparse._csr.eval", ""),
        ("sklearn.utils._joblib.load", ""),
        ("pandas.core.frame.eval", ""),
        ("sklearn_evil.Model", ""),
        ("notebook.Net", ""),
    ],
)
def test_everything_else_is_code_and_what_it_does_is_said_where_known(name: str, why: str) -> None:
    found = sort_name(*name.rsplit(".", 1))
    assert (found.verdict, found.why) == (Verdict.CODE, why)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("collections", "OrderedDict.__class__"),
        ("sklearn.base", "BaseEstimator.__init__"),
        ("torch", "FloatStorage.from_file"),
        ("numpy", "ndarray.tofile"),
        ("", "system"),
        ("os", ""),
    ],
)
def test_a_dotted_or_empty_name_is_never_known(module: str, name: str) -> None:
    assert sort_name(module, name).verdict is Verdict.CODE


def test_the_bytes_of_tensors_are_told_from_everything_else() -> None:
    assert is_storage("torch", "FloatStorage")
    assert is_storage("torch.storage", "UntypedStorage")
    assert not is_storage("torch", "Tensor")
    assert not is_storage("os", "FloatStorage")
