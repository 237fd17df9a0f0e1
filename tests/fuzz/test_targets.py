"""The same parsers on the first thousands of inputs, wherever there is no fuzzer."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.targets import TARGETS, Target, run, write_seeds

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
