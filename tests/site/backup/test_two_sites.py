"""Two sites whose generations lie in the same folders do not see each other's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.errors import UsageError
from bedside.site.backup.drill import drill
from bedside.site.backup.forgetting import forget_keys
from bedside.site.backup.making import back_up, back_up_if_due
from bedside.site.backup.manifest import PARTS
from bedside.site.backup.place import Place
from bedside.site.backup.plan import BackupSettings
from bedside.site.backup.restoring import Order, restore
from bedside.site.backup.state import backup_state
from bedside.site.site import Site
from bedside.site.unlocking import unlock


@pytest.fixture
def sites(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Site]]:
    monkeypatch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
    made = [Site.create(tmp_path / name, name, "Admin")[0] for name in ("a", "b")]
    chosen = BackupSettings(
        folder=str(place.folder), keys_folder=str(place.keys_folder),
        keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0,
    )  # fmt: skip
    for site in made:
        site.settings = site.settings.model_copy(update={"backup": chosen})
    yield made
    for site in made:
        site.close()


def test_each_is_due_by_its_own_and_prunes_its_own(sites: list[Site], place: Place) -> None:
    one, two = sites
    theirs = back_up(two, place).manifest
    state = backup_state(one.folder, one.settings, one.clock())
    assert state is not None
    assert (state.generation, state.due) == ("", True)
    first = back_up_if_due(one, place)
    second = back_up(one, place)
    assert first is not None
    assert second.pruned == (first.manifest.generation,)
    assert place.newest() == second.manifest
    assert place.belonging_to(two.settings.origin).newest() == theirs
    assert place.is_good(theirs.generation)
    assert drill(two, place).restored.manifest == theirs


def test_an_erasure_of_one_is_not_stopped_by_the_other(sites: list[Site], place: Place) -> None:
    one, two = sites
    back_up(two, place)
    back_up(one, place)
    before = {path.name for path in place.keys_folder.glob("*.keys")}
    key = unlock(one.folder, one.settings)
    assert forget_keys(one.folder, one.settings, key, ["x"]) == ()
    assert {path.name for path in place.keys_folder.glob("*.keys")} == before


def test_what_the_other_left_and_keeps_is_not_swept_away(
    sites: list[Site], place: Place, tmp_path: Path
) -> None:
    one, two = sites
    # the keys folder of one is where the other has everything
    apart = Place.at(tmp_path / "apart", place.folder)
    shared = Place.at(place.folder)
    two.settings = one.settings.model_copy(
        update={"id": two.settings.id, "backup": BackupSettings()}
    )
    theirs = back_up(two, shared).manifest
    killed = back_up(two, Place.at(place.folder)).manifest.generation
    shared.manifest_path(killed).unlink()
    back_up(one, apart)
    back_up(one, shared)
    assert shared.is_good(theirs.generation)
    assert all(shared.part_path(killed, part).exists() for part in PARTS)


def test_a_restore_asks_whose_it_shall_be(sites: list[Site], place: Place, tmp_path: Path) -> None:
    one, two = sites
    back_up(two, place)
    mine = back_up(one, place).manifest
    order = Order(place, tmp_path / "new", site_key_file=one.folder / "keys" / "site.key")
    with pytest.raises(UsageError, match="of several sites") as problem:
        restore(order)
    assert "generation" in problem.value.advice
    named = Order(place, tmp_path / "new", mine.generation, one.folder / "keys" / "site.key")
    assert restore(named).manifest == mine
