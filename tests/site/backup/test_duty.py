from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from bedside.site.backup.duty import BackupDuty
from bedside.site.backup.plan import BackupSettings
from tests.bedside_site import Hospital


def test_a_backup_under_way_is_broken_off_and_leaves_no_process_and_no_open_file(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, begun = tmp_path / "slow", tmp_path / "begun"
    program.write_text(f"#!/bin/sh\n: > {begun}\nexec sleep 60\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    chosen = BackupSettings(folder=str(tmp_path / "elsewhere"))
    site = hospital.site
    duty = BackupDuty(site.folder, site.settings.model_copy(update={"backup": chosen}), site.clock)
    duty.start()
    deadline = time.monotonic() + 30
    while not begun.exists():
        assert time.monotonic() < deadline, "it did not begin"
        time.sleep(0.05)
    stopping = time.monotonic()
    duty.stop()  # a file left open would be told as an unraisable warning, which fails the test
    assert time.monotonic() - stopping < 20
