"""Frames over a pipe: whole, bounded, and nothing else."""

from __future__ import annotations

import io

import pytest

from bedside.jobs.frames import (
    MAX_PAYLOAD_BYTES,
    PIECE_BYTES,
    Frame,
    Frames,
    Garbled,
    read_frame,
    read_words,
    spell,
    spell_file,
    spell_json,
)


def test_frames_come_back_however_the_bytes_are_cut() -> None:
    data = spell_json(Frame.WORDS, {"a": 1}) + b"".join(
        spell_file({"name": "x"}, b"y" * (PIECE_BYTES + 1))
    )
    frames = Frames()
    found = [
        one for start in range(0, len(data), 7001) for one in frames.add(data[start : start + 7001])
    ]
    kinds = [kind for kind, _ in found]
    assert kinds == [Frame.WORDS, Frame.FILE, Frame.PIECE, Frame.PIECE, Frame.END]
    assert frames.whole
    source, read = io.BytesIO(data), []
    while (one := read_frame(source)) is not None:
        read.append(one)
    assert read == found
    assert read_words(found[0][1]) == {"a": 1}


@pytest.mark.parametrize(
    "data",
    [b"?\x00\x00\x00\x00", b"W" + (MAX_PAYLOAD_BYTES + 1).to_bytes(4, "big")],
    ids=["kind", "length"],
)
def test_what_is_no_frame_is_refused_before_it_is_read(data: bytes) -> None:
    with pytest.raises(Garbled):
        list(Frames().add(data))
    with pytest.raises(Garbled):
        read_frame(io.BytesIO(data))


def test_a_frame_that_is_cut_off_is_noticed() -> None:
    with pytest.raises(Garbled, match="cut off"):
        read_frame(io.BytesIO(spell(Frame.PIECE, b"abc")[:-1]))


def test_words_are_an_object() -> None:
    with pytest.raises(Garbled):
        read_words(b"[1]")
