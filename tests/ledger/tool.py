"""`tools/verify_ledger.py`, asked in this process."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bedside.keys.signing import PublicKey
from tools import verify_ledger


def tool_says(
    export: Path,
    public: PublicKey,
    *,
    witness: Path | None = None,
    witness_key: str | None = None,
    earlier: Path | None = None,
) -> tuple[int, int | None]:
    """Return the tool's exit code, and the first wrong entry where it names one."""
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as file:
        file.write(public.to_pem())
        file.flush()
        asked = argparse.Namespace(
            export=export,
            public_key=Path(file.name),
            witness=witness,
            witness_key=witness_key,
            earlier=earlier,
        )
        try:
            verify_ledger.verify(asked)
        except verify_ledger.Wrong as problem:
            return 1, problem.entry
        except (verify_ledger.Unusable, OSError, ValueError):
            return 2, None
    return 0, None
