"""Uploads: so many bytes of everybody and of one person, and removed by whom they belong to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bedside.errors import Conflict, NotFound, Unavailable
from bedside.jobs.uploads import Room
from tests.jobs.toy import Toys

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NO_ID = ["a\0b", "\ud800", "../../keys/site.key", ""]


@pytest.fixture
def size(toys: Toys) -> int:
    """Bytes of one upload of a toy."""
    return toys.uploads.get(toys.add().upload).size


def test_many_that_come_at_once_never_have_more_than_the_room(toys: Toys, size: int) -> None:
    toys.uploads.room = Room(all=4 * size, of_one=4 * size)

    def kept(_number: int) -> bool:
        try:
            toys.add()
        except Unavailable:
            return False
        return True

    with ThreadPoolExecutor(8) as several:
        assert sum(several.map(kept, range(8))) == 3


@ON_SQLITE
def test_nobodys_uploads_take_the_room_of_others(toys: Toys, size: int) -> None:
    toys.uploads.room = Room(all=3 * size, of_one=2 * size)
    toys.uploads.refuse_without_room("ada")
    toys.add()
    for refused in (toys.add, lambda: toys.uploads.refuse_without_room("ada")):
        with pytest.raises(Unavailable, match="of your uploads are kept"):
            refused()
    toys.add(person="ben")
    with pytest.raises(Unavailable, match="this site keeps"):
        toys.add(person="cleo")


@ON_SQLITE
def test_an_upload_is_removed_once_nothing_unfinished_needs_it(toys: Toys) -> None:
    job = toys.add()
    with pytest.raises(Conflict, match="is not finished"):
        toys.keeping.drop(job.upload)
    assert toys.files.names() == [f"uploads/{job.upload}"]
    toys.jobs.cancel(job.id)
    toys.keeping.drop(job.upload)
    assert toys.files.names() == []
    with pytest.raises(NotFound):
        toys.keeping.drop(job.upload)


def test_what_is_no_id_is_nowhere_on_either_database(toys: Toys) -> None:
    for text in NO_ID:
        for found in (toys.jobs.get, toys.jobs.cancel, toys.uploads.get, toys.keeping.drop):
            with pytest.raises(NotFound):
                found(text)
