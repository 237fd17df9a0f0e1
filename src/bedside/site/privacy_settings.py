"""`[privacy]` of `site.toml`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bedside.package.fields import Frozen


class PrivacySettings(Frozen):
    """How the site treats what is personal.

    Attributes:
        erasure_days: How long a requested erasure may wait for somebody else to confirm it.
    """

    erasure_days: Annotated[int, Field(ge=1, le=365)] = 14


def privacy_lines(privacy: PrivacySettings) -> list[str]:
    """Return the table as lines of TOML; what is as it is by default is left out."""
    if privacy == PrivacySettings():
        return []
    return ["", "[privacy]", f"erasure_days = {privacy.erasure_days}"]
