"""From a native model to a package: translated, converted, compared, given golden cases, signed.

`bedside.freeze` is the face; `freeze.py` tells the story step by step. Nothing is written
unless the frozen model, opened again from its archive, answers as the native one does.
"""
