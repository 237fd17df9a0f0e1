from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from bedside.errors import FreezeRefused, NotFound
from bedside.freezing.strangers import Inspection, Verdict, inspect_file, refuse_code
from tests.hostile.pickles import CALL, STATE_DICT, torch_archive

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] > 0).astype(int)

MODELS: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: LogisticRegression().fit(X, Y),
    "pipeline": lambda: make_pipeline(
        make_column_transformer((StandardScaler(), [0, 1])), LogisticRegression()
    ).fit(X, Y),
    "forest": lambda: RandomForestClassifier(5).fit(X, Y),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=3).fit(X, Y),
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=3).fit(X, Y),
    "neighbours": lambda: KNeighborsClassifier().fit(X, Y),
    "support vectors": lambda: SVC().fit(X, Y),
    "a function of NumPy": lambda: FunctionTransformer(np.log1p),
    "objects in an array": lambda: np.array(["a", None, 1.5], dtype=object),
    "texts in an array": lambda: np.array(["malignant", "benign"]),
    "fields in an array": lambda: np.zeros(3, [("a", "f4", (2,)), ("b", "U3")]),
    "objects among the fields of an array": lambda: np.zeros(3, [("a", "f4"), ("b", "O")]),
    "an empty array": lambda: np.zeros((0, 7)),
    "a sparse matrix": lambda: sparse.csr_matrix(X),
}


def inspect(data: bytes, folder: Path, name: str = "model.pkl") -> Inspection:
    (folder / name).write_bytes(data)
    return inspect_file(folder / name)


@pytest.mark.parametrize("kind", MODELS)
def test_an_ordinary_model_is_followed_to_its_end_in_every_form(kind: str, tmp_path: Path) -> None:
    model = MODELS[kind]()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        found = inspect(pickle.dumps(model, protocol), tmp_path)
        assert (found.verdict, found.doubts) == (Verdict.LIBRARIES, ()), found.words
    for packed in (0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)):
        joblib.dump(model, tmp_path / "model.joblib", compress=packed)
        found = inspect_file(tmp_path / "model.joblib")
        assert (found.verdict, found.doubts) == (Verdict.LIBRARIES, ()), found.words
        holds_array = "numpy.ndarray" in {f"{one.module}.{one.name}" for one in found.names}
        assert found.kind.startswith("joblib file" if holds_array else "pickle")


def test_the_names_that_joblib_files_import_are_those_that_reading_imports(tmp_path: Path) -> None:
    joblib.dump(MODELS["forest"](), tmp_path / "model.joblib")
    found = inspect_file(tmp_path / "model.joblib")
    assert {f"{one.module}.{one.name}" for one in found.names} >= {
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.tree._tree.Tree",
        "numpy.dtype",
    }


