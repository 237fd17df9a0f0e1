"""The Open Inference Protocol, version 2 (KServe, Triton): the same use cases, said in tensors."""
