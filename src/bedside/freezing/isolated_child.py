"""The child of `isolated`: reads the author's pickle, freezes it unsigned, writes one file.

Started as `python -I -m bedside.freezing.isolated_child MODEL SPEC DATA ANSWER ERROR`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bedside.errors import BedsideError
from bedside.freezing.isolated import write_error


def main(arguments: list[str]) -> int:
    """Return 0 when the answer is written, 1 when an error is."""
    model, spec, data, answer, error = map(Path, arguments)
    try:
        _freeze(model, spec, data, answer)
    except BedsideError as problem:
        write_error(error, problem)
        return 1
    return 0


def _freeze(model_path: Path, spec_path: Path, data_path: Path, answer: Path) -> None:
    from bedside.freezing.libraries import check_libraries  # noqa: PLC0415 - said before imports

    check_libraries()
    import joblib  # noqa: PLC0415 - only after the check

    from bedside.freezing.frames import read_rows  # noqa: PLC0415 - imports pandas
    from bedside.freezing.freeze import freeze  # noqa: PLC0415
    from bedside.freezing.spec import read_spec  # noqa: PLC0415

    spec = read_spec(spec_path)
    data = read_rows(data_path, spec.fields)
    model = joblib.load(model_path)
    freeze(model, data=data, spec=spec, out=answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
