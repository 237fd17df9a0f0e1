"""Runs a package: gate, preprocess, ONNX Runtime, postprocess, and the golden replay at load.

`runner.load` is the door in. Nothing here knows of a site.
"""
