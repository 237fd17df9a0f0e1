"""What a run ran on and with: the machine, the libraries, the code."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import torch

import bedside
from bedside.canonical import Json, canonical_bytes, digest

LIBRARIES: Final = ("torch", "numpy", "scipy", "safetensors", "pydantic")
PROCESSORS: Final = Path("/proc/cpuinfo")


def environment(device: torch.device) -> dict[str, Json]:
    """Return versions, processor, threads and device of this process; no name of a machine or person."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in LIBRARIES},
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "device": gpu or "cpu",
        "cuda": torch.version.cuda if gpu else None,
    }


def code() -> dict[str, Json]:
    """Return which code runs: version, and a digest over every source file of ours.

    Of a checkout also the commit, and whether files differ from it.
    """
    here = Path(bedside.__file__).parent
    files = {
        str(path.relative_to(here)): digest(path.read_bytes())
        for path in sorted(here.rglob("*.py"))
    }
    found: dict[str, Json] = {
        "bedside": bedside.__version__,
        "source": digest(canonical_bytes(files)),
        "commit": None,
        "changed": None,
    }
    commit = _git(here, "rev-parse", "HEAD")
    if commit and _git(here, "ls-files", "--error-unmatch", bedside.__file__):
        found["commit"] = commit
        found["changed"] = bool(_git(here, "status", "--porcelain", "--", "."))
    return found


def told_code(found: dict[str, Json]) -> str:
    """Return `code()` as one line, as a lineage names it."""
    if found["commit"] is None:
        return f"bedside {found['bedside']}"
    return f"commit {found['commit']}" + (", with changes" if found["changed"] else "")


def work_tree_of(path: Path) -> Path | None:
    """Return the git work tree that a folder would make dirty; None where it is outside, or ignored."""
    there = path
    while not there.is_dir():
        there = there.parent
    root = _git(there, "rev-parse", "--show-toplevel")
    if not root or _git(there, "check-ignore", "--", str(path / "checkpoint")):
        return None
    return Path(root)


def _git(folder: Path, *words: str) -> str:
    """Return what git says, or nothing where it fails or is not there."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    if PROCESSORS.exists():
        for line in PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
