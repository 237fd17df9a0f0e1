"""The page on MeshNet: its spec is whole, and fits the model that it is about."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from bedside.freezing.meshnet.source import OPERATIONS, meshnet_source
from bedside.freezing.volumes.spec import VolumeSpec, make_volume_spec

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "freeze-meshnet.md"


def spec_of_the_page() -> VolumeSpec:
    text, *_ = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return make_volume_spec(tomllib.loads(text))


def test_the_spec_has_every_answer_and_says_what_is_done_where_nothing_is_stated() -> None:
    assert spec_of_the_page().preprocessing == OPERATIONS


def test_the_spec_fits_the_real_weights(samples: Path) -> None:
    source = meshnet_source(samples / "meshnet" / "gray-white")
    network = source.network(spec_of_the_page())
    assert network.memory is not None
    assert round(network.memory / 2**30, 1) == 0.7
    mindgrab = meshnet_source(samples / "meshnet" / "mindgrab")
    assert mindgrab.net.parameters == 146_237
    assert source.net.parameters == 5_598
