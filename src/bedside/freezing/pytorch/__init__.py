"""From a PyTorch network to an ONNX graph: loaded apart, checked, captured, translated, cleaned.

`source.py` tells the story step by step. `load.py` and `author_code.py` run code of the model's
author: only the child process of `freezing` imports them.
"""
