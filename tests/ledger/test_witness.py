"""The rules of every witness, and each of them on a folder, a bucket and another site."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bedside.errors import Conflict, LedgerBroken, NotFound, Unavailable, UsageError
from bedside.ledger.witness import Offer, StaleOffer, WitnessRefused, WitnessSpoiled, judge
from bedside.ledger.witness_request import MAX_REQUEST_BYTES, read_request, request_body
from bedside.ledger.witness_shelf import ShelfWitness, folder_of
from bedside.store.shelf import FolderShelf
from tests.ledger.witnesses import ORIGIN, Growing


class TestTheRules:
    @pytest.mark.parametrize(("old", "new"), list(itertools.combinations(range(1, 12), 2)))
    def test_whatever_continues_is_seen(self, old: int, new: int) -> None:
        ledger = Growing().grow(old)
        seen = ledger.checkpoint()
        judge(seen, ledger.grow(new - old).offer(old))

    def test_the_first_is_taken_as_it_is(self) -> None:
        judge(None, Growing().grow(5).offer())

    def test_the_same_again_is_no_harm(self) -> None:
        ledger = Growing().grow(5)
        judge(ledger.checkpoint(), ledger.offer(5))

    def test_another_size_was_seen(self) -> None:
        ledger = Growing().grow(5)
        with pytest.raises(StaleOffer) as stale:
            judge(ledger.checkpoint(), ledger.grow(3).offer(4))
        assert stale.value.size == 5
        with pytest.raises(StaleOffer):
            judge(None, ledger.offer(5))

    def test_nothing_goes_back(self) -> None:
        ledger = Growing().grow(5)
        with pytest.raises(UsageError, match="no proof from 5 entries to 4"):
            judge(ledger.checkpoint(), Offer(ledger.fork(4).checkpoint(), 5))
        with pytest.raises(StaleOffer):
            judge(ledger.checkpoint(), ledger.fork(4).offer(3))

    def test_two_roots_at_one_size_are_a_fork(self) -> None:
        ledger = Growing().grow(5)
        with pytest.raises(WitnessRefused, match="Two ledgers of 5 entries"):
            judge(ledger.checkpoint(), ledger.fork(4).grow(1, "forged").offer(5))

    @pytest.mark.parametrize("common", range(5))
    def test_another_history_is_refused(self, common: int) -> None:
        ledger = Growing().grow(5)
        forged = ledger.fork(common).grow(8 - common, "forged")
        with pytest.raises(WitnessRefused, match="does not continue the one of 5 entries"):
            judge(ledger.checkpoint(), forged.offer(5))

    def test_a_proof_too_many_is_refused(self) -> None:
        ledger = Growing().grow(5)
        extra = (bytes(32),)
        for seen, offer in (
            (None, Offer(ledger.checkpoint(), 0, extra)),
            (ledger.checkpoint(), Offer(ledger.checkpoint(), 5, extra)),
        ):
            with pytest.raises(WitnessRefused):
                judge(seen, offer)
        with pytest.raises(UsageError):
            judge(None, Offer(ledger.checkpoint(), 0, extra * 64))

    def test_a_tree_of_nothing_has_one_root(self) -> None:
        empty = Growing()
        judge(None, empty.offer())
        wrong = Growing(empty.signer).grow(1).checkpoint()
        with pytest.raises(WitnessRefused):
            judge(None, Offer(type(wrong)(ORIGIN, 0, wrong.root, wrong.note), 0))


class TestTheRequest:
    def test_goes_there_and_back(self) -> None:
        offer = Growing().grow(11).offer(4)
        read = read_request(request_body(offer))
        assert (read.old, read.path) == (4, offer.path)
        assert (read.origin, read.size, read.root) == (ORIGIN, 11, offer.checkpoint.root)
        assert read.checkpoint == offer.checkpoint.note

    def test_is_that_of_c2sp(self) -> None:
        offer = Growing().grow(11).offer(4)
        lines = request_body(offer).decode().split("\n")
        assert lines[0] == "old 4"
        assert lines[len(offer.path) + 1] == ""
        assert lines[len(offer.path) + 2 :] == offer.checkpoint.note.split("\n")

    @pytest.mark.parametrize(
        ("honest", "hostile"),
        [
            (b"old 4\n", b""),
            (b"old 4\n", b"old 04\n"),
            (b"old 4\n", b"old -4\n"),
            (b"old 4\n", b"old  4\n"),
            (b"old 4\n", b"new 4\n"),
            (b"\n\nbedside", b"\nbedside"),
            (b"\n11\n", b"\n011\n"),
            (b"\n11\n", b"\n11 \n"),
            (b"=\n\n", b"\n\n"),
            (b"\xe2\x80\x94 ", b"- "),
            (b"bedside/test\n", b"\xff\n"),
        ],
    )
    def test_that_is_another_is_refused(self, honest: bytes, hostile: bytes) -> None:
        body = request_body(Growing().grow(11).offer(4))
        assert honest in body
        with pytest.raises(UsageError, match="no request to a witness"):
            read_request(body.replace(honest, hostile, 1))

    def test_that_is_long_is_refused(self) -> None:
        body = request_body(Growing().grow(11).offer(4))
        with pytest.raises(UsageError):
            read_request(body + b"x" * MAX_REQUEST_BYTES)
        hashes = (bytes(32),) * 64
        with pytest.raises(UsageError):
            read_request(request_body(Offer(Growing().grow(3).checkpoint(), 1, hashes)))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


def folder(shelf: Path) -> ShelfWitness:
    return ShelfWitness("archive", str(shelf), FolderShelf(shelf))


class TestAFolder:
    def test_sees_a_ledger_grow(self, shelf: Path) -> None:
        ledger, witness = Growing(), folder(shelf)
        assert witness.latest(ledger.log) is None
        old = 0
        for count in (3, 1, 8):
            note = witness.submit(ledger.log, ledger.grow(count).offer(old))
            assert note == ledger.checkpoint().note
            old = len(ledger.leaves)
            assert witness.latest(ledger.log) == ledger.checkpoint()
            assert folder(shelf).latest(ledger.log) == ledger.checkpoint()
        assert [one.size for one in witness.history(ledger.log)] == [3, 4, 12]
        assert witness.submit(ledger.log, ledger.offer(12)) == ledger.checkpoint().note

    def test_keeps_several_ledgers_apart(self, shelf: Path) -> None:
        one, witness = Growing().grow(3), folder(shelf)
        witness.submit(one.log, one.offer())
        assert witness.latest(type(one.log)("bedside/other", one.signer.public)) is None

    def test_keeps_what_it_refused(self, shelf: Path) -> None:
        ledger, witness = Growing().grow(5), folder(shelf)
        witness.submit(ledger.log, ledger.offer())
        forged = ledger.fork(2).grow(3, "forged")
        for _ in range(2):
            with pytest.raises(WitnessRefused, match="Two ledgers of 5"):
                witness.submit(forged.log, forged.offer(5))
        with pytest.raises(WitnessRefused, match="does not continue"):
            witness.submit(forged.log, forged.grow(4).offer(5))
        kept = sorted((shelf / folder_of(ORIGIN)).glob("refused-*.txt"))
        assert len(kept) == 2
        for path in kept:
            request = read_request(path.read_bytes())
            assert (request.old, request.origin) == (5, ORIGIN)
        assert witness.latest(ledger.log) == ledger.checkpoint()

    def test_knows_one_successor_of_each(self, shelf: Path) -> None:
        ledger = Growing().grow(5)
        folder(shelf).submit(ledger.log, ledger.offer())
        slow, fast = folder(shelf), folder(shelf)
        forged = ledger.fork(5).grow(2, "forged").offer(5)

        class Meanwhile(FolderShelf):
            def put_new(self, name: str, data: bytes) -> bool:
                fast.submit(ledger.log, ledger.grow(3).offer(5))
                return super().put_new(name, data)

        slow._shelf = Meanwhile(shelf)
        with pytest.raises(StaleOffer) as stale:
            slow.submit(ledger.log, forged)
        assert stale.value.size == 8
        assert [one.size for one in slow.history(ledger.log)] == [5, 8]

    def test_finds_a_file_that_was_taken_away(self, shelf: Path) -> None:
        ledger, witness = Growing(), folder(shelf)
        for old in (0, 2, 4):
            witness.submit(ledger.log, ledger.grow(2).offer(old))
        (shelf / folder_of(ORIGIN) / f"after-{2:020d}.note").unlink()
        with pytest.raises(LedgerBroken, match="followed 4 entries, and the one of 4 is gone"):
            list(witness.history(ledger.log))

    def test_finds_what_somebody_put_there(self, shelf: Path) -> None:
        ledger, witness = Growing().grow(4), folder(shelf)
        witness.submit(ledger.log, ledger.offer())
        place = shelf / folder_of(ORIGIN) / f"after-{4:020d}.note"
        for text, words in (
            (Growing().grow(9).checkpoint().note, "not signed by bedside/test"),
            (ledger.fork(3).checkpoint().note, "is a checkpoint of 3 entries"),
            ("nothing", "not a signed note"),
        ):
            place.write_text(text)
            with pytest.raises(LedgerBroken, match=words):
                list(witness.history(ledger.log))
            assert witness.latest(ledger.log) == ledger.checkpoint()
        place.write_bytes(b"\xff")
        with pytest.raises(LedgerBroken, match="is not text"):
            list(witness.history(ledger.log))
        (place.parent / f"after-{0:020d}.note").write_text("nothing")
        with pytest.raises(WitnessSpoiled, match="is not text"):
            witness.latest(ledger.log)

    def test_that_is_not_mounted_is_away(self, tmp_path: Path) -> None:
        ledger, witness = Growing().grow(4), folder(tmp_path / "nothing")
        with pytest.raises(Unavailable, match="No such file"):
            witness.latest(ledger.log)
        with pytest.raises(Unavailable):
            witness.submit(ledger.log, ledger.offer())
        assert not (tmp_path / "nothing").exists()

    def test_that_is_a_file_is_away(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        ledger, witness = Growing().grow(4), folder(tmp_path / "file")
        with pytest.raises(Unavailable, match="Not a directory"):
            witness.submit(ledger.log, ledger.offer())

    def test_is_asked_nothing_about_nothing(self, shelf: Path) -> None:
        with pytest.raises(UsageError, match="no entries"):
            folder(shelf).submit(Growing().log, Growing().offer())

    def test_leaves_nothing_half_written(self, shelf: Path) -> None:
        ledger = Growing().grow(4)
        folder(shelf).submit(ledger.log, ledger.offer())
        assert [path.name for path in (shelf / folder_of(ORIGIN)).iterdir()] == [
            f"after-{0:020d}.note"
        ]


class TestAShelf:
    def test_gives_a_name_once(self, shelf: Path) -> None:
        one = FolderShelf(shelf)
        assert one.put_new("a/1.note", b"first")
        assert not one.put_new("a/1.note", b"second")
        assert one.get("a/1.note") == b"first"
        with pytest.raises(NotFound):
            one.get("a/2.note")

    def test_lists_in_order(self, shelf: Path) -> None:
        one = FolderShelf(shelf)
        assert one.names("a") == []
        for name in ("b", "a", "c"):
            one.put_new(f"a/{name}", b"")
        assert one.names("a") == ["a", "b", "c"]
        assert one.names("a", "a") == ["b", "c"]

    @pytest.mark.parametrize("name", ["", "/x", "../x", "a/../x", "a/b/c", "a/.x", "A", "a b"])
    def test_names_lead_nowhere_else(self, shelf: Path, name: str) -> None:
        with pytest.raises(UsageError, match="cannot be the name"):
            FolderShelf(shelf).put_new(name, b"")

    def test_is_a_conflict_only_for_whoever_was_late(self) -> None:
        assert issubclass(StaleOffer, Conflict)
