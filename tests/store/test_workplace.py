"""What a killed process leaves of a patient is removed by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bedside.errors import SiteProblem
from bedside.store.workplace import Workplace

WORKER = """
import sys, time
from pathlib import Path
from bedside.jobs.child import Child
from bedside.store.workplace import Workplace
place = Workplace(Path(sys.argv[1]))
child = Child("tests.jobs.mute_child", place=place)
(child._home / "patient.nii").write_bytes(b"a patient's head")
print(child.pid, flush=True)
time.sleep(600)
"""


def test_what_a_killed_process_left_goes_at_the_next_start_and_what_a_living_one_has_stays(
    tmp_path: Path,
) -> None:
    root = tmp_path / "work"
    living = Workplace(root)
    kept = living.new()
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(root)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    ) as worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        assert Workplace(root).sweep() == 0  # both live
        worker.kill()
        worker.wait()
    os.kill(child, signal.SIGKILL)  # a child that hears nothing any more
    assert len(list(root.rglob("patient.nii"))) == 1
    assert Workplace(root).sweep() == 1
    assert list(root.rglob("patient.nii")) == []
    assert kept.is_dir()
    living.close()
    assert list(root.iterdir()) == []


def test_a_place_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir(mode=0o777)
    root.chmod(0o777)
    with pytest.raises(SiteProblem, match="not a folder for this account alone"):
        Workplace(root).new()
    link = tmp_path / "link"
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    link.symlink_to(own)
    with pytest.raises(SiteProblem, match="not a folder for this account alone"):
        Workplace(link).new()


def test_every_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    place = Workplace(tmp_path / "work")
    home = place.new()
    assert {path.stat().st_mode & 0o777 for path in (home, home.parent, home.parent.parent)} == {
        0o700
    }
    place.close()
