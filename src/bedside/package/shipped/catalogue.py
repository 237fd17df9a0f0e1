"""A package that comes with Bedside: where it lies, and how it is known to be ours.

Its signing key was made for it alone and thrown away; the public half lies beside the file, and its
fingerprint is in the source. So whoever changes the file must change the code as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bedside.errors import PackageDamaged
from bedside.keys.signing import PublicKey
from bedside.package.package import Package, check_signature, open_package
from bedside.package.shipped.known import KNOWN

HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Shipped:
    """One package of this installation.

    Attributes:
        name: Of the model.
        version: Of the package.
        fingerprint: Of the key that signed it.
        folder: Where its file and the public key lie.
    """

    name: str
    version: str
    fingerprint: str
    folder: Path = HERE

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def path(self) -> Path:
        """The package's file."""
        return self.folder / f"{self.name}-{self.version}.bedside"

    def key(self) -> PublicKey:
        """Return the key that signed it.

        Raises:
            KeyUnavailable: its file is missing or no key.
            PackageDamaged: it is another key than the source names.
        """
        key = PublicKey.load(self.path.with_suffix(".pub"))
        if key.fingerprint != self.fingerprint:
            raise PackageDamaged(
                f"The key beside {self.path.name} is {key.fingerprint}; this version of Bedside "
                f"names {self.fingerprint}.",
                advice="Somebody changed this installation: install Bedside again.",
            )
        return key

    def package(self) -> Package:
        """Return it opened, its signature held against the fingerprint in the source.

        Raises:
            PackageRefused: the file is damaged, or another one.
            KeyUnavailable: the key's file is missing.
            NotFound: the package's file is missing.
        """
        package = open_package(self.path)
        check_signature(package, (self.key(),))
        if package.manifest.ref != self.ref:
            raise PackageDamaged(f"{self.path.name} holds {package.manifest.ref}.")
        return package


SHIPPED: Final = tuple(Shipped(*one) for one in KNOWN)
"""Every package of this installation."""


def shipped(name: str) -> Shipped | None:
    """Return the package that a name, or `name@version`, means here; None where there is none."""
    return next((one for one in SHIPPED if name in (one.name, one.ref)), None)
