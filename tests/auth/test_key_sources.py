"""A JWK Set is read from a file or from the web, within bounds."""

import json
from pathlib import Path

import pytest
from tests.auth.issuer import JwksServer, jwks, key

from gator.auth.key_sources import MAX_DOCUMENT_BYTES, FileSource, IssuerSource, KeySource, UrlSource, key_source
from gator.auth.keys import KeysUnavailable


async def test_a_file_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    source = FileSource(path)
    for document in (jwks(key("ES256")), jwks()):
        path.write_bytes(document)
        assert await source.read() == document


async def test_a_page_on_the_web_is_read_as_it_is_now(server: JwksServer) -> None:
    source = UrlSource(server.url)
    for document in (jwks(key("ES256")), jwks()):
        server.body = document
        assert await source.read() == document


async def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(KeysUnavailable, match="cannot be read: No such file"):
        await FileSource(tmp_path / "nothing.json").read()


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content"])
async def test_a_page_that_is_not_there_is_reported(server: JwksServer, status: str) -> None:
    server.status = status
    with pytest.raises(KeysUnavailable, match=f"answered with HTTP status {status[:3]}"):
        await UrlSource(server.url).read()


async def test_a_redirect_is_not_followed(server: JwksServer) -> None:
    server.status = "302 Found"
    server.headers = (f"Location: {server.url}",)
    with pytest.raises(KeysUnavailable, match="HTTP status 302"):
        await UrlSource(server.url).read()
    assert len(server.requests) == 1


async def test_a_server_that_is_down_is_reported() -> None:
    async with JwksServer() as server:
        url = server.url
    with pytest.raises(KeysUnavailable, match="cannot be fetched: ConnectError"):
        await UrlSource(url).read()


async def test_a_server_that_breaks_http_is_reported(server: JwksServer) -> None:
    server.status = "nonsense"
    with pytest.raises(KeysUnavailable, match="cannot be fetched: RemoteProtocolError"):
        await UrlSource(server.url).read()


async def test_a_server_that_does_not_answer_in_time_is_reported(server: JwksServer) -> None:
    server.open.clear()
    with pytest.raises(KeysUnavailable, match=r"did not answer within 0.05 s"):
        await UrlSource(server.url, timeout_s=0.05).read()


async def test_a_server_that_drips_is_given_up_in_time(server: JwksServer) -> None:
    server.drips = True
    with pytest.raises(KeysUnavailable, match=r"did not answer within 0.05 s"):
        await UrlSource(server.url, timeout_s=0.05).read()


async def test_a_document_of_one_mebibyte_is_read_and_no_longer_one(server: JwksServer, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    sources: tuple[KeySource, ...] = (FileSource(path), UrlSource(server.url))
    server.body = b" " * MAX_DOCUMENT_BYTES
    path.write_bytes(server.body)
    for source in sources:
        assert len(await source.read()) == MAX_DOCUMENT_BYTES
    server.body += b" "
    path.write_bytes(server.body)
    for source in sources:
        with pytest.raises(KeysUnavailable, match="longer than 1048576 bytes"):
            await source.read()


async def test_no_compressed_answer_is_asked_for(server: JwksServer) -> None:
    await UrlSource(server.url).read()
    assert "accept-encoding: identity" in server.requests[0].lower()


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("keys.json", "keys.json"),
        ("/etc/gator/keys.json", "/etc/gator/keys.json"),
        ("https://issuer.example/keys?secret=1", "https://issuer.example/keys"),
        ("HTTP://me:password@issuer.example:8080/keys", "http://issuer.example:8080/keys"),
    ],
)
def test_a_setting_names_a_source_and_a_log_no_secret(location: str, name: str) -> None:
    assert key_source(location).name == name


@pytest.mark.parametrize(
    "location", ["ftp://issuer.example/keys", "file:///keys.json", "https://", "http:///keys"]
)
def test_a_setting_that_names_no_source_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match="a file's path or an http"):
        key_source(location)


# An OpenID provider


async def test_an_issuers_keys_are_found_through_its_metadata() -> None:
    async with JwksServer() as keys, JwksServer() as provider:
        provider.body = metadata(provider, keys.url)
        keys.body = jwks(key("ES256"))
        assert await IssuerSource(issuer_of(provider)).read() == keys.body
    assert [request.split()[1] for request in provider.requests] == ["/.well-known/openid-configuration"]


async def test_an_issuer_that_ends_in_a_slash_has_its_metadata_in_the_same_place() -> None:
    async with JwksServer() as keys, JwksServer() as provider:
        issuer = f"{issuer_of(provider)}/"
        provider.body = metadata(provider, keys.url, issuer=issuer)
        await IssuerSource(issuer).read()
    assert [request.split()[1] for request in provider.requests] == ["/.well-known/openid-configuration"]


async def test_a_provider_may_move_its_keys() -> None:
    async with JwksServer() as old, JwksServer() as new, JwksServer() as provider:
        old.body, new.body = jwks(key("ES256")), jwks(key("EdDSA"))
        source = IssuerSource(issuer_of(provider))
        for keys in (old, new):
            provider.body = metadata(provider, keys.url)
            assert await source.read() == keys.body


async def test_a_provider_cannot_pass_for_another() -> None:
    async with JwksServer() as provider:
        provider.body = metadata(provider, provider.url, issuer="https://login.example")
        with pytest.raises(KeysUnavailable, match=r"calls itself 'https://login\.example'"):
            await IssuerSource(issuer_of(provider)).read()


@pytest.mark.parametrize("document", [b"", b"[]", b'"text"', b"{}", b'{"issuer": 1}', b"\xff", b"[" * 100_000])
async def test_metadata_that_name_no_keys_are_reported(document: bytes) -> None:
    async with JwksServer() as provider:
        provider.body = document
        with pytest.raises(KeysUnavailable, match="has no metadata that names its keys"):
            await IssuerSource(issuer_of(provider)).read()


@pytest.mark.parametrize("address", ["file:///etc/passwd", "keys.json", "ftp://login.example/keys", ""])
async def test_keys_are_at_no_other_place_than_the_web(address: str) -> None:
    async with JwksServer() as provider:
        provider.body = metadata(provider, address)
        with pytest.raises(KeysUnavailable, match="not at an https address"):
            await IssuerSource(issuer_of(provider)).read()


async def test_a_provider_that_is_down_is_reported() -> None:
    async with JwksServer() as provider:
        issuer = issuer_of(provider)
    with pytest.raises(KeysUnavailable, match="cannot be fetched"):
        await IssuerSource(issuer).read()


def issuer_of(provider: JwksServer) -> str:
    """Name a provider on this machine."""
    return provider.url.removesuffix("/keys.json")


def metadata(provider: JwksServer, keys: str, *, issuer: str | None = None) -> bytes:
    """Word what a provider says of itself."""
    return json.dumps({"issuer": issuer or issuer_of(provider), "jwks_uri": keys}).encode()
