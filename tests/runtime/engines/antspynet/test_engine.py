from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bedside.errors import ConditionsNotMet, PackageDamaged, UsageError
from bedside.imaging.axes import CODES, turn_between, turned
from bedside.imaging.grid import Placed
from bedside.package.antspynet import AntspynetModel, Weights
from bedside.runtime.engines.antspynet import process
from bedside.runtime.engines.antspynet.engine import AntspynetEngine, needed
from bedside.runtime.engines.antspynet.functions import Parameter
from bedside.runtime.engines.antspynet.weights import digest_of
from bedside.runtime.engines.engine import Engines, Prepared
from bedside.runtime.progress import Progress, silent

Making = Callable[..., AntspynetEngine]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in needed("brain_extraction", {"modality": "t1"}, 1, upright=True).names:
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def model(folder: Path, **parameters: Parameter) -> AntspynetModel:
    weights = {
        one.name: Weights(size=one.stat().st_size, digest=digest_of(one), origin="a test")
        for one in folder.iterdir()
    }
    return AntspynetModel(
        function="brain_extraction",
        parameters={"modality": "t1", **parameters},
        library=">=0.3.2,<0.4",
        weights=weights,
    )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[AntspynetEngine]:
    """An engine whose child answers with a thousandth of the image."""
    monkeypatch.setattr(process, "START", Path(__file__).with_name("stand_in.py"))
    made = AntspynetEngine(model(folder), Engines(folder))
    yield made
    made.close()


def volume(code: str = "RAS") -> Placed:
    values = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    turn = turn_between("RAS", code)
    affine = np.diag([1.0, 2.0, 3.0, 1.0]) @ turn.matrix((3, 4, 5))
    return Placed(turned(values, turn), affine)


@pytest.mark.parametrize("code", ["RAS", "LIA", "PSR", "SLP"])
def test_the_answer_lies_on_the_volumes_own_voxels_however_they_are_stored(
    engine: AntspynetEngine, code: str
) -> None:
    assert code in CODES
    one = volume(code)
    scores = engine(Prepared(one.values[np.newaxis], one.affine), silent)
    assert np.allclose(scores[0], one.values / 1000)


def test_the_child_gets_the_same_whatever_the_order_of_the_axes(engine: AntspynetEngine) -> None:
    heard: list[object] = []
    for code in ("RAS", "LIA"):
        answered = engine.answer([volume(code)], silent)
        heard.append(answered.told)
    assert heard[0] == heard[1]


def test_it_tells_how_far_it_is(engine: AntspynetEngine) -> None:
    one, told = volume(), list[Progress]()
    for _ in range(2):
        engine(Prepared(one.values[np.newaxis], one.affine), told.append)
    assert all(each.stage == "infer" and 0 <= each.done <= each.total for each in told)
    assert told[-1] == Progress("infer", 1, 1)


def test_after_an_end_the_next_answer_starts_another_child(engine: AntspynetEngine) -> None:
    engine.answer([volume()], silent)
    engine.close()
    assert engine.answer([volume()], silent).values.shape == (1, 3, 4, 5)


def test_images_on_other_grids_are_refused(engine: AntspynetEngine) -> None:
    with pytest.raises(UsageError, match="different grids"):
        engine.answer([volume("RAS"), volume("LIA")], silent)


def test_without_a_folder_it_says_what_to_do(folder: Path) -> None:
    with pytest.raises(ConditionsNotMet) as refused:
        AntspynetEngine(model(folder), Engines())
    assert "prefetch" in refused.value.advice


def test_a_missing_file_is_named_before_anything_starts(folder: Path) -> None:
    declared = model(folder)
    (folder / "brainExtractionRobustT1.h5").unlink()
    with pytest.raises(ConditionsNotMet, match=r"brainExtractionRobustT1\.h5.*a test"):
        AntspynetEngine(declared, Engines(folder))


def test_a_file_that_the_manifest_forgot_is_named(folder: Path) -> None:
    (folder / "S_template3.nii.gz").unlink()
    with pytest.raises(PackageDamaged, match=r"S_template3\.nii\.gz"):
        AntspynetEngine(model(folder), Engines(folder))


@pytest.mark.parametrize("parameters", [{"modality": "t3"}, {"verbose": True}], ids=str)
def test_a_parameter_that_it_does_not_take_is_refused(
    folder: Path, parameters: dict[str, Parameter]
) -> None:
    with pytest.raises(PackageDamaged):
        AntspynetEngine(model(folder, **parameters), Engines(folder))


def test_another_version_of_the_library_is_refused(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(process, "START", Path(__file__).with_name("stand_in.py"))
    declared = model(folder).model_copy(update={"library": ">=0.4"})
    made = AntspynetEngine(declared, Engines(folder))
    with pytest.raises(ConditionsNotMet, match=r"needs ANTsPyNet >=0\.4; here is 0\.3\.2"):
        made.answer([volume()], silent)
