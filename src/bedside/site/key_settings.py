"""`[keys]` of `site.toml`: where the site key comes from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from bedside.errors import SiteProblem
from bedside.keys.site_keys.source import Choice, SourceKind
from bedside.package.fields import Frozen
from bedside.store.disk import replace_file

_TABLE: Final = re.compile(r"^\[keys\][^\n]*\n(?:(?!\[)[^\n]*(?:\n|\Z))*", re.MULTILINE)
"""The table `[keys]` up to the next table; none of its values begins a line with a bracket."""

_REMARK: Final = "# Where the site key is, and by what it is known: docs/how-to/site-key.md.\n"


class KeySettings(Frozen):
    """Where the site key comes from; `bedside keys site move` writes this.

    Attributes:
        source: The kind of source. `file`: keys/site.key, or the variable BEDSIDE_SITE_KEY where
            it is set.
        key: The wrapping key at a KMS: ARN or alias, resource name, identifier.
        region: AWS alone: the region, where neither the ARN nor the environment says it.
        endpoint: AWS and GCP alone: another address of the service.
        passphrase_file: The file with the passphrase, or the name of a systemd credential.
        seconds: How long an attempt to reach a KMS may take; there are two.
        fingerprint: What the site key is known by. Another key is refused at opening; empty
            (sites from before it was kept) compares nothing.
    """

    source: Annotated[SourceKind, Field(strict=False)] = SourceKind.FILE
    key: Annotated[str, Field(max_length=2048)] = ""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,40}$")] = ""
    endpoint: Annotated[str, Field(max_length=500)] = ""
    passphrase_file: Annotated[str, Field(max_length=1000)] = ""
    seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""

    @property
    def choice(self) -> Choice:
        """The same, as the sources take it."""
        return Choice(
            self.source, self.key, self.region, self.endpoint, self.passphrase_file, self.seconds
        )


def key_lines(keys: KeySettings) -> list[str]:
    """Return the table as lines of TOML; what is as it is by default is left out."""
    told = keys.model_dump(mode="json", exclude_defaults=True)
    if not told:
        return []
    values = {"source": keys.source.value} | told
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return ["", _REMARK.rstrip("\n"), "[keys]", *lines]


def write_key_settings(path: Path, keys: KeySettings) -> None:
    """Put another `[keys]` into a settings file, durably, and change nothing else in it.

    Raises:
        SiteProblem: the file cannot be changed by a program; it is as it was.
    """
    before = path.read_text(encoding="utf-8")
    rest = _TABLE.sub("", before.replace(_REMARK, "")).rstrip("\n") + "\n"
    after = rest + "\n".join([*key_lines(keys), ""])
    if not _differ_in_keys_alone(before, after, keys):
        raise SiteProblem(
            f"{path} is written in a way that this program does not change.",
            advice="Write [keys] as a table of its own, one value a line, and try again.",
        )
    try:
        replace_file(path, after.encode("utf-8"), 0o600)
    except OSError as problem:
        raise SiteProblem(
            f"{path} cannot be written: {problem.strerror}.",
            advice="Nothing was changed. Look at the disk's free space and rights.",
        ) from problem


def _differ_in_keys_alone(before: str, after: str, keys: KeySettings) -> bool:
    try:
        old, new = tomllib.loads(before), tomllib.loads(after)
        written = KeySettings.model_validate(new.pop("keys", {}))
    except ValueError:  # no TOML any more, or not these settings
        return False
    old.pop("keys", None)
    return old == new and written == keys
