"""What may stand in clear for good beside an erasure or a hold: words of a list, and short labels."""

from __future__ import annotations

import re
from typing import Final

from bedside.errors import UsageError
from bedside.ledger.erasure import HoldReason, Reason

_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,39}")
"""A file number or the like: too little to tell a story in, in clear for good."""


def word_of(words: type[Reason] | type[HoldReason], said: str) -> str:
    """Return a reason that is one of the list.

    Raises:
        UsageError: it is not.
    """
    known = [word.value for word in words]
    if said not in known:
        raise UsageError(
            "This is no reason of the list. It stays in clear for good, so it is not free text.",
            advice=f"One of: {', '.join(known)}.",
        )
    return said


def check_label(text: str, subject: str | None, what: str, *, optional: bool = False) -> None:
    """Check a site's own reference, or the name of a hold.

    Args:
        text: What it is.
        subject: Whom it must not name; None where nobody is named.
        what: What it is called in a message.
        optional: Whether it may be empty.

    Raises:
        UsageError: it is no label, or names the subject.
    """
    if optional and not text:
        return
    if not _LABEL.fullmatch(text):
        raise UsageError(
            f"This cannot be a {what}: it stays in clear for good.",
            advice="Use 1 to 40 letters, digits, dots, slashes, hyphens or underscores.",
        )
    if subject is not None and _alike(text, subject):
        raise UsageError(
            f"The {what} names the subject, and would outlive the erasure.",
            advice="Use a number of a file that does not hold the identifier.",
        )


def _alike(text: str, subject: str) -> bool:
    """Return whether one of the two, without case and punctuation, is a part of the other."""
    one, other = (re.sub(r"[\W_]", "", part).casefold() for part in (text, subject))
    return bool(other) and (other in one or (len(one) >= 4 and one in other))
