"""Runs a package: gate, preprocess, ONNX Runtime, postprocess, and the golden replay at load.

`runner.load` is the door in. Nothing here knows of a site.
"""

import os

# ONNX Runtime makes a store of what it could report, in the home folder, when it is first imported:
# nothing phones home from here. It has no other switch that comes in time.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
