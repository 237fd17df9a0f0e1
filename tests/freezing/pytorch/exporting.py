"""Run as a program: writes the ONNX bytes of some networks to a folder, whatever process it is."""

from __future__ import annotations

import sys
from pathlib import Path

from bedside.freezing.pytorch.module import module_in_memory
from bedside.freezing.pytorch.source import translate_module
from tests.freezing.pytorch.networks import KINDS, network, rows

EXPORTED = ("convolutions", "attention", "any size")


def main(folder: Path) -> None:
    for kind in EXPORTED:
        make, shape = KINDS[kind]
        model = translate_module(module_in_memory(network(make)), rows(4, *shape))
        (folder / f"{kind}.onnx").write_bytes(model.network.onnx)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
