"""`freeze_volume` with a source of the tests' own: what any kind of volume model goes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import (
    FreezeRefused,
    GoldenMismatch,
    InputRefused,
    NotFound,
    PackageDamaged,
    SignatureRefused,
)
from bedside.freezing.comparison import Comparison
from bedside.freezing.volumes.freeze import freeze_volume
from bedside.freezing.volumes.source import FrozenAnalyses, VolumeNetwork
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.volume import Volume
from bedside.keys.signing import SigningKey
from bedside.package.package import (
    build_package,
    check_signature,
    describe_entries,
    open_package,
)
from bedside.package.volume_models import SlidingInference
from bedside.runtime.runner import load
from tests.freezing.volumes.building import WHEN, output_of, volume_answers, volume_spec
from tests.volume_packages import Made, network

SIGMOID: Json = {
    "kind": "segmentation",
    "classes": [{"value": 0, "label": "background"}, {"value": 1, "label": "bright"}],
    "activation": "sigmoid",
    "channels": 1,
    "threshold": {"value": 0.5, "meaning": {"en": "half"}},
}


@dataclass
class Smoothing:
    """The small network of `tests.volume_packages`, run window by window."""

    largest: float = 1e-6
    seen: int = 0
    algorithm: str = "a smoothing network"
    parameters: Mapping[str, Json] = field(default_factory=lambda: {"kind": "smooth"})
    libraries: Mapping[str, str] = field(default_factory=lambda: {"onnx": "1"})
    notes: tuple[str, ...] = ("Made by a test.",)

    def network(self, spec: VolumeSpec) -> VolumeNetwork:
        inference = SlidingInference(patch=(16, 16, 16))
        graph = network(Made(inference=inference))
        return VolumeNetwork(
            operations=spec.preprocessing,
            inference=inference,
            onnx=graph.SerializeToString(deterministic=True),
            input="x",
            output="scores",
        )

    def compare(
        self, frozen: FrozenAnalyses, drawn: Sequence[Volume], spec: VolumeSpec
    ) -> Comparison:
        self.seen = len(drawn)
        assert set(frozen(drawn[0]).values) == {"bright"}
        if self.largest > spec.comparison.tolerance:
            raise FreezeRefused("The network differs.")
        return Comparison(len(drawn), self.largest, spec.comparison.tolerance, (("drawn", 1, 0.0),))


@pytest.fixture
def spec() -> VolumeSpec:
    return volume_spec(
        output=SIGMOID, golden={"cases": 2, "shape": [24, 28, 26], "spacing": [8, 8, 8]}
    )


class TestAFrozenVolumeModel:
    def test_is_signed_written_and_gives_its_golden_answers(
        self, spec: VolumeSpec, tmp_path: Path
    ) -> None:
        key, out = SigningKey.new(), tmp_path / "smooth.bedside"
        source, steps = Smoothing(), list[str]()
        made = freeze_volume(source, spec, key=key, out=out, frozen_at=WHEN, tell=steps.append)
        package = open_package(out)
        assert check_signature(package, (key.public,)) == key.public
        assert package.digest == made.package.digest
        assert load(package).manifest.golden.cases == source.seen == 2
        assert made.notes == ("Made by a test.",)
        assert steps[-1] == "replaying the golden cases"

    def test_unsigned_is_signed_by_nobody(self, spec: VolumeSpec) -> None:
        made = freeze_volume(Smoothing(), spec, frozen_at=WHEN)
        with pytest.raises(SignatureRefused):
            check_signature(made.package, ())

    def test_has_golden_cases_of_drawn_heads_with_every_voxel_of_the_answer(
        self, spec: VolumeSpec
    ) -> None:
        first, second = freeze_volume(Smoothing(), spec, frozen_at=WHEN).package.golden
        assert first.note == "drawn head"
        assert set(first.input) == {"volume", "modality", "body_part"}
        assert first.segmentation is not None
        assert first.segmentation.shape == (24, 28, 26)
        assert first.scores != second.scores

    def test_with_another_network_in_its_archive_no_longer_loads(self, spec: VolumeSpec) -> None:
        """What a frozen package is for: the weights change, and the golden cases notice."""
        package = freeze_volume(Smoothing(), spec, frozen_at=WHEN).package
        graph = network(Made(inference=SlidingInference(patch=(16, 16, 16))))
        (offset,) = [one for one in graph.graph.initializer if one.name == "offset"]
        offset.raw_data = b"\x00\x00\x80\xc0"  # -4 in place of -5.6
        entries = {**package.entries, "model.onnx": graph.SerializeToString(deterministic=True)}
        manifest = package.manifest.model_copy(update={"entries": describe_entries(entries)})
        with pytest.raises(GoldenMismatch, match="case-001"):
            load(open_package(build_package(manifest, entries, None)))


class TestRefusals:
    def test_a_network_that_differs_is_not_written(self, spec: VolumeSpec, tmp_path: Path) -> None:
        out = tmp_path / "smooth.bedside"
        with pytest.raises(FreezeRefused):
            freeze_volume(Smoothing(largest=1.0), spec, out=out)
        assert not out.exists()

    def test_a_domain_that_drawn_heads_do_not_fit_says_which_part(self, tmp_path: Path) -> None:
        narrow = {**volume_answers()["volume"], "spacing": {"minimum": 0.5, "maximum": 2.0}}
        spec = volume_spec(output=SIGMOID, volume=narrow)
        with pytest.raises(InputRefused, match="8 × 8 × 8 mm from voxel to voxel"):
            freeze_volume(Smoothing(), spec, out=tmp_path / "smooth.bedside")

    def test_a_folder_that_is_not_there_is_told_before_any_work(self, spec: VolumeSpec) -> None:
        source = Smoothing()
        with pytest.raises(NotFound):
            freeze_volume(source, spec, out=Path("/nowhere/at/all.bedside"))
        assert source.seen == 0

    def test_a_class_that_no_drawn_head_has_is_told(self) -> None:
        dark = {
            **SIGMOID,
            "operations": [{"op": "remove_small", "label": "bright", "least_millilitres": 9000.0}],
        }
        made = freeze_volume(Smoothing(), volume_spec(output=dark), frozen_at=WHEN)
        assert any("'bright' (at most 0 mL)" in note for note in made.notes)


def test_an_output_with_other_channels_than_the_network_is_refused() -> None:
    two = output_of([{"value": 0, "label": "none"}, {"value": 1, "label": "bright"}])
    with pytest.raises(PackageDamaged, match="output"):
        freeze_volume(Smoothing(), volume_spec(output=two))
