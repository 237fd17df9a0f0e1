"""The key services: AWS by moto's KMS, Google and Azure by local peers; the vendors' own SDKs ask."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bedside.errors import BedsideError, Conflict, KeyUnavailable, SiteProblem, Unavailable
from bedside.keys.site_keys.aws import AwsKms
from bedside.keys.site_keys.azure import AzureKeyVault
from bedside.keys.site_keys.gcp import GcpKms
from bedside.keys.site_keys.opening import source_of
from bedside.keys.site_keys.source import Choice, KeyService, SourceKind
from bedside.keys.site_keys.wrapped import FILE_NAME, WrappedFile
from tests.keys.site_keys.azure_peer import StaticCredential, azure_peer
from tests.keys.site_keys.google_peer import NAME, google_peer

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

SITE, OTHER = "site-1", "site-2"
SECRET = bytes(range(32))


@dataclass(frozen=True)
class Peer:
    """One service that answers on this machine."""

    choice: Choice
    service: Callable[[Choice, str], KeyService]
    server: Any

    def of(self, site: str = SITE, **changes: Any) -> KeyService:
        return self.service(replace(self.choice, **changes), site)


@pytest.fixture(scope="module")
def aws() -> Iterator[Peer]:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    names = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        endpoint = f"http://{host}:{port}"
        arn = _new_aws_key(endpoint)
        yield Peer(Choice(SourceKind.AWS, arn, endpoint=endpoint, seconds=5), AwsKms, server)
    server.stop()


def _new_aws_key(endpoint: str) -> str:
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415

    client = boto3.client("kms", region_name="ap-northeast-1", endpoint_url=endpoint)
    arn: str = client.create_key()["KeyMetadata"]["Arn"]
    client.create_alias(AliasName="alias/bedside", TargetKeyId=arn)
    client.close()
    return arn


@pytest.fixture
def gcp() -> Iterator[Peer]:
    with google_peer() as server:
        choice = Choice(SourceKind.GCP, NAME, endpoint=server.endpoint, seconds=5)
        yield Peer(choice, GcpKms, server)


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    def service(choice: Choice, site: str) -> KeyService:
        return AzureKeyVault(choice, site, StaticCredential(), verify_challenge_resource=False)

    with azure_peer(tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        yield Peer(Choice(SourceKind.AZURE, server.key, seconds=5), service, server)


@pytest.fixture(params=["aws", "gcp", "azure"])
def peer(request: pytest.FixtureRequest) -> Peer:
    found: Peer = request.getfixturevalue(request.param)
    return found


class TestEveryService:
    def test_opens_what_it_wrapped(self, peer: Peer) -> None:
        wrapped, by = peer.of().wrap(SECRET)
        assert SECRET not in wrapped
        assert peer.of().unwrap(wrapped, by) == SECRET
        assert peer.choice.key in by

    def test_opens_nothing_for_another_site(self, peer: Peer) -> None:
        wrapped, by = peer.of().wrap(SECRET)
        with pytest.raises(KeyUnavailable, match="another site"):
            peer.of(OTHER).unwrap(wrapped, by)

    @pytest.mark.parametrize("place", [0, 40, -1])
    def test_opens_nothing_that_was_altered(self, peer: Peer, place: int) -> None:
        wrapped, by = peer.of().wrap(SECRET)
        altered = bytearray(wrapped)
        altered[place] ^= 1
        with pytest.raises(KeyUnavailable, match=r"altered|another key|may not use"):
            peer.of().unwrap(bytes(altered), by)

    def test_names_a_key_that_is_not_there(self, peer: Peer) -> None:
        with pytest.raises(KeyUnavailable, match="no such key"):
            peer.of(key=peer.choice.key + "x").wrap(SECRET)

    def test_says_when_nobody_answers(self, peer: Peer, free_port: int) -> None:
        nowhere = f"127.0.0.1:{free_port}"
        changes: dict[str, Any] = {"endpoint": f"http://{nowhere}", "seconds": 1.0}
        if peer.choice.source is SourceKind.AZURE:
            changes = {"key": f"https://{nowhere}/keys/site", "seconds": 1.0}
        with pytest.raises(Unavailable, match="did not answer"):
            peer.of(**changes).wrap(SECRET)

    def test_keeps_the_site_key_in_a_file_that_names_no_secret(
        self, peer: Peer, tmp_path: Path
    ) -> None:
        source = WrappedFile(tmp_path, SITE, peer.choice, peer.of())
        source.keep(SECRET)
        path = tmp_path / FILE_NAME
        assert path.stat().st_mode & 0o777 == 0o600
        assert WrappedFile(tmp_path, SITE, peer.choice, peer.of()).unlock() == SECRET
        with pytest.raises(Conflict, match="already"):
            source.keep(SECRET)
        assert "still at" in source.destroy()
        assert not path.exists()


class TestAws:
    def test_takes_an_alias(self, aws: Peer) -> None:
        changes = {"key": "alias/bedside", "region": "ap-northeast-1"}
        wrapped, by = aws.of(**changes).wrap(SECRET)
        assert by == aws.choice.key
        assert aws.of(**changes).unwrap(wrapped, by) == SECRET

    def test_opens_nothing_that_another_key_wrapped(self, aws: Peer) -> None:
        import boto3  # noqa: PLC0415

        wrapped, by = aws.of().wrap(SECRET)
        client = boto3.client("kms", region_name="ap-northeast-1", endpoint_url=aws.choice.endpoint)
        other = client.create_key()["KeyMetadata"]["Arn"]
        client.close()
        with pytest.raises(KeyUnavailable, match=r"another|may not use"):
            aws.of(key=other).unwrap(wrapped, by)

    def test_without_credentials_says_so(self, aws: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(KeyUnavailable, match="credentials"):
            aws.of().wrap(SECRET)

    @pytest.mark.parametrize(
        ("code", "kind", "told"),
        [
            ("AccessDeniedException", KeyUnavailable, "may not use the key"),
            ("DisabledException", KeyUnavailable, "is disabled"),
            ("ThrottlingException", Unavailable, "ThrottlingException"),
            ("KeyUnavailableException", Unavailable, "at the moment"),
            ("InternalFailure", Unavailable, "InternalFailure"),
        ],
    )
    def test_says_what_the_service_refuses(
        self, aws: Peer, code: str, kind: type[BedsideError], told: str
    ) -> None:
        from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # noqa: PLC0415

        def refuse(_client: Any) -> dict[str, Any]:
            answer: Any = {"Error": {"Code": code, "Message": "no"}}
            answer["ResponseMetadata"] = {
                "HTTPStatusCode": 500 if code == "InternalFailure" else 400
            }
            raise ClientError(answer, "Decrypt")

        service = AwsKms(aws.choice, SITE)
        with pytest.raises(kind, match=told):
            service._asked(refuse)


class TestGoogle:
    def test_asks_over_rest_with_checksums_and_finds_the_version_itself(self, gcp: Peer) -> None:
        wrapped, by = gcp.of().wrap(SECRET)
        assert by == f"{NAME}/cryptoKeyVersions/1"
        gcp.server.versions.append(os.urandom(32))  # rotated
        assert gcp.of().unwrap(wrapped, by) == SECRET
        assert gcp.server.asked == [f"/v1/{NAME}:encrypt", f"/v1/{NAME}:decrypt"]

    def test_keeps_nothing_that_another_key_wrapped(self, gcp: Peer) -> None:
        gcp.server.used = NAME + "-2"
        with pytest.raises(
            KeyUnavailable, match=r"site-2/cryptoKeyVersions/1 where .*site was asked"
        ):
            gcp.of().wrap(SECRET)

    def test_notices_bytes_that_were_damaged_on_their_way(self, gcp: Peer) -> None:
        wrapped, by = gcp.of().wrap(SECRET)
        gcp.server.damage = "ciphertextCrc32c"
        with pytest.raises(Unavailable, match="checksum does not fit"):
            gcp.of().wrap(SECRET)
        gcp.server.damage = "plaintextCrc32c"
        with pytest.raises(Unavailable, match="checksum does not fit"):
            gcp.of().unwrap(wrapped, by)

    @pytest.mark.parametrize(
        ("status", "kind", "told"),
        [
            (403, KeyUnavailable, "may not use the key"),
            (401, KeyUnavailable, "credentials"),
            (503, Unavailable, r"\(503\)"),
        ],
    )
    def test_says_what_the_service_refuses(
        self, gcp: Peer, status: int, kind: type[BedsideError], told: str
    ) -> None:
        gcp.server.status = status
        with pytest.raises(kind, match=told):
            gcp.of().wrap(SECRET)

    def test_without_credentials_says_so(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
        with pytest.raises(KeyUnavailable, match="could not be asked"):
            GcpKms(Choice(SourceKind.GCP, NAME), SITE).wrap(SECRET)


class TestAzure:
    def test_opens_with_the_version_that_wrapped(self, azure: Peer) -> None:
        wrapped, by = azure.of().wrap(SECRET)
        azure.server.rotate()
        assert azure.of().unwrap(wrapped, by) == SECRET
        assert by.startswith(azure.choice.key + "/")

    def test_keeps_nothing_that_could_not_be_opened_after_a_rotation(
        self, azure: Peer, tmp_path: Path
    ) -> None:
        azure.server.may_get = False  # the SDK does not tell then which version wrapped
        source = WrappedFile(tmp_path, SITE, azure.choice, azure.of())
        with pytest.raises(KeyUnavailable, match="did not say with which version") as found:
            source.keep(SECRET)
        assert "keys/get" in found.value.advice
        assert not source.path.exists()

    def test_needs_no_right_to_get_a_key_that_is_named_with_its_version(self, azure: Peer) -> None:
        named = f"{azure.choice.key}/{next(iter(azure.server.versions))}"
        azure.server.may_get = False
        wrapped, by = azure.of(key=named).wrap(SECRET)
        azure.server.rotate()
        assert azure.of(key=named).unwrap(wrapped, by) == SECRET
        assert by == named

    def test_asks_no_vault_but_the_one_of_the_settings(self, azure: Peer) -> None:
        wrapped, by = azure.of().wrap(SECRET)
        elsewhere = by.replace("127.0.0.1", "127.0.0.2")
        azure.server.asked.clear()
        with pytest.raises(KeyUnavailable, match=r"\[keys\] names"):
            azure.of().unwrap(wrapped, elsewhere)
        assert not azure.server.asked

    @pytest.mark.parametrize(
        ("status", "kind", "told"),
        [
            (403, KeyUnavailable, "may not use the key"),
            (500, Unavailable, r"\(500\)"),
        ],
    )
    def test_says_what_the_service_refuses(
        self, azure: Peer, status: int, kind: type[BedsideError], told: str
    ) -> None:
        wrapped, by = azure.of().wrap(SECRET)
        azure.server.status = status
        with pytest.raises(kind, match=told):
            azure.of().unwrap(wrapped, by)

    def test_an_address_that_is_no_key_is_refused(self, azure: Peer) -> None:
        with pytest.raises(KeyUnavailable, match="could not be asked"):
            azure.of(key="https://vault.invalid/nothing").wrap(SECRET)


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [
        (SourceKind.AWS, "botocore", "aws"),
        (SourceKind.GCP, "google", "gcp"),
        (SourceKind.AZURE, "azure", "azure"),
    ],
)
def test_a_missing_sdk_is_named_with_its_extra(
    kind: SourceKind, module: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == module:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SiteProblem, match="not installed") as found:
        source_of(Choice(kind, "a-key"), tmp_path, SITE, {}).keep(SECRET)
    assert found.value.advice == f"pip install 'bedside[{extra}]'"


@pytest.mark.parametrize("endpoint", ["http://kms.example", "ftp://x", "kms", "https://"])
def test_a_key_is_sent_nowhere_in_the_clear(endpoint: str, tmp_path: Path) -> None:
    for kind in (SourceKind.AWS, SourceKind.GCP):
        source = source_of(Choice(kind, "k", endpoint=endpoint), tmp_path, SITE, {})
        with pytest.raises(SiteProblem, match="cannot be used"):
            source.keep(SECRET)
