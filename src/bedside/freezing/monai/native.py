"""The bundle's own answers, by MONAI itself: what the frozen package is held against. Child only.

Its transforms are constructed from the same closed table that maps them, with plain arguments;
nothing is looked up by what a configuration says.

Source: MONAI 1.6, `monai.transforms.Compose`, `Invertd`, `monai.inferers`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.freezing.monai.bundle import Bundle
from bedside.freezing.monai.components import Component, read_components
from bedside.freezing.monai.native_labels import refined
from bedside.freezing.monai.network import BundleNetwork
from bedside.freezing.monai.transforms import TABLE
from bedside.freezing.pytorch.native import fixed_threads
from bedside.freezing.pytorch.quiet import quiet
from bedside.imaging.volume import Volume
from bedside.package.volume_models import SlidingInference

_OF_READING: Final = frozenset(
    {
        *("LoadImage", "EnsureChannelFirst", "EnsureType", "ToTensor", "ToDevice", "CastToType"),
        "Identity",
    }
)
_LEFT_OUT: Final = frozenset(
    {"keys", "allow_missing_keys", "lazy", "dtype", "device", "meta_keys", "meta_key_postfix"}
)
PREDICTION: Final = "pred"

MIXED: Final = 1e-4
"""A share of 0 in what is taken between two voxels, up to which it is rounding."""


class NativeAnswer(NamedTuple):
    """What the bundle says of a volume, on the volume's own grid.

    Attributes:
        labels: uint8 along i, j, k.
        probability: float32 along i, j, k, of all classes but the background.
        plain: Where neither is mixed with what lies outside a crop: there MONAI's way back puts 0
            beside the last voxel that the network saw, and takes values between both.
        own: What the bundle itself writes where it works in another order than a package (labels
            brought back, not probabilities), float32 along i, j, k; None where the orders agree.
    """

    labels: NDArray[np.uint8]
    probability: NDArray[np.float32]
    plain: NDArray[np.bool_]
    own: NDArray[np.float32] | None


class MonaiNative:
    """A bundle as a function of a volume, by MONAI.

    Args:
        bundle: The bundle.
        network: Its network.
    """

    def __init__(self, bundle: Bundle, network: BundleNetwork) -> None:
        self._bundle = bundle
        self._network = network
        with quiet():
            from monai import transforms  # noqa: PLC0415 - seconds, and only in the child

            self._transforms: Any = transforms
            self._prepare: Any = transforms.Compose(
                [
                    self._made(one)
                    for one in read_components(bundle.configuration, "preprocessing")
                    if one.plain_name not in _OF_READING
                ]
            )

    def __call__(self, volume: Volume) -> NativeAnswer:
        """Return the bundle's answer to `volume`."""
        finished = self._bundle.finished
        with torch.no_grad(), fixed_threads(), quiet():
            given = self._prepared(volume)
            scores = self._scores(given.as_tensor()[None])[0]
            own = self._in_own_order(scores, given, volume) if finished.in_another_order else None
            *restored, seen = self._restored(scores, given)
        plain = (seen < MIXED) | (seen > 1 - MIXED)
        if len(restored) == 1:
            assert finished.threshold is not None  # noqa: S101 - the bundle demands it
            probability, labels = restored[0], restored[0] >= finished.threshold
        else:
            probability, labels = np.sum(restored[1:], axis=0), np.argmax(restored, axis=0)
        whole = labels.astype(np.uint8)
        for one in finished.after:
            whole = refined(whole, one, volume.voxel_millilitres)
        return NativeAnswer(whole, probability.astype(np.float32), plain, own)

    def _prepared(self, volume: Volume) -> Any:
        """Return what the network gets: a MetaTensor, 1 × i × j × k, that knows its way back."""
        from monai.data.meta_tensor import MetaTensor  # noqa: PLC0415 - child only

        key = self._bundle.facts.image
        values = torch.from_numpy(np.array(volume.values, order="C"))[None]
        affine = torch.from_numpy(np.array(volume.affine))
        return self._prepare({key: MetaTensor(values, affine=affine)})[key]

    def _restored(self, scores: torch.Tensor, given: Any) -> NDArray[np.float32]:
        """Return probabilities on the volume's own grid, channels × i × j × k, and what was seen.

        The last channel is 1 where the network saw the volume, and 0 where it was cropped away.
        """
        probabilities = self._activated(scores)
        seen = torch.ones_like(probabilities[:1])
        return self._back(torch.cat([probabilities, seen]), given, nearest=False)

    def _in_own_order(
        self, scores: torch.Tensor, given: Any, volume: Volume
    ) -> NDArray[np.float32]:
        """Return what the bundle's own steps write, one after the other, i × j × k."""
        finished, here = self._bundle.finished, scores
        millilitres = abs(float(torch.linalg.det(given.affine[:3, :3]))) / 1_000
        for step in finished.steps:
            if step == "activation":
                here = self._activated(here)
            elif step == "labels":
                largest = finished.threshold is None
                here = self._transforms.AsDiscrete(argmax=largest, threshold=finished.threshold)(
                    here
                )
            elif step == "back":
                here = torch.from_numpy(self._back(here, given, nearest=finished.nearest))
                millilitres = volume.voxel_millilitres
            else:
                labels = here[0].numpy().astype(np.uint8)
                here = torch.from_numpy(refined(labels, step, millilitres).astype(np.float32))[None]
        return np.asarray(here[0].numpy(), dtype=np.float32)

    def _activated(self, scores: torch.Tensor) -> torch.Tensor:
        chosen = self._bundle.finished.activation
        if chosen == "none":
            return scores
        made: torch.Tensor = self._transforms.Activations(**{chosen: True})(scores)
        return made

    def _back(self, values: torch.Tensor, given: Any, *, nearest: bool) -> NDArray[np.float32]:
        """Return values on the volume's own grid, channels × i × j × k."""
        from monai.data.meta_tensor import MetaTensor  # noqa: PLC0415 - child only

        key = self._bundle.facts.image
        back = self._transforms.Invertd(
            keys=PREDICTION, transform=self._prepare, orig_keys=key, nearest_interp=nearest
        )
        found = back({PREDICTION: MetaTensor(values), key: given})[PREDICTION]
        return np.asarray(found.numpy(), dtype=np.float32)

    def _scores(self, given: torch.Tensor) -> torch.Tensor:
        inference = self._bundle.inference
        if not isinstance(inference, SlidingInference):
            made: torch.Tensor = self._network.module(given)
            return made
        from monai.inferers import SlidingWindowInferer  # noqa: PLC0415 - child only

        windows: Any = SlidingWindowInferer(
            roi_size=inference.patch,
            sw_batch_size=1,
            overlap=inference.overlap,
            mode="constant" if inference.weights == "uniform" else "gaussian",
            sigma_scale=inference.sigma,
            cval=inference.pad,
        )
        stitched: torch.Tensor = windows(given, self._network.module)
        return stitched

    def _made(self, component: Component) -> object:
        """Return a transform of the table as MONAI's own, working on a dictionary."""
        assert component.plain_name in TABLE  # noqa: S101 - reading the bundle demanded it
        key = self._bundle.facts.image
        told: dict[str, Json] = {
            name: component.value(name) for name in component.arguments if name not in _LEFT_OUT
        }
        if component.plain_name == "CropForeground":
            told["source_key"] = key
        return getattr(self._transforms, f"{component.plain_name}d")(keys=key, **told)
