"""A site key in a file that a passphrase opens: scrypt, then AES-256-GCM.

Sources: RFC 7914 (scrypt), NIST SP 800-38D (GCM). The cost is that of OWASP's password storage
cheat sheet for scrypt: N = 2**17, r = 8, p = 1, which takes 128 MiB and some tenths of a second.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bedside.canonical import Json, canonical_bytes
from bedside.errors import KeyUnavailable
from bedside.keys.files import destroy_secret, read_key_file
from bedside.keys.sealing import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Sealed, Sealer
from bedside.keys.site_keys.envelope import ADVICE, bytes_of, read_envelope, text_of, write_envelope
from bedside.keys.site_keys.source import SourceKind

FILE_NAME: Final = "site.key.sealed"
VARIABLE: Final = "BEDSIDE_SITE_PASSPHRASE"
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""Where systemd puts a service's credentials. Source: systemd.exec(5), LoadCredential."""

COST: Final = {"n": 2**17, "p": 1, "r": 8}
MOST_COST: Final = {"n": 2**20, "p": 16, "r": 8}
"""What a file may ask for: 1 GiB. More would be somebody's way to use up the memory."""

SALT_BYTES: Final = 16
LEAST_CHARACTERS: Final = 12
"""A shorter passphrase can be found by trying. Five random words, or 16 random characters, cannot."""

_MEMBERS: Final = frozenset({"box", "kdf", "nonce"})


class PassphraseFile:
    """`site.key.sealed`: without the passphrase it opens nothing."""

    def __init__(
        self,
        folder: Path,
        site: str,
        passphrase_file: str = "",
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._path = folder / FILE_NAME
        self._site = site
        self._passphrase_file = passphrase_file
        self._environment = environment

    @property
    def place(self) -> str:
        """The file's path."""
        return f"the file {self._path}, opened by a passphrase"

    def unlock(self) -> bytes:
        """Return the key; see `SiteKeySource`."""
        value = read_envelope(self._path, SourceKind.PASSPHRASE, self._site, _MEMBERS)
        kdf = _checked_cost(self._path, value["kdf"])
        salt = bytes_of(self._path, kdf["salt"], 64)
        sealed = Sealed(
            bytes_of(self._path, value["nonce"], NONCE_BYTES),
            bytes_of(self._path, value["box"], KEY_BYTES + TAG_BYTES),
        )
        sealer = Sealer(_stretched(self._passphrase(), salt, kdf))
        try:
            return sealer.open(sealed, _bound_to(self._site, kdf))
        except KeyUnavailable as problem:
            raise KeyUnavailable(
                f"The passphrase does not open {self._path}: it is another one, or the file was"
                " altered.",
                advice="Look at the passphrase's source for a stray character, and try again.",
            ) from problem

    def keep(self, secret: bytes) -> None:
        """Write the file; see `SiteKeySource`."""
        salt = os.urandom(SALT_BYTES)
        kdf: dict[str, Json] = {"name": "scrypt", **COST, "salt": text_of(salt)}
        sealer = Sealer(_stretched(self._passphrase(), salt, kdf))
        sealed = sealer.seal(secret, _bound_to(self._site, kdf))
        content: dict[str, Json] = {
            "kind": SourceKind.PASSPHRASE.value,
            "site": self._site,
            "kdf": kdf,
            "nonce": text_of(sealed.nonce),
            "box": text_of(sealed.box),
        }
        write_envelope(self._path, content)

    def destroy(self) -> str:
        """Overwrite and remove the file; see `SiteKeySource`."""
        destroy_secret(self._path)
        return ""

    def _passphrase(self) -> bytes:
        if self._passphrase_file:
            return _usable(_read(self._passphrase_file, self._environment))
        text = self._environment.get(VARIABLE)
        if text is None:
            raise KeyUnavailable(
                "The site key is opened by a passphrase, and none was given.",
                advice=f"Set {VARIABLE}, name a file with passphrase_file in [keys] of site.toml,"
                " or run the command in a terminal, which asks.",
            )
        return _usable(text)


def is_given(passphrase_file: str, environment: Mapping[str, str]) -> bool:
    """Return whether a passphrase comes from a file or from the environment, so nobody is asked."""
    return bool(passphrase_file) or VARIABLE in environment


def _usable(text: str) -> bytes:
    """Return a passphrase as bytes: Unicode NFC, so that every keyboard gives the same."""
    passphrase = unicodedata.normalize("NFC", text.rstrip("\r\n"))
    if len(passphrase) < LEAST_CHARACTERS:
        raise KeyUnavailable(
            f"The passphrase has {len(passphrase)} characters; so short a one can be found by"
            " trying.",
            advice=f"Use at least {LEAST_CHARACTERS}: five random words, or 16 random characters.",
        )
    return passphrase.encode("utf-8", "surrogateescape")


def _located(name: str, environment: Mapping[str, str]) -> Path:
    path = Path(name)
    if path.is_absolute():
        return path
    folder = environment.get(CREDENTIALS)
    if folder is None or len(path.parts) != 1:
        raise KeyUnavailable(
            f"The passphrase's file {name!r} is neither an absolute path nor the name of a"
            " systemd credential of this process.",
            advice="Write an absolute path, or start the service with LoadCredential=.",
        )
    return Path(folder) / name


def _read(name: str, environment: Mapping[str, str]) -> str:
    path = _located(name, environment)
    data = read_key_file(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    # systemd lets a service in by an access list, whose mask shows in the bits of the group
    by_others = 0o007 if str(path.parent) == environment.get(CREDENTIALS) else 0o077
    if mode & by_others:
        raise KeyUnavailable(
            f"Others may read the passphrase in {path} (mode {mode:04o}).",
            advice=f"chmod 600 {path}, and think about who may have read it.",
        )
    return data.decode("utf-8", "surrogateescape")


def _stretched(passphrase: bytes, salt: bytes, kdf: Mapping[str, Json]) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=kdf["n"], r=kdf["r"], p=kdf["p"]).derive(
        passphrase
    )


def _bound_to(site: str, kdf: Mapping[str, Json]) -> bytes:
    """Return what the box is bound to: the site and the whole cost, so none can be changed."""
    return canonical_bytes({"kdf": dict(kdf), "kind": SourceKind.PASSPHRASE.value, "site": site})


def _checked_cost(path: Path, kdf: Json) -> dict[str, Json]:
    """Return the cost that a file asks for, before memory is taken for it."""
    numbers = {"n", "p", "r"}
    if not isinstance(kdf, dict) or set(kdf) != numbers | {"name", "salt"}:
        raise KeyUnavailable(f"{path} does not say how its key is derived.", advice=ADVICE)
    good = kdf["name"] == "scrypt" and all(
        type(kdf[one]) is int and 1 <= kdf[one] <= MOST_COST[one] for one in numbers
    )
    if not good or kdf["n"] < 2 or kdf["n"] & (kdf["n"] - 1):
        raise KeyUnavailable(
            f"{path} asks for a derivation that is not allowed: "
            f"{ {one: kdf[one] for one in sorted(numbers | {'name'})} }.",
            advice=ADVICE,
        )
    return kdf
