"""Files that somebody else made: looked into without running anything of them.

A pickle is a program for a small stack machine, and reading it with `pickle`, `joblib` or
`torch.load` runs that program. `inspect_file` reads the program instead, never runs it, and says
which names it would import and call; `refuse_code` is the door that freezing stands behind.
"""

from __future__ import annotations

from bedside.freezing.strangers.inspecting import inspect_file, refusal, refuse_code
from bedside.freezing.strangers.inspection import Inspection, Verdict

__all__ = ["Inspection", "Verdict", "inspect_file", "refusal", "refuse_code"]
