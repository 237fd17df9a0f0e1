"""What is refused before a process apart is asked, and what the page promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.monai.answers import TABLE as AFTER
from bedside.freezing.monai.freeze import freeze_bundle
from bedside.freezing.monai.networks import NETWORKS
from bedside.freezing.monai.transforms import TABLE as BEFORE
from tests.freezing.monai.bundles import written
from tests.freezing.monai.made import made, needs_monai
from tests.freezing.monai.test_source import answers
from tests.freezing.toml import written as toml

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "freeze-monai-bundle.md"


class Planted:
    """What pickling a stranger's object would run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def stated(folder: Path, told: dict[str, Json]) -> Path:
    path = folder / "spec.toml"
    path.write_text(toml(told), encoding="utf-8")
    return path


@needs_monai
def test_weights_that_hold_code_are_not_opened(tmp_path: Path) -> None:
    import torch  # noqa: PLC0415 - after MONAI was found

    folder, mark = written(tmp_path / "bright"), tmp_path / "it-ran"
    torch.save({"weights": Planted(mark)}, folder / "models" / "model.pt")
    with pytest.raises(FreezeRefused, match="Reading it would run what its writer put in"):
        freeze_bundle(folder, stated(tmp_path, answers()))
    assert not mark.exists()


@needs_monai
def test_a_program_is_refused_with_the_way_out(tmp_path: Path) -> None:
    folder = made(tmp_path / "bright", program=True)
    with pytest.raises(FreezeRefused, match=r"program in TorchScript.*Give models/model\.pt"):
        freeze_bundle(folder, stated(tmp_path, answers()))


def test_the_page_names_everything_that_maps() -> None:
    page = PAGE.read_text("utf-8")
    named = set(re.findall(r"`(\w+)`", page)) | set(re.findall(r"`(\w+)` \(", page))
    inferers = {"SimpleInferer", "SlidingWindowInferer"}
    forgotten = {*BEFORE, *AFTER, *NETWORKS, *inferers} - named - {"SaveImage"}
    assert forgotten == set()