class Recorder(pickle.Unpickler):
    """Reads a pickle that this test made, and notes what it imports."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.names: set[tuple[str, str]] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.names.add((module, name))
        return super().find_class(module, name)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", MODELS)
def test_the_imported_names_are_those_that_python_imports(
    kind: str, protocol: int, tmp_path: Path
) -> None:
    data = pickle.dumps(MODELS[kind](), protocol)
    reader = Recorder(data)
    reader.load()
    found = inspect(data, tmp_path)
    translated = {("__builtin__", "builtins"), ("copy_reg", "copyreg")}
    old = dict(translated)
    assert {(one.module, one.name) for one in found.names} == {
        (old.get(module, module), name) for module, name in reader.names
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
        max_leaves=15,
    ),
    st.integers(0, pickle.HIGHEST_PROTOCOL),
)
def test_plain_values_hold_no_code(value: Any, protocol: int) -> None:
    stream = io.BytesIO(pickle.dumps(value, protocol))
    from bedside.freezing.strangers.findings import Findings  # noqa: PLC0415
    from bedside.freezing.strangers.machine import follow  # noqa: PLC0415
    from bedside.freezing.strangers.stream import Part, Stream  # noqa: PLC0415

    findings = Findings()
    follow(Stream(Part(stream, 0, len(stream.getvalue()))), findings)
    assert not findings.names
    assert not findings.doubts


@pytest.fixture(scope="module")
def network() -> Any:
    torch = pytest.importorskip("torch", reason="torch missing")
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))


@pytest.mark.parametrize("new_form", [True, False])
def test_a_state_dict_holds_weights_only(network: Any, new_form: bool, tmp_path: Path) -> None:
    import torch  # noqa: PLC0415 - only where the fixture found it

    for value in (network.state_dict(), {"net": network.state_dict(), "epoch": 3, "loss": 0.1}):
        torch.save(value, tmp_path / "w.pth", _use_new_zipfile_serialization=new_form)
        found = refuse_code(tmp_path / "w.pth")
        assert found.verdict is Verdict.WEIGHTS
        assert found.words == f"'w.pth' is a {found.kind} that holds weights only."
    if new_form:
        assert not torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("new_form", "verdict"), [(True, Verdict.LIBRARIES), (False, Verdict.CODE)]
)
def test_a_whole_module_holds_code(
    network: Any, new_form: bool, verdict: Verdict, tmp_path: Path
) -> None:
    import torch  # noqa: PLC0415

    torch.save(network, tmp_path / "m.pth", _use_new_zipfile_serialization=new_form)
    found = inspect_file(tmp_path / "m.pth")
    assert found.verdict is verdict  # the old form asks its reader to check the source
    assert "torch.nn.modules.conv.Conv2d" in {f"{one.module}.{one.name}" for one in found.names}


def test_a_torchscript_archive_holds_code(network: Any, tmp_path: Path) -> None:
    import torch  # noqa: PLC0415

    with pytest.warns(DeprecationWarning, match=r"torch\.jit"):
        torch.jit.save(torch.jit.script(network), tmp_path / "m.pt")
    found = inspect_file(tmp_path / "m.pt")
    assert (found.kind, found.verdict) == ("TorchScript archive", Verdict.CODE)


def test_the_archive_by_hand_is_one_that_pytorch_reads(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch missing")
    (tmp_path / "w.pth").write_bytes(torch_archive(STATE_DICT))
    found = torch.load(tmp_path / "w.pth", weights_only=True)
    assert isinstance(found, OrderedDict)
    assert found["weight"].tolist() == [0.0] * 4
    assert refuse_code(tmp_path / "w.pth").kind == "PyTorch archive"


def test_safetensors_hold_weights_only(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors missing")
    safetensors.save_file({"w": np.zeros(3)}, tmp_path / "w.safetensors")
    found = refuse_code(tmp_path / "w.safetensors")
    assert (found.kind, found.verdict) == ("safetensors file", Verdict.WEIGHTS)


def test_a_refusal_says_what_is_imported_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "gift.pkl").write_bytes(CALL)
    with pytest.raises(FreezeRefused) as caught:
        refuse_code(tmp_path / "gift.pkl")
    assert caught.value.message == (
        "'gift.pkl' is a pickle that holds code: it imports os.system (runs programs). Reading it "
        "would run what its writer put in, with all your rights."
    )
    assert caught.value.advice.startswith("Do not load it. Ask its author for a .bedside package")
    assert caught.value.advice.endswith("say so with --i-made-this.")


def test_the_opcodes_that_matter_are_counted(tmp_path: Path) -> None:
    found = inspect(CALL + CALL, tmp_path)
    assert dict(found.opcodes) == {"GLOBAL": 2, "REDUCE": 2}


def test_the_worst_names_come_first(tmp_path: Path) -> None:
    data = (
        b"(csklearn.svm._classes\nSVC\nccollections\nOrderedDict\ncnotebook\nNet\ncos\nsystem\nt."
    )
    assert [one.name for one in inspect(data, tmp_path).names] == [
        "system",
        "Net",
        "SVC",
        "OrderedDict",
    ]


def test_as_json_it_says_the_same(tmp_path: Path) -> None:
    told = inspect(CALL, tmp_path).as_json()
    assert told["imports"] == [{"name": "os.system", "verdict": "code", "why": "runs programs"}]
    assert (told["verdict"], told["holds_code"], told["size"]) == ("code", True, len(CALL))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nothing\.pkl"):
        inspect_file(tmp_path / "nothing.pkl")


def test_a_file_of_many_gigabytes_is_passed_over_quickly(tmp_path: Path) -> None:
    path = tmp_path / "large.pkl"
    size = 2**36
    with path.open("wb") as file:
        file.write(b"\x80\x04\x8e" + struct.pack("<Q", size))
        file.truncate(11 + size)
        file.seek(11 + size)
        file.write(CALL)
    assert inspect_file(path).names[0].name == "system"


def test_a_zip_with_a_pickle_in_it_is_followed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("inner/model.pkl", CALL)
    found = inspect_file(tmp_path / "m.pt")
    assert (found.kind, found.names[0].name) == ("zip archive", "system")


@given(st.data())
def test_a_changed_byte_never_makes_code_of_a_stranger_weights(data: st.DataObject) -> None:
    """A program that calls `os.system` is never taken for weights, whatever stands around it."""
    before = data.draw(st.sampled_from([b"", b"N.", b"\x80\x04N.", b"(", b"]", b"}q\0"]))
    after = data.draw(st.binary(max_size=8))
    from bedside.freezing.strangers.findings import Findings  # noqa: PLC0415
    from bedside.freezing.strangers.inspecting import _judged, _kind  # noqa: PLC0415

    whole, findings = before + CALL + after, Findings()
    kind = _kind(io.BytesIO(whole), len(whole), findings)
    assert _judged("x", len(whole), kind, findings).verdict is Verdict.CODE
