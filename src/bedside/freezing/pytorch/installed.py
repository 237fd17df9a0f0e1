"""What freezing a PyTorch network needs: is it here, and new enough?"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from bedside.errors import UsageError

NEEDED = ("torch", "onnx", "onnxscript", "safetensors")
"""Distributions of the extra `torch`, in the order in which their versions are recorded."""

OLDEST_TORCH = "2.8"
"""`torch.load(weights_only=True)` could be made to run code before 2.6 (CVE-2025-32434)."""

EXTRA = "Install it with: pip install 'bedside[torch]'"


def check_torch() -> dict[str, str]:
    """Return the versions of the libraries in `NEEDED`.

    Raises:
        UsageError: one is not installed, or PyTorch is too old; names the extra that brings it.
    """
    found = {}
    for name in NEEDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError as problem:
            raise UsageError(
                f"Freezing a PyTorch network needs {name}, which is not installed.", advice=EXTRA
            ) from problem
    refuse_old(found["torch"])
    return found


def refuse_old(found: str) -> None:
    """Refuse a PyTorch older than `OLDEST_TORCH`.

    Raises:
        UsageError: `found` is older.
    """
    if Version(found) < Version(OLDEST_TORCH):
        raise UsageError(
            f"PyTorch {found} is installed; {OLDEST_TORCH} or later is needed to read weights "
            "safely.",
            advice="Install a later one with: pip install --upgrade 'bedside[torch]'",
        )
