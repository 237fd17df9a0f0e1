"""What computes the scores of a volume: ONNX Runtime, or a library in a process of its own."""
