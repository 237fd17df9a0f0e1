from __future__ import annotations

import pytest

from bedside.api.room import PictureRoom
from bedside.errors import Unavailable


def test_room_is_taken_as_bytes_arrive() -> None:
    room = PictureRoom(10, 10)
    with room.place("a") as first, room.place("b") as second:
        first(6)
        second(4)
        with pytest.raises(Unavailable, match="As many pictures as fit"):
            first(1)
    with room.place("a", 10) as again:
        again(10)


def test_what_is_only_announced_keeps_nobody_out() -> None:
    room = PictureRoom(10, 10)
    with room.place("a", 10), room.place("a", 10), room.place("b", 10) as sending:
        sending(10)


def test_what_cannot_fit_is_refused_before_it_comes() -> None:
    room = PictureRoom(10, 10)
    with room.place("a") as first:
        first(6)
        with pytest.raises(Unavailable, match="As many pictures as fit"):
            room.place("b", 5).__enter__()


def test_one_person_never_fills_it() -> None:
    room = PictureRoom(10, 7)
    with room.place("a") as first, room.place("a") as second, room.place("b") as other:
        first(4)
        second(3)
        with pytest.raises(Unavailable, match="As many of your pictures"):
            second(1)
        other(3)
    with room.place("a", 7):
        pass


def test_room_is_given_back_after_a_failure() -> None:
    room = PictureRoom(10, 10)

    def too_much() -> None:
        with room.place("a") as take:
            take(10)
            take(1)

    with pytest.raises(Unavailable):
        too_much()
    with room.place("a", 10):
        pass
