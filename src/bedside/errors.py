"""Every error that Bedside raises on purpose, in one tree.

    BedsideError
    ├── UsageError              the caller asked for something that makes no sense
    ├── NotFound                a model, version, prediction, person … that is not here
    ├── Conflict                it is already so, or no longer so
    ├── RepeatDiffers           a key that makes a request repeatable was used for another request
    ├── SignInRefused           nobody we know: missing, unknown, expired or revoked credentials
    ├── PermissionRefused       we know you, and your roles do not allow this
    ├── LimitExceeded           too large, too many, too deep: refused before memory is taken
    ├── TooOften                more requests, or more refused sign-ins, than one may make in a time
    ├── InputRefused            the gate: this input is outside what the package declares
    ├── PictureRefused          these bytes are no picture that can be read here safely
    ├── VolumeRefused           these files are no volume that can be read here safely and exactly
    ├── Unavailable             a model or the database cannot answer now; trying later may help
    ├── PackageRefused          not a package, damaged, unsigned, untrusted, or no longer itself
    │   ├── PackageDamaged      bytes, digests or structure are not what they must be
    │   ├── SignatureRefused    unsigned, or signed by nobody we trust
    │   ├── ConditionsNotMet    this machine is not what the package was verified on
    │   └── GoldenMismatch      it loads, and answers something else than it must
    ├── FreezeRefused           the native model cannot be frozen exactly; the message says which part
    ├── LedgerBroken            the record does not prove what it claims: name the first wrong entry
    ├── KeyUnavailable          a key is missing, destroyed or does not fit
    └── SiteProblem             the site's folder, settings, schema or disk are not usable as they are

A message says what was found, with its value, and `advice` says what to do next.
HTTP status codes and exit codes are mapped at the doors, never here.
"""

from __future__ import annotations

from dataclasses import dataclass


class BedsideError(Exception):
    """The root: `message` says what is wrong, `advice` what to do next.

    Attributes:
        message: What was found, with the offending value in it.
        advice: The next step, or an empty string where there is none.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()


class UsageError(BedsideError):
    """The caller asked for something that makes no sense."""


class NotFound(BedsideError):
    """A model, version, prediction, person or key that is not here."""


class Conflict(BedsideError):
    """It is already so, or it is no longer so."""


class RepeatDiffers(BedsideError):
    """A key that makes a request repeatable (Idempotency-Key) was used for another request."""


class SignInRefused(BedsideError):
    """Missing, unknown, expired or revoked credentials."""


class PermissionRefused(BedsideError):
    """A known person whose roles, or whose part in the matter, do not allow the act."""


class LimitExceeded(BedsideError):
    """Too large, too many or too deep; refused before memory was taken."""


class TooOften(BedsideError):
    """More requests, or more refused sign-ins, than one may make in a time; waiting helps.

    Attributes:
        wait: Seconds after which it is worth asking again.
        quota: The quota that is used up: its name, how many, and the seconds in which it is filled
            again; None where there is none to tell.
    """

    def __init__(
        self,
        message: str,
        *,
        wait: float = 1.0,
        quota: tuple[str, int, int] | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(message, advice=advice)
        self.wait = wait
        self.quota = quota


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why the gate refused an input.

    Attributes:
        row: Zero-based position of the input in the request.
        field: The field's name as declared in the manifest, or as sent when unknown.
        code: A stable word: `unknown-field`, `missing`, `wrong-type`, `wrong-unit`,
            `out-of-range`, `unknown-category`, `not-finite`.
        value: What was sent, shortened for display.
        allowed: What the manifest allows, in words.
    """

    row: int
    field: str
    code: str
    value: str
    allowed: str

    def __str__(self) -> str:
        found = "it was not sent" if self.code == "missing" else f"got {self.value}"
        return f"{self.field!r}: {self.code}: {found}; allowed: {self.allowed}"


class InputRefused(BedsideError):
    """The gate refused an input; `refusals` has one entry for each reason."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        reasons = "; ".join(f"row {refusal.row}, {refusal}" for refusal in refusals)
        super().__init__(
            f"The gate refused the input: {reasons}.",
            advice="Send values inside the model's declared domain; nothing was predicted.",
        )
        self.refusals = refusals


class PictureRefused(BedsideError):
    """These bytes are no picture that can be read here safely; `code` is a stable word for why.

    Codes: `not-a-picture`, `corrupt`, `too-large`, `several-frames`, `no-codec`, `unsupported`.
    """

    def __init__(self, code: str, message: str, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.code = code


class VolumeRefused(BedsideError):
    """These files are no volume that can be read here safely and exactly; `code` is a stable word.

    Codes: `not-a-volume`, `corrupt`, `too-large`, `no-codec`, `unsupported`, `four-dimensional`,
    `several-series`, `no-such-series`, `localizer`, `too-few-slices`, `missing-slices`,
    `duplicate-slices`, `no-geometry`, `orientation-unknown`, `orientation-contradicts`, `sheared`,
    `not-finite`.
    """

    def __init__(self, code: str, message: str, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.code = code


class Unavailable(BedsideError):
    """A model or a store cannot answer now; trying again later may help."""


class PackageRefused(BedsideError):
    """Not a package, damaged, unsigned, untrusted, or no longer itself."""


class PackageDamaged(PackageRefused):
    """Bytes, digests or structure are not what the format demands."""


class SignatureRefused(PackageRefused):
    """The package is unsigned, or signed by nobody who is trusted here."""


class ConditionsNotMet(PackageRefused):
    """This machine or its libraries are outside what the package was verified with."""


class GoldenMismatch(PackageRefused):
    """The package loads, and a golden case gets another answer than it must."""


class FreezeRefused(BedsideError):
    """The native model cannot be frozen exactly; the message names the part and the worst cases."""


class LedgerBroken(BedsideError):
    """The record does not prove what it claims; `index` is the first wrong entry where known."""

    def __init__(self, message: str, *, index: int | None = None, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.index = index


class KeyUnavailable(BedsideError):
    """A key is missing, was destroyed, or does not fit what it should open."""


class SiteProblem(BedsideError):
    """The site's folder, settings, schema or disk cannot be used as they are."""
