"""`bedside analyse` in a process of its own, its work counted: resamplings, voxels, imports, memory.

Run as `python -m tests.runtime.counted_analysis HEAD OUT`; the last line that it prints is JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bedside.__main__ import main
from bedside.imaging.resampling import resampled
from bedside.runtime import segmentation, volume_preprocess
from bedside.runtime.engines.onnx import OnnxEngine

HEAVY = ("sqlalchemy", "torch", "sklearn", "onnx", "fastapi", "pandas")
"""What an analysis without a site does not need."""


def counted(head: str, out: str) -> dict[str, Any]:
    """Return what one analysis did, the replay of the golden cases with it."""
    resamplings, seen = list[int](), list[int]()
    run = OnnxEngine._run

    def counting(*given: Any, **named: Any) -> Any:
        found = resampled(*given, **named)
        resamplings.append(found.values.size)
        return found

    def watched(engine: Any, tensor: Any, tick: Any) -> Any:
        seen.append(tensor.size)
        return run(engine, tensor, tick)

    with (
        patch.object(volume_preprocess, "resampled", counting),
        patch.object(segmentation, "resampled", counting),
        patch.object(OnnxEngine, "_run", watched),
        suppress(SystemExit),  # whether it succeeded is seen by its results
    ):
        main(["analyse", head, "-o", out, "--modality", "MR", "--body-part", "HEAD"])
    return {
        "results": sorted(path.name for path in Path(out).iterdir()),
        "resamplings": resamplings,
        "seen": seen,
        "heavy": [name for name in HEAVY if name in sys.modules],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "processor": time.process_time(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(counted(*sys.argv[1:3])) + "\n")
