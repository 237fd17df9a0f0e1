"""The commands of docs/how-to/backup-and-restore.md, run as they stand beside a real site."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bedside.ledger.events import EventKind
from bedside.site.backup.plan import BackupSettings
from bedside.site.site import DATABASE_VARIABLE, Site
from tests import bedside_site
from tests.bedside_site import MODEL

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "backup-and-restore.md"
BLOCKS = re.findall(r"^```(sh|toml)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)


@pytest.mark.slow
def test_the_commands_work_in_the_order_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    hospital = bedside_site.build(tmp_path / "site")
    hospital.release()
    hospital.site.close()
    script = "\n".join(text for language, text in BLOCKS if language == "sh")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "entries were recorded after the backup, and are lost" in done.stdout
    for name in ("restored", "restored-again"):
        with Site.open(tmp_path / name) as site:
            assert len(site.ledger.find(kind=EventKind.RESTORE)) == 1
            assert site.registry.released_for(MODEL).version == "1.2.3"


def test_the_settings_of_the_page_are_settings() -> None:
    (text,) = [text for language, text in BLOCKS if language == "toml"]
    told = BackupSettings.model_validate(tomllib.loads(text)["backup"])
    assert told.keys_folder == "/mnt/keys/bedside"
    defaults = BackupSettings()
    assert (told.every, told.keep_last, told.keep_daily, told.keep_weekly, told.keep_monthly) == (
        defaults.every,
        defaults.keep_last,
        defaults.keep_daily,
        defaults.keep_weekly,
        defaults.keep_monthly,
    )
