from __future__ import annotations

import pytest

from bedside.api.room import PictureRoom
from bedside.errors import Unavailable


def test_what_fits_is_admitted_and_what_does_not_is_told_to_come_back() -> None:
    room = PictureRoom(10)
    with room.taken(6), room.taken(4):
        full = room.taken(1)
        with pytest.raises(Unavailable, match="As many pictures as fit"):
            full.__enter__()
    with room.taken(10):
        pass


def test_room_is_given_back_after_a_failure() -> None:
    room = PictureRoom(10)
    with pytest.raises(RuntimeError), room.taken(10):
        raise RuntimeError
    with room.taken(10):
        pass
