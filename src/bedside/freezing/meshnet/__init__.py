"""MeshNet: dilated 3-D convolutions in a row, read from a layer list and frozen as ONNX."""
