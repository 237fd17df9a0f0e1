"""The same parsers on the first thousands of inputs, wherever there is no fuzzer."""

from __future__ import annotations

import random

import pytest

from bedside.imaging.reading import read_picture
from tests.fuzz.films import change_codestream, films
from tests.fuzz.target import MAX_SEED_BYTES, Target, run, write_seeds
from tests.fuzz.targets import TARGETS

ROUNDS = 150


def changed(data: bytes, choose: random.Random) -> bytes:
    """Return `data` with a few bytes replaced, removed, repeated or added."""
    found = bytearray(data)
    for _ in range(choose.randint(1, 6)):
        place = choose.randint(0, len(found))
        length = choose.choice((1, 1, 2, 4, 16))
        match choose.randrange(4):
            case 0:
                found[place : place + length] = choose.randbytes(length)
            case 1:
                del found[place : place + length]
            case 2:
                found[place:place] = found[place : place + length * 4]
            case _:
                found[place:place] = choose.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f"))
    return bytes(found)


@pytest.mark.parametrize("name", TARGETS)
def test_a_changed_file_gives_an_answer_or_one_of_our_errors(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target: Target = TARGETS[name]
    choose = random.Random(name)  # noqa: S311 - the same every time
    folder = tmp_path_factory.mktemp(name)
    write_seeds(target, folder)
    seeds = [path.read_bytes() for path in sorted(folder.iterdir())]
    assert seeds
    for _ in range(ROUNDS):
        data = changed(choose.choice(seeds), choose)
        run(target, data)
        if target.repair is not None:
            run(target, target.repair(data, choose))


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_lets_no_other_error_pass(name: str) -> None:
    def broken(_data: bytes) -> None:
        raise RecursionError(name)

    with pytest.raises(RecursionError):
        run(Target(broken, (), list), b"")


def test_there_is_a_small_valid_film_for_each_coding_that_is_decoded_elsewhere() -> None:
    found = films()
    assert {read_picture(data).facts.syntax for data in found.values()} == set(found)
    assert max(map(len, found.values())) <= MAX_SEED_BYTES


def test_a_changed_codestream_leaves_the_headers_as_they_were() -> None:
    choose = random.Random(2)  # noqa: S311 - the same every time
    for name, data in films().items():
        place = data.index(b"\xe0\x7f\x10\0O") if "Big" not in name else len(data)
        changes = [change_codestream(data, choose) for _ in range(50)]
        assert all(one[: place + 20] == data[: place + 20] for one in changes)
        assert any(one != data for one in changes) is ("Big" not in name)
