from __future__ import annotations

import os
from pathlib import Path

import pytest

from bedside.errors import SiteProblem
from bedside.store.disk import refuse_forgetful_disk, why_forgetful, write_new

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /memory rw,nosuid shared:4 - tmpfs tmpfs rw
31 30 254:1 / /memory/kept rw - xfs /dev/vdb rw
32 22 0:27 / /mnt/with\040space rw - ramfs ramfs rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/site", ""),
        ("/memory", "tmpfs"),
        ("/memory/site", "tmpfs"),
        ("/memory/kept/site", ""),
        ("/memoryother", ""),
        ("/mnt/with space/site", "ramfs"),
    ],
)
def test_the_innermost_mount_decides(folder: str, kind: str) -> None:
    reason = why_forgetful(Path(folder), MOUNTS, {})
    assert reason == (f"its file system is {kind}, which lives in memory" if kind else "")


def test_cloud_run_forgets_its_disk() -> None:
    assert "K_SERVICE is set" in why_forgetful(Path("/srv"), MOUNTS, {"K_SERVICE": "bedside"})


def test_tests_may_use_memory() -> None:
    environment = {"K_SERVICE": "bedside", "BEDSIDE_ALLOW_TMPFS": "1"}
    assert why_forgetful(Path("/memory/site"), MOUNTS, environment) == ""


def test_the_refusal_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEDSIDE_ALLOW_TMPFS")
    monkeypatch.setenv("K_SERVICE", "bedside")
    with pytest.raises(SiteProblem, match=r"is not kept: K_SERVICE is set.*Use PostgreSQL"):
        refuse_forgetful_disk(tmp_path)


def test_a_folder_in_memory_is_found_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Path("/proc/self/mountinfo").read_text()
    in_memory = [line.split()[4] for line in table.splitlines() if " - tmpfs " in line]
    if not in_memory:
        pytest.skip("no file system in memory on this machine")
    monkeypatch.delenv("BEDSIDE_ALLOW_TMPFS")
    monkeypatch.delenv("K_SERVICE", raising=False)
    with pytest.raises(SiteProblem, match="tmpfs, which lives in memory"):
        refuse_forgetful_disk(Path(in_memory[-1]))


def test_a_new_file_is_durable_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def spy(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    write_new(tmp_path / "k", b"data", 0o600)
    assert synced == [str(tmp_path / "k"), str(tmp_path)]
    assert (tmp_path / "k").read_bytes() == b"data"
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_new(tmp_path / "k", b"data", 0o600)
    monkeypatch.undo()
    write_new(tmp_path / "k", b"data", 0o600)
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "k", b"other", 0o600)
    assert (tmp_path / "k").read_bytes() == b"data"
