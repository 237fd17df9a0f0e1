"""A disk that is not mounted is not taken for an empty one, and nothing whole is ever swept away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bedside.errors import Unavailable
from bedside.site.backup.forgetting import places
from bedside.site.backup.making import back_up, back_up_if_due, back_up_unopened
from bedside.site.backup.mounted import MADE_FILE
from bedside.site.backup.place import Place
from bedside.site.backup.plan import BackupSettings, backup_lines
from bedside.site.backup.state import backup_state
from bedside.site.settings import SETTINGS_FILE, Settings, read_settings
from bedside.site.site import Site
from tests.bedside_site import Hospital


def set_to(site: Site, place: Place) -> Settings:
    """Set where backups go, in the site and in its file."""
    chosen = BackupSettings(folder=str(place.folder), keys_folder=str(place.keys_folder))
    site.settings = site.settings.model_copy(update={"backup": chosen})
    path = site.folder / SETTINGS_FILE
    text = path.read_text().partition("\n# Generations and")[0]
    path.write_text(text + "\n".join([*backup_lines(chosen), ""]))
    assert read_settings(path).backup == chosen
    return site.settings


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_backup_onto_a_bare_mount_point_is_refused_and_touches_nothing(
    hospital: Hospital, place: Place, tmp_path: Path
) -> None:
    site = hospital.site
    settings = set_to(site, place)
    made = [back_up(site, place).manifest.generation for _ in range(2)]
    keys = names(place.keys_folder)
    unmounted = place.folder.rename(tmp_path / "unmounted")
    place.folder.mkdir()
    for attempt in (
        lambda: back_up(site, place),
        lambda: back_up_if_due(site, place),
        lambda: back_up_unopened(site.folder, place),
        lambda: back_up(site, Place.at(place.folder)),
        lambda: places(site.folder, settings),
    ):
        with pytest.raises(Unavailable, match="nothing of them is there now") as problem:
            attempt()
        assert MADE_FILE in problem.value.advice
    assert names(place.folder) == set()
    assert names(place.keys_folder) == keys
    state = backup_state(site.folder, settings, site.clock())
    assert state is not None
    assert (state.due, state.late) == (True, True)
    assert "nothing of them is there" in state.words()
    place.folder.rmdir()
    unmounted.rename(place.folder)
    made.append(back_up(site, place).manifest.generation)
    assert [one for one in place.generations() if place.is_good(one)] == made


def test_a_folder_that_is_set_anew_is_begun(
    hospital: Hospital, place: Place, tmp_path: Path
) -> None:
    set_to(hospital.site, place)
    back_up(hospital.site, place)
    other = Place.at(tmp_path / "another", place.keys_folder)
    set_to(hospital.site, other)
    made = back_up(hospital.site, other).manifest.generation
    assert other.generations() == (made,)
    shutil.rmtree(other.folder)
    with pytest.raises(Unavailable, match="nothing of them is there now"):
        back_up(hospital.site, other)


def test_one_more_copy_elsewhere_leaves_the_keys_of_the_others_alone(
    hospital: Hospital, place: Place, tmp_path: Path
) -> None:
    made = [back_up(hospital.site, place).manifest.generation for _ in range(2)]
    usb = Place.at(tmp_path / "usb", place.keys_folder)
    copied = back_up(hospital.site, usb).manifest.generation
    made.append(back_up(hospital.site, place).manifest.generation)
    assert [one for one in place.generations() if place.is_good(one)] == made
    assert usb.is_good(copied)


def test_an_erasure_leaves_whole_keys_files_of_other_folders_alone(
    hospital: Hospital, place: Place, tmp_path: Path
) -> None:
    site = hospital.site
    usb = Place.at(tmp_path / "usb", place.keys_folder)
    copied = back_up(site, usb).manifest.generation
    settings = set_to(site, place)
    back_up(site, place)
    site.erasing._elsewhere.backups(["x"])
    assert places(site.folder, settings) == (place.belonging_to(settings.origin),)
    assert usb.is_good(copied)


def test_a_generation_is_removed_with_its_data_file_last(
    hospital: Hospital, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(hospital.site, place).manifest.generation
    order: list[str] = []
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        order.append(path.suffix)
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    place.remove(made)
    assert order == [".json", ".keys", ".data"]
