"""`[witness]` in `site.toml`: who sees this site's ledger grow, and how often."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from bedside.canonical import Json
from bedside.errors import BedsideError
from bedside.ledger.note import COSIGNATURE, read_vkey
from bedside.package.fields import Frozen


class WitnessAt(Frozen):
    """One witness.

    Attributes:
        name: What it is called here, in commands, metrics and the log.
        address: A folder (`/mnt/elsewhere`), a bucket (`s3://bucket/prefix`), or the prefix of an
            HTTP witness (`https://north.example/v1/witness`). It holds no password.
        vkey: The verifier key of an HTTP witness.
        region: The region of a bucket; without it, the environment's (`AWS_REGION`).
        endpoint: Where the bucket's service is, if it is not AWS.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    address: Annotated[str, Field(min_length=2, max_length=500)]
    vkey: Annotated[str, Field(max_length=500)] | None = None
    region: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    endpoint: Annotated[str, Field(pattern=r"^https?://[^/@\s]+/?$", max_length=500)] | None = None

    @property
    def signs(self) -> bool:
        """Whether it is an HTTP witness."""
        return self.address.startswith(("http://", "https://"))

    @field_validator("address")
    @classmethod
    def _known(cls, address: str) -> str:
        if "@" in address:
            raise ValueError("an address holds no name and no password")
        far = address.startswith(("http://", "https://", "s3://"))
        if not far and not PurePosixPath(address).is_absolute():
            raise ValueError("write a folder as /an/absolute/path, or s3://…, or https://…")
        return address

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.signs != (self.vkey is not None):
            raise ValueError("an HTTP witness, and no other, needs its vkey")
        if self.vkey is not None:
            try:
                read_vkey(self.vkey, COSIGNATURE)
            except BedsideError as problem:
                raise ValueError(str(problem)) from problem
        if (self.region or self.endpoint) and not self.address.startswith("s3://"):
            raise ValueError("only a bucket has a region and an endpoint")
        return self


class WitnessSettings(Frozen):
    """All of `[witness]`.

    Attributes:
        seconds: Checkpoints go out so often, where something new was recorded.
        entries: Sooner, once there are so many new entries.
        at: The witnesses, each under `[[witness.at]]`.
    """

    seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    entries: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    at: Annotated[tuple[WitnessAt, ...], Field(strict=False, max_length=8)] = ()

    @field_validator("at")
    @classmethod
    def _distinct(cls, at: tuple[WitnessAt, ...]) -> tuple[WitnessAt, ...]:
        if len({one.name for one in at}) < len(at):
            raise ValueError("two witnesses have the same name")
        return at


def witness_lines(settings: WitnessSettings) -> list[str]:
    """Return `[witness]` as lines of TOML; nothing where nothing is set."""
    if settings == WitnessSettings():
        return []
    lines = [
        "",
        "# Who sees the ledger grow: docs/how-to/prove-it-elsewhere.md.",
        "[witness]",
        f"seconds = {settings.seconds}",
        f"entries = {settings.entries}",
    ]
    for one in settings.at:
        lines += ["", "[[witness.at]]"]
        told = one.model_dump(exclude_none=True)
        lines += [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    return lines


def recorded_witnesses(settings: WitnessSettings) -> dict[str, Json]:
    """Return what the ledger keeps of the settings; there is no secret among them."""
    value: dict[str, Json] = settings.model_dump(mode="json", exclude_none=True)
    return value
