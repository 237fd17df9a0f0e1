"""A MeshNet read once more, in NumPy alone and in double precision: what the frozen one is held to.

Written to be checked by eye, not to be fast: a convolution is the sum over its taps of a shifted
volume times a small matrix. It shares no code with the graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from bedside.freezing.meshnet.network import EPSILON, Activation, MeshLayer, MeshNet

Channels = NDArray[np.float64]
"""Along i, j, k, then channels (as the layer list has it)."""


def layer_by_layer(net: MeshNet, volume: NDArray[np.float32]) -> Iterator[Channels]:
    """Yield what each layer gives for one volume, i × j × k.

    Yields:
        float64, i × j × k × channels; what the last layer gives are the classes' scores before
        softmax.
    """
    here = volume.astype(np.float64)[..., None]
    for layer in net.layers:
        here = _layer(layer, here)
        yield here


def _layer(layer: MeshLayer, given: Channels) -> Channels:
    made = _convolved(layer, given)
    if layer.normalised:
        made = _normalised(made)
    return _activated(made, layer.activation)


def _convolved(layer: MeshLayer, given: Channels) -> Channels:
    """Return the sum over all taps; beyond the volume everything is 0 (`same` padding)."""
    reach = layer.reach
    padded = np.pad(given, [*((one, one) for one in reach), (0, 0)])
    made = np.zeros((*given.shape[:3], layer.gives))
    for tap in product(*(range(side) for side in layer.kernel.shape[:3])):
        window = tuple(
            slice(place * step, place * step + side)
            for place, step, side in zip(tap, layer.dilation, given.shape[:3], strict=True)
        )
        made += padded[window] @ layer.kernel[tap].astype(np.float64)
    return made if layer.bias is None else made + layer.bias


def _normalised(given: Channels) -> Channels:
    """Return each channel with mean 0 and variance about 1 over the whole volume."""
    mean = given.mean(axis=(0, 1, 2))
    variance = given.var(axis=(0, 1, 2))
    return np.asarray((given - mean) / np.sqrt(variance + EPSILON))


def _activated(given: Channels, kind: Activation) -> Channels:
    match kind:
        case "relu":
            return np.maximum(given, 0.0)
        case "elu":
            return np.where(given > 0, given, np.expm1(np.minimum(given, 0.0)))
        case "gelu":
            return np.asarray(0.5 * given * (1.0 + erf(given / np.sqrt(2.0))))
        case "linear":
            return given
