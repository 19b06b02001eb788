"""The certificate authority: who can read its key, how long it is good, and whom it can vouch for."""

import contextlib
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve, EllipticCurvePrivateKey, generate_private_key

from sellerport.emulator import authority as authorities
from sellerport.emulator.authority import NAMES, Authority, data_folder, kept
from sellerport.emulator.hosts import STORAGE_HOSTS
from sellerport.errors import SettingsError
from sellerport.regions import HOSTS

DAY = 86_400


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.of(tmp_path / "ca")


def certificate(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.ca.read_bytes())


def shaken(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> str:
    """The TLS version that a client and a server of this name agree on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname=name)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for one in (asking, answering) * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            one.do_handshake()
    return str(asking.version())


def trusting(authority: Authority) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=authority.ca)
    made.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does without being asked
    return made


def test_its_key_is_for_its_owner_alone(authority: Authority) -> None:
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in authority.folder.iterdir()} == {
        "ca.pem": 0o600,
        "ca-key.pem": 0o600,
    }
    assert b"PRIVATE KEY" not in authority.ca.read_bytes()


@pytest.mark.parametrize(("place", "mode"), [("ca-key.pem", 0o640), ("ca-key.pem", 0o604), ("", 0o770), ("", 0o702)])
def test_a_key_that_others_can_get_at_is_refused(authority: Authority, place: str, mode: int) -> None:
    (authority.folder / place).chmod(mode)
    with pytest.raises(SettingsError, match=rf"others can get at .* \(mode {mode:o}\).*delete"):
        Authority.of(authority.folder)


def test_what_is_no_key_is_refused(authority: Authority) -> None:
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", authority.ca.read_bytes()):
        (authority.folder / "ca-key.pem").write_bytes(content)
        with pytest.raises(SettingsError, match="holds no key of ours; delete it"):
            Authority.of(authority.folder)


def test_a_folder_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"cannot keep a certificate authority in .*XDG_DATA_HOME"):
        Authority.of(tmp_path / "file" / "ca")


def test_it_stays_the_same_until_its_last_month(authority: Authority) -> None:
    made = authority.ca.read_bytes()
    end = certificate(authority).not_valid_after_utc.timestamp()
    assert Authority.of(authority.folder, now=end - 31 * DAY).ca.read_bytes() == made
    renewed = certificate(Authority.of(authority.folder, now=end - 29 * DAY))
    assert renewed.not_valid_after_utc.timestamp() > end
    old = x509.load_pem_x509_certificate(made)
    assert renewed.public_key() == old.public_key()
    assert renewed.subject == old.subject


def test_it_is_renewed_where_a_host_is_missing(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorities, "NAMES", (*NAMES, "api.new.example"))
    renewed = Authority.of(authority.folder)
    assert shaken(trusting(renewed), renewed.context, "api.new.example") == "TLSv1.3"


def test_it_is_made_again_where_the_certificate_is_gone_or_broken_or_of_another_key(authority: Authority) -> None:
    other = Authority.of(authority.folder.parent / "other").ca.read_bytes()
    for content in (None, b"nothing", other):
        authority.ca.unlink()
        if content is not None:
            authority.ca.write_bytes(content)
        again = Authority.of(authority.folder)
        assert shaken(trusting(again), again.context, "api.amazon.com") == "TLSv1.3"


def test_processes_that_make_it_at_once_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sellerport emulate &` and `$(sellerport emulate ca)` begin together."""
    others = []

    def slowly(curve: EllipticCurve) -> EllipticCurvePrivateKey:
        monkeypatch.undo()
        others.append(Authority.of(tmp_path))  # which is done when this one has only begun
        return generate_private_key(curve)

    monkeypatch.setattr(authorities, "generate_private_key", slowly)
    mine = Authority.of(tmp_path)
    for one in (mine, *others):
        assert shaken(trusting(mine), one.context, "localhost") == "TLSv1.3"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca-key.pem", "ca.pem"]


@pytest.mark.parametrize("name", [*sorted(HOSTS)[::9], *STORAGE_HOSTS.values(), "localhost", "127.0.0.1", "::1"])
def test_it_vouches_for_every_host_that_the_local_amazon_stands_for(authority: Authority, name: str) -> None:
    assert shaken(trusting(authority), authority.context, name) == "TLSv1.3"
    assert HOSTS | set(STORAGE_HOSTS.values()) <= set(NAMES)


@pytest.mark.parametrize("name", ["www.example.com", "www.amazon.de", "s3.amazonaws.com", "192.168.0.1"])
def test_whoever_has_its_key_can_impersonate_nobody_else(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A certificate that its key signs for another name is refused by those who trust it: RFC 5280 §4.2.1.10."""
    addresses = [name] if name[0].isdigit() else []
    monkeypatch.setattr(authorities, "NAMES", [] if addresses else [name])
    monkeypatch.setattr(authorities, "ADDRESSES", addresses)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shaken(trusting(authority), authority.context, name)


def test_a_certificate_that_it_signed_signs_no_others(authority: Authority) -> None:
    found = certificate(authority)
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    assert found.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert found.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=730)


def test_nobody_is_trusted_for_amazon_but_it(authority: Authority, tmp_path: Path) -> None:
    other = Authority.of(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(trusting(other), authority.context, "api.amazon.com")


def test_it_speaks_tls_1_2_too_and_nothing_older(authority: Authority) -> None:
    old = trusting(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shaken(old, authority.context, "api.amazon.com") == "TLSv1.2"
    assert authority.context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "~/.local/share/sellerport"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/sellerport"),
        ("darwin", {}, "~/Library/Application Support/sellerport"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/sellerport"),
        ("win32", {}, "~/AppData/Local/sellerport"),
    ],
)
def test_it_lies_with_the_users_data(platform: str, environ: dict[str, str], expected: str) -> None:
    assert data_folder(environ, platform) == Path(expected).expanduser()


def test_the_users_own_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert kept().ca == tmp_path / "sellerport" / "ca" / "ca.pem"
    assert kept().ca.read_bytes() == Authority.of(tmp_path / "sellerport" / "ca").ca.read_bytes()
