"""Networks of the list, as ONNX, beside themselves. The large ones were compared by hand."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from bedside.canonical import Json
from bedside.errors import FreezeRefused, LimitExceeded
from bedside.freezing.monai.export import export_network
from bedside.freezing.monai.network import BundleNetwork, construct, noise, refuse_answer
from bedside.freezing.monai.networks import NetworkDefinition
from bedside.freezing.pytorch.cleaned import INPUT, OUTPUT
from bedside.package.manifest import Conditions
from bedside.package.volume_models import VolumeModel, WholeInference
from bedside.runtime.engines.engine import Prepared
from bedside.runtime.engines.onnx import OnnxEngine
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.progress import silent
from bedside.runtime.session import this_processor
from tests.freezing.monai.made import needs_monai

pytestmark = needs_monai

SIDES = (16, 16, 16)
NETWORKS: dict[str, dict[str, Json]] = {
    "AttentionUnet": {"channels": [4, 8], "strides": [2]},
    "DynUNet": {"kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2]}
    | {"filters": [2, 4, 8]},
    "SegResNet": {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1]},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_network_as_onnx_answers_as_it_does_in_pytorch(name: str) -> None:
    torch.manual_seed(0)
    arguments = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, **NETWORKS[name]}
    module = construct(NetworkDefinition(name, arguments)).eval()
    onnx = export_network(BundleNetwork(module, name, 0, ()), SIDES, any_size=False)
    model = VolumeModel(
        entry="model.onnx",
        opset=read_opset(onnx),
        input=INPUT,
        element="float32",
        output=OUTPUT,
        inference=WholeInference(shape=SIDES),
    )
    conditions = Conditions(
        runtime=">=1.22,<2",
        verified_with={},
        graph_optimisation="basic",
        processor=this_processor(),
    )
    given = noise(SIDES)
    found = OnnxEngine(onnx, model, conditions, 2)(Prepared(given[0].numpy(), np.eye(4)), silent)
    with torch.no_grad():
        wanted = module(given)[0].numpy()
    assert np.abs(found - wanted).max() < 1e-5 * max(1.0, float(np.abs(wanted).max()))


TRANSFORMERS: dict[str, dict[str, Json]] = {
    "SwinUNETR": {"feature_size": 12},
    "UNETR": {"img_size": [32, 32, 32], "hidden_size": 32, "mlp_dim": 64, "num_heads": 4},
}


@pytest.mark.skipif(find_spec("einops") is not None, reason="einops is installed here")
@pytest.mark.parametrize("name", sorted(TRANSFORMERS))
def test_a_transformer_says_which_library_it_needs(name: str) -> None:
    arguments: dict[str, Json] = {"in_channels": 1, "out_channels": 2, **TRANSFORMERS[name]}
    with pytest.raises(FreezeRefused, match=f"{name} needs einops.*pip install einops"):
        refuse_answer(construct(NetworkDefinition(name, arguments)), name, 2, (64, 64, 64))


def test_a_network_that_grows_without_end_is_refused_before_it_is_made() -> None:
    large: dict[str, Json] = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2}
    large |= {"channels": [20_000, 20_000], "strides": [2]}
    with pytest.raises(LimitExceeded, match="GB of weights; an ONNX file holds"):
        construct(NetworkDefinition("UNet", large))
