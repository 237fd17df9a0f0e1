"""`site.toml`: what a person may set about a site, read strictly and written once."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from bedside.errors import SiteProblem
from bedside.package.fields import Frozen
from bedside.package.reading import faults
from bedside.site.backup.plan import BackupSettings, backup_lines
from bedside.site.job_settings import JobSettings, job_lines
from bedside.site.key_settings import KeySettings, key_lines
from bedside.site.privacy_settings import PrivacySettings, privacy_lines
from bedside.site.proxy_settings import ProxySettings, proxy_lines
from bedside.site.witness_settings import WitnessSettings, witness_lines

SETTINGS_FILE = "site.toml"
MAX_SETTINGS_BYTES = 64 * 1024
"""A settings file is a page; anything longer is not one."""


class Limits(Frozen):
    """What one request, and all requests together, may take.

    Attributes:
        body_bytes: Largest request body, of a model that takes no pictures.
        picture_bytes: Largest request body of a model that takes pictures, as it comes: in JSON a
            picture is base64 and a third longer than its file. Four of this size, or more that are
            smaller, are held at once; `docs/explanation/one-prediction.md` does the arithmetic.
        rows: Most inputs in one request.
        concurrent: Requests being answered at once by one process; more are told to come back.
        header_seconds: Time for a client to send the head of a request, and again its body.
        upload_seconds: The same for the body of a request that uploads a volume, which may be large.
        shutdown_seconds: Time for requests in flight to finish when the service is stopped.
        answer_seconds: Time for a client to take an answer that does not fit into the socket.
        connections: Open connections of one process. When there are more, the one that has waited
            longest without a request gives way.
        connections_per_address: Of these, how many may come from one address; an IPv6 address
            counts by its first 64 bits. A proxy that is trusted (`[proxy]`) may have all.
        key_per_second: Requests that one API key may send a second for long, in one process; 0 is
            no limit.
        key_burst: Requests that one API key may send at once; then `key_per_second` holds.
        person_per_second: The same for all API keys of one person together.
        person_burst: The same for all API keys of one person together.
        refused_sign_ins: Refused sign-ins from one address, or with one beginning of a key, that
            cost no wait; each further one doubles it (`people/lockout.py`).
        repeat_hours: How long a request that is sent again under its Idempotency-Key gets the
            answer that it got; after that the key is new.
    """

    body_bytes: Annotated[int, Field(ge=1024, le=2**30)] = 4 * 2**20
    picture_bytes: Annotated[int, Field(ge=1024, le=2**30)] = 64 * 2**20
    rows: Annotated[int, Field(ge=1, le=100_000)] = 1000
    concurrent: Annotated[int, Field(ge=1, le=100_000)] = 256
    header_seconds: Annotated[int, Field(ge=1, le=600)] = 20
    upload_seconds: Annotated[int, Field(ge=1, le=86_400)] = 600
    shutdown_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    answer_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    connections: Annotated[int, Field(ge=16, le=100_000)] = 2000
    connections_per_address: Annotated[int, Field(ge=8, le=100_000)] = 1000
    key_per_second: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    key_burst: Annotated[int, Field(ge=1, le=10_000_000)] = 30_000
    person_per_second: Annotated[int, Field(ge=0, le=1_000_000)] = 2000
    person_burst: Annotated[int, Field(ge=1, le=10_000_000)] = 60_000
    refused_sign_ins: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    repeat_hours: Annotated[int, Field(ge=1, le=8760)] = 168


class DatabaseSettings(Frozen):
    """Where the database is; without a URL it is a file in the site's folder."""

    url: Annotated[str, Field(min_length=1)] | None = None


class Settings(Frozen):
    """All of `site.toml`.

    Attributes:
        id: UUID of the site; it names the origin of the ledger's checkpoints.
        name: What people call it.
        created: RFC 3339 time in UTC.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
    database: DatabaseSettings = DatabaseSettings()
    limits: Limits = Limits()
    keys: KeySettings = KeySettings()
    privacy: PrivacySettings = PrivacySettings()
    proxy: ProxySettings = ProxySettings()
    witness: WitnessSettings = WitnessSettings()
    backup: BackupSettings = BackupSettings()
    jobs: JobSettings = JobSettings()

    @property
    def origin(self) -> str:
        """The first line of every checkpoint of this site's ledger."""
        return f"bedside/{self.id}"


def write_settings(settings: Settings) -> str:
    """Return `settings` as TOML with a word about each table."""
    lines = [
        "# Settings of a Bedside site. The id is part of every signed checkpoint: leave it alone.",
        *(f"{name} = {_text(getattr(settings, name))}" for name in ("id", "name", "created")),
        "",
        "# Without a url the database is the file bedside.db in this folder.",
        "# The environment variable BEDSIDE_DATABASE_URL goes before it (keep passwords there).",
        "[database]",
        *([f"url = {_text(settings.database.url)}"] if settings.database.url else []),
        "",
        "[limits]",
        *(f"{name} = {value}" for name, value in settings.limits.model_dump().items()),
        *proxy_lines(settings.proxy),
        *key_lines(settings.keys),
        *privacy_lines(settings.privacy),
        *witness_lines(settings.witness),
        *backup_lines(settings.backup),
        *job_lines(settings.jobs),
    ]
    return "\n".join(lines) + "\n"


def read_settings(path: Path) -> Settings:
    """Read and check `site.toml`.

    Raises:
        SiteProblem: it is not there, too large, not TOML, or a value in it cannot be used.
    """
    if not path.is_file():
        raise SiteProblem(
            f"There is no site in {path.parent}: {path.name} is missing.",
            advice="Name a site with --site, or make one with `bedside init`.",
        )
    if path.stat().st_size > MAX_SETTINGS_BYTES:
        raise SiteProblem(f"{path} has {path.stat().st_size} bytes; at most {MAX_SETTINGS_BYTES}.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise SiteProblem(f"{path} is not TOML: {problem}.", advice="Correct it.") from problem
    return parse_settings(text, str(path))


def parse_settings(text: str, name: str) -> Settings:
    """Read and check the text of a `site.toml`, which messages call `name`.

    Raises:
        SiteProblem: it is not TOML, or a value in it cannot be used.
    """
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as problem:
        raise SiteProblem(f"{name} is not TOML: {problem}.", advice="Correct it.") from problem
    except ValidationError as problem:
        raise SiteProblem(
            f"{name} cannot be used: {faults(problem)}.", advice="Correct it, or remove the line."
        ) from problem


def _text(value: str) -> str:
    """Return `value` as a TOML basic string: JSON's spelling, and DEL escaped too (TOML 1.0)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
