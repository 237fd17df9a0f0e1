from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bedside.store.duty import Duty

HOLDER = """
import sys, time
from pathlib import Path
from bedside.store.duty import Duty
duty = Duty(Path(sys.argv[1]))
print(duty.taken(), flush=True)
time.sleep(60)
"""


def test_one_process_has_the_duty_and_another_takes_it_over_when_that_one_dies(
    tmp_path: Path,
) -> None:
    path = tmp_path / "duty.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    ours = Duty(path)
    assert not ours.taken()
    holder.kill()
    holder.communicate()
    assert ours.taken()
    assert ours.taken()  # it stays ours
    assert not Duty(path).taken()
    ours.close()
    assert Duty(path).taken()


def test_where_no_file_can_be_made_nobody_has_the_duty(tmp_path: Path) -> None:
    assert not Duty(tmp_path / "nowhere" / "duty.lock").taken()
