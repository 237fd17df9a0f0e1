"""tools/verify_ledger.py: written from the page, shares no code with ours, and says the same."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import LedgerBroken, UsageError
from bedside.keys.signing import PublicKey, SigningKey
from bedside.ledger.checkpoint import sign_checkpoint
from bedside.ledger.cosignature import cosign
from bedside.ledger.export import seen_in, verify_export
from bedside.ledger.ledger import Ledger
from bedside.ledger.note import COSIGNATURE, NoteKey, read_note, read_vkey
from bedside.ledger.sightings import Sighting, sightings_in
from bedside.ledger.witness import Log
from tests.conftest import ROOT
from tests.ledger.attacks import entries, exported, grow, rewritten, written
from tests.ledger.test_spec import BLOCKS
from tests.ledger.tool import tool_says
from tools import verify_ledger

TOOL = ROOT / "tools" / "verify_ledger.py"
GOLDEN = ROOT / "tests" / "golden"
KEPT = sorted(GOLDEN.glob("ledger-*.jsonl"))
WITNESS = SigningKey.new()
KEY = NoteKey("example.com/w", COSIGNATURE, WITNESS.public)


def ours_says(
    path: Path, public: PublicKey, found: list[Sighting] | None = None
) -> tuple[int, int | None]:
    try:
        verify_export(path, public, found or ())
    except LedgerBroken as problem:
        return 1, problem.index
    except UsageError:
        return 2, None
    return 0, None


@pytest.fixture
def example(tmp_path: Path) -> Path:
    (tmp_path / "example.jsonl").write_text(BLOCKS[2])
    return tmp_path / "example.jsonl"


class TestItself:
    def test_is_one_short_file_that_needs_cryptography_alone(self) -> None:
        text = TOOL.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 300
        imported = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(text))
            for name in (
                [one.name for one in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert imported - set(sys.stdlib_module_names) == {"cryptography"}

    def test_leaves_with_0_1_or_2(self, example: Path, tmp_path: Path) -> None:
        public, wrong = tmp_path / "log.pub", tmp_path / "wrong.jsonl"
        public.write_text(BLOCKS[0])
        wrong.write_text(example.read_text().replace("agree", "AGREE"))

        def left(*words: object) -> tuple[int, str]:
            done = subprocess.run(
                [sys.executable, "-I", str(TOOL), *map(str, words)],
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
            )
            assert "Traceback" not in done.stderr
            return done.returncode, done.stdout + done.stderr

        said = "bedside/example: 3 entries, all as they were signed\n"
        assert left(example, public) == (0, said)
        code, told = left(wrong, public)
        assert (code, told[:18]) == (1, "WRONG at entry 1: ")
        for words in (
            (),
            (example,),
            (tmp_path / "missing", public),
            (example, tmp_path / "missing"),
            (example, example),
            (public, public),
            (example, public, "--witness", tmp_path / "missing"),
            (example, public, "--witness", public),
        ):
            code, told = left(*words)
            assert (code, bool(told)) == (1 if words == (public, public) else 2, True), told

    @pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
    def test_reads_every_released_format(self, path: Path) -> None:
        public = PublicKey.load(path.with_suffix(".pub"))
        assert tool_says(path, public) == ours_says(path, public) == (0, None)

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.text()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.integers(-(2**53) + 1, 2**53 - 1),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(max_size=5), inner, max_size=4)
            ),
            max_leaves=8,
        )
    )
    def test_spells_as_rfc_8785_does(self, value: object) -> None:
        try:
            spelled = rfc8785.dumps(value)  # type: ignore[arg-type]
        except UnicodeEncodeError:
            return
        read = json.loads(spelled, parse_int=float)
        assert verify_ledger._canonical(read).encode() == spelled

    @pytest.mark.parametrize(
        ("number", "text"),
        [
            (0.0, "0"),
            (-0.0, "0"),
            (1e21, "1e+21"),
            (2.0**68, "295147905179352830000"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (333333333.33333329, "333333333.3333333"),
            (9007199254740992.0, "9007199254740992"),
        ],
    )
    def test_spells_numbers_as_ecmascript_does(self, number: float, text: str) -> None:
        assert verify_ledger._canonical(number) == text


class TestAgrees:
    def test_on_the_example(self, example: Path) -> None:
        assert tool_says(example, PublicKey.from_pem(BLOCKS[0])) == (0, None)

    def test_on_every_flipped_byte(self, example: Path) -> None:
        public, data = PublicKey.from_pem(BLOCKS[0]), example.read_bytes()
        for position in range(len(data)):
            altered = bytearray(data)
            altered[position] ^= (0x01, 0x02, 0x20)[position % 3]
            example.write_bytes(altered)
            said = tool_says(example, public)
            assert said[0], position
            assert said == ours_says(example, public), (position, bytes(altered))

    def test_on_every_line_taken_away_doubled_or_moved(self, example: Path) -> None:
        public = PublicKey.from_pem(BLOCKS[0])
        lines = example.read_bytes().splitlines(keepends=True)
        for place in range(len(lines)):
            for changed in (
                lines[:place] + lines[place + 1 :],
                [*lines[: place + 1], *lines[place:]],
                [*lines[place:], *lines[:place]] if place else [],
                lines[:place],
            ):
                example.write_bytes(b"".join(changed))
                said = tool_says(example, public)
                # a checkpoint in between may be left out: the next one covers the same entries
                assert said[0] or changed == [*lines[:3], *lines[4:]], place
                assert said == ours_says(example, public), place

    @pytest.mark.parametrize(
        "junk",
        [
            b"[" * 100_000,
            b'{"a":1e999}',
            b'{"a":NaN}',
            b'{"a":' * 65 + b"1" + b"}" * 65,
            b'{"a":"\\ud800"}',
            b'{"a":1,"a":1}',
            b'{"a":01}',
            b"\xff",
            b'"x"',
            b"true",
            b"",
        ],
    )
    @pytest.mark.parametrize("place", [0, 2])
    def test_on_lines_that_nobody_should_write(
        self, example: Path, junk: bytes, place: int
    ) -> None:
        public = PublicKey.from_pem(BLOCKS[0])
        lines = example.read_bytes().splitlines(keepends=True)
        example.write_bytes(b"".join([*lines[:place], junk + b"\n", *lines[place:]]))
        said = tool_says(example, public)
        assert said[0]
        assert said == ours_says(example, public)

    def test_on_a_line_without_an_end(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        with path.open("wb") as stream:
            stream.truncate(10**9)  # a sparse file of zeros
        public = PublicKey.from_pem(BLOCKS[0])
        assert tool_says(path, public) == ours_says(path, public) == (1, None)

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # files are compared
    def test_on_a_ledger_written_anew_and_signed(
        self, ledger: Ledger, tmp_path: Path, signer: SigningKey
    ) -> None:
        grow(ledger, 6)
        ledger.checkpoint()
        grow(ledger, 5)
        notes = [one.note for one in (ledger.checkpoint(),)]
        earlier, whole = exported(ledger, tmp_path, "earlier.jsonl"), entries(ledger)
        first = sign_checkpoint(ledger.origin, 6, ledger.entry(5).root, signer).note
        seen = tmp_path / "seen.txt"
        seen.write_text(first + notes[0], encoding="utf-8")
        log = Log(ledger.origin, ledger.public_key)
        found = sightings_in(seen.read_text(encoding="utf-8"), log, "w")
        grow(ledger, 2)
        later = exported(ledger, tmp_path)
        for said in (
            tool_says(later, signer.public, witness=seen, earlier=earlier),
            ours_says(later, signer.public, found),
        ):
            assert said == (0, None)
        for changed in (0, 5, 6, 10):
            written(ledger, whole, signer)
            rewritten(ledger, changed, signer)
            later = exported(ledger, tmp_path)
            assert tool_says(later, signer.public) == (0, None)
            agreed = 0 if changed < 6 else 6
            for said in (
                tool_says(later, signer.public, witness=seen),
                ours_says(later, signer.public, found),
            ):
                assert said == (1, agreed)
            for said in (
                tool_says(later, signer.public, earlier=earlier),
                ours_says(later, signer.public, list(seen_in(earlier))),
            ):
                assert said == (1, changed)
        for left in (3, 6, 10):
            written(ledger, whole[:left], signer)
            later = exported(ledger, tmp_path)
            assert tool_says(later, signer.public) == (0, None)
            assert tool_says(later, signer.public, witness=seen) == (1, left)
            assert ours_says(later, signer.public, found) == (1, left)
            assert tool_says(later, signer.public, earlier=earlier) == (1, left)


class TestWhatAWitnessSaw:
    @pytest.fixture
    def seen(self, tmp_path: Path) -> Path:
        """The example's last checkpoint, cosigned."""
        note = json.loads(BLOCKS[2].splitlines()[-1])["checkpoint"]
        line = cosign(read_note(note).text, KEY.name, WITNESS, 1_700_000_000)
        (tmp_path / "seen.txt").write_text(f"{note}{line}", encoding="utf-8")
        return tmp_path / "seen.txt"

    def test_is_believed_under_its_key(self, example: Path, seen: Path) -> None:
        public = PublicKey.from_pem(BLOCKS[0])
        assert tool_says(example, public, witness=seen) == (0, None)
        assert tool_says(example, public, witness=seen, witness_key=KEY.vkey) == (0, None)

    def test_is_not_believed_under_another(self, example: Path, seen: Path) -> None:
        public = PublicKey.from_pem(BLOCKS[0])
        other = NoteKey("example.com/w", COSIGNATURE, SigningKey.new().public)
        assert tool_says(example, public, witness=seen, witness_key=other.vkey) == (1, None)
        stranger = NoteKey("example.com/x", COSIGNATURE, WITNESS.public)
        assert tool_says(example, public, witness=seen, witness_key=stranger.vkey) == (1, None)
        for vkey in ("", "x", KEY.vkey[:-3], KEY.vkey.replace(KEY.id.hex(), "00000000")):
            with pytest.raises(UsageError):
                read_vkey(vkey, COSIGNATURE)
            assert tool_says(example, public, witness=seen, witness_key=vkey) == (2, None)

    def test_every_flipped_byte_of_it_is_found(self, example: Path, seen: Path) -> None:
        public, data = PublicKey.from_pem(BLOCKS[0]), seen.read_bytes()
        log = Log("bedside/example", public)
        for position in range(len(data)):
            altered = bytearray(data)
            altered[position] ^= 0x01
            seen.write_bytes(altered)
            said = tool_says(example, public, witness=seen, witness_key=KEY.vkey)
            assert said[0], position
            with pytest.raises((LedgerBroken, UsageError, UnicodeDecodeError)):
                sightings_in(bytes(altered).decode(), log, "w", KEY)

    @pytest.mark.parametrize(
        ("lines", "code"),
        [
            ("— bedside/example AAAAAAAA\n{ours}{theirs}", 0),  # an unknown key in its name
            ("— example.com/w AAAAAAAA\n{ours}{theirs}", 0),
            ("{theirs}{ours}", 0),
            ("{ours}{theirs}— a\u2028b AAAAAAAA\n", 0),
            ("{ours}{theirs}" + "— x AAAAAAAA\n" * 14, 0),
            ("{ours}{theirs}" + "— x AAAAAAAA\n" * 15, 1),
            ("{ours}{theirs}" + "— x " + "A" * 8000 + "\n", 1),
            ("{ours}{theirs}— x\x00y AAAAAAAA\n", 1),
            ("{ours}{theirs}— x\ty AAAAAAAA\n", 1),
            ("{ours}{theirs}— x AAAA\n", 1),
            ("{ours}{theirs}— x AAAAAAA\n", 1),
            ("{ours}{theirs}— x\n", 1),
            ("{ours}", 1),
            ("{theirs}", 1),
        ],
    )
    def test_under_odd_signatures_is_the_same_to_both(
        self, example: Path, seen: Path, lines: str, code: int
    ) -> None:
        public = PublicKey.from_pem(BLOCKS[0])
        body, signatures = seen.read_text(encoding="utf-8").split("\n\n")
        ours, theirs = (f"{line}\n" for line in signatures.splitlines())
        text = f"{body}\n\n" + lines.format(ours=ours, theirs=theirs)
        seen.write_text(text, encoding="utf-8", newline="\n")
        said = tool_says(example, public, witness=seen, witness_key=KEY.vkey)
        try:
            sightings_in(text, Log("bedside/example", public), "w", KEY)
        except LedgerBroken:
            assert (said[0], code) == (1, 1)
        else:
            assert (said[0], code) == (0, 0)


def test_it_is_in_what_is_handed_out() -> None:
    assert '"tools/verify_ledger.py"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_page_names_the_tool() -> None:
    page = (ROOT / "docs" / "spec" / "ledger.md").read_text(encoding="utf-8")
    assert "`tools/verify_ledger.py` is such a verifier" in page
