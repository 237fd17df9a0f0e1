"""A bucket of an object store (S3 and what speaks like it) as a shelf, through `obstore`.

A file is put with `If-None-Match: *`, so that nobody overwrites one: AWS S3 and MinIO know it.
Credentials come from the environment (`AWS_ACCESS_KEY_ID` …) or from the machine's role.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from bedside.errors import LimitExceeded, NotFound, SiteProblem, Unavailable, UsageError
from bedside.store.shelf import MAX_FILE_BYTES, checked_name

SECONDS: Final = 10
"""How long one request may take in all; a second one is made where the first got no answer."""


class Bucket:
    """A shelf in a bucket, under a prefix.

    Attributes:
        address: `s3://bucket/prefix`, for messages.
    """

    def __init__(self, address: str, *, region: str | None = None, endpoint: str | None = None):
        """Say where the bucket is; nothing is asked yet.

        Args:
            address: `s3://bucket`, or `s3://bucket/prefix`.
            region: The bucket's region; None takes the environment's.
            endpoint: Where the service is, `https://…`, if it is not AWS; buckets are then named
                in the path, and not in the host's name.

        Raises:
            SiteProblem: `obstore` is not installed.
            UsageError: not such an address.
        """
        if importlib.util.find_spec("obstore") is None:
            raise SiteProblem(
                f"{address} needs obstore, which is not installed.",
                advice="pip install 'bedside[s3]'",
            )
        if not address.startswith("s3://") or not address[5:].split("/", maxsplit=1)[0]:
            raise UsageError(f"{address!r} is no bucket.", advice="Write s3://bucket/prefix.")
        self.address = address
        self._obstore: Any = importlib.import_module("obstore")
        config: dict[str, Any] = {"aws_conditional_put": "etag"}
        if region:
            config["aws_region"] = region
        if endpoint:
            config |= {"aws_endpoint": endpoint, "aws_virtual_hosted_style_request": "false"}
        plain = bool(endpoint) and str(endpoint).startswith("http://")
        limit = timedelta(seconds=SECONDS)
        store = importlib.import_module("obstore.store").S3Store
        with self._told():
            self._store = store.from_url(
                address,
                config=config,
                client_options={"timeout": limit, "connect_timeout": limit, "allow_http": plain},
                retry_config={"max_retries": 1, "retry_timeout": limit},
            )

    def put_new(self, name: str, data: bytes) -> bool:
        """Put a new file down durably; False where one of that name is there, which stays.

        Raises:
            Unavailable: the bucket does not answer, or does not let us write.
        """
        with self._told():
            try:
                self._obstore.put(self._store, checked_name(name), data, mode="create")
            except self._obstore.exceptions.AlreadyExistsError:
                return False
        return True

    def get(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            NotFound: no such file is there.
            LimitExceeded: it has more than `MAX_FILE_BYTES`.
            Unavailable: the bucket does not let us read.
        """
        with self._told():
            try:
                found = self._obstore.get(self._store, checked_name(name))
                if found.meta["size"] <= MAX_FILE_BYTES:  # else nothing of it was read yet
                    return bytes(found.bytes())
            except FileNotFoundError as problem:
                raise NotFound(f"There is no {name} in {self.address}.") from problem
        raise LimitExceeded(
            f"{name} in {self.address} has more than {MAX_FILE_BYTES} bytes.",
            advice="Nothing of ours is so long: ask who may write there.",
        )

    def names(self, folder: str, after: str = "") -> list[str]:
        """Return the names in a folder in order, those that come after `after` alone.

        Raises:
            Unavailable: the bucket does not answer, or does not let us list.
        """
        offset = f"{folder}/{after}" if after else None
        with self._told():
            pages = self._obstore.list(self._store, prefix=folder, offset=offset)
            paths = [str(one["path"]) for page in pages for one in page]
        return sorted(path.rpartition("/")[2] for path in paths if path.count("/") == 1)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the library says into `Unavailable`, without the request's many lines."""
        try:
            yield
        except (self._obstore.exceptions.BaseError, OSError, ValueError) as problem:
            words = str(problem).split("\n", 1)[0][:300]
            raise Unavailable(
                f"{self.address} does not answer as a bucket should: {words}",
                advice="Look at its address, region and rights, and at the credentials (AWS_…).",
            ) from problem
