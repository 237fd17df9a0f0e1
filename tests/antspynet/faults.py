"""Prints the errors that the library itself raises, as it is."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def main(folder: str, film: str) -> None:
    net: Any = import_module("antspynet")
    config: Any = import_module("antspynet.config")
    net.utilities.set_antsxnet_cache_directory(folder)
    told = []
    try:
        config.set_antsxnet_deterministic()
    except NameError:
        told.append("NameError")
    try:
        net.chexnet(import_module("ants").image_read(film), check_image_orientation=True)
    except AttributeError:
        told.append("AttributeError")
    sys.stdout.write("\n" + " ".join(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
