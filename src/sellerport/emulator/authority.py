"""The certificate authority of the local Amazon: made on first use, kept for its owner, good for Amazon's hosts alone.

* Its key is in a file that only its owner can read; one that others can read is refused, and so is a folder that they
  can write to.
* Its name constraints are the hosts that the local Amazon stands for and this machine (RFC 5280 §4.2.1.10): whoever
  gets hold of the key can impersonate nobody else to those who trust it.
* It is good for two years. Its certificate is made anew, with the same key, when less than a month is left or when a
  host is missing in it.
* The hosts' own certificate is made for each run, and its key is not kept.

Certificates are of the real time, whatever the world's clock says: clients check them by theirs.
"""

from __future__ import annotations

import os
import ssl
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sellerport.emulator.hosts import SERVED
from sellerport.errors import SettingsError
from sellerport.regions import LWA

NAMES = (*sorted(SERVED), "localhost")
ADDRESSES = ("127.0.0.1", "::1")
LIFE = timedelta(days=730)
"""Apple's clients take no server's certificate that is good for more than 825 days."""
RENEWED = timedelta(days=30)
SKEW = timedelta(days=1)
"""How far the clock of a container may be behind."""

ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sellerport's local Amazon")])


def data_folder(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return where this user's programs keep their data, for Sellerport."""
    usual = {"win32": "AppData/Local", "darwin": "Library/Application Support"}.get(platform, ".local/share")
    given = environ.get("XDG_DATA_HOME") or (environ.get("LOCALAPPDATA") if platform == "win32" else None)
    return (Path(given).absolute() if given else Path.home() / usual) / "sellerport"


def kept() -> Authority:
    """Return this user's authority.

    Raises:
        SettingsError: its folder cannot be used, or others can read its key.
    """
    return Authority.of(data_folder() / "ca")


@dataclass(frozen=True)
class Authority:
    """A certificate authority, in a folder."""

    folder: Path
    _key: EllipticCurvePrivateKey = field(repr=False)
    _until: datetime = field(repr=False)

    @classmethod
    def of(cls, folder: Path, *, now: float | None = None) -> Authority:
        """Return the authority of a folder; where there is none, it is made.

        Raises:
            SettingsError: the folder cannot be used, or others can read the key.
        """
        today = datetime.fromtimestamp(time.time() if now is None else now, UTC).replace(microsecond=0)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            key = _read_key(folder) if (folder / "ca-key.pem").exists() else _new_key(folder)
            until = _good_until(folder / "ca.pem", key)
            if until is None or until < today + RENEWED:
                until = today + LIFE
                os.replace(_write(folder, _certify(key, today, until).public_bytes(Encoding.PEM)), folder / "ca.pem")
        except OSError as error:
            told = f"cannot keep a certificate authority in {folder}: {error}; XDG_DATA_HOME names another place"
            raise SettingsError(told) from error
        return cls(folder, key, until)

    @property
    def ca(self) -> Path:
        """The certificate that clients have to trust, as a PEM file."""
        return self.folder / "ca.pem"

    @cached_property
    def context(self) -> ssl.SSLContext:
        """TLS, as every host that the local Amazon stands for."""
        key = generate_private_key(SECP256R1())
        certificate = _host_certificate(self._key, key, self._until)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        with tempfile.TemporaryDirectory() as folder:  # Python's ssl takes certificates from files alone
            context.load_cert_chain(_write(Path(folder), certificate.public_bytes(Encoding.PEM) + _pem(key)))
        return context


def _read_key(folder: Path) -> EllipticCurvePrivateKey:
    path = folder / "ca-key.pem"
    with path.open("rb") as file:
        mode, pem = os.fstat(file.fileno()).st_mode, file.read()
    if os.name == "posix":  # elsewhere a user's folder is private by other means, which modes do not show
        for place, found, wrong in ((path, mode, 0o077), (folder, folder.stat().st_mode, 0o022)):
            if found & wrong:
                raise SettingsError(
                    f"others can get at {place} (mode {stat.S_IMODE(found):o}), so the key in it may be no secret; "
                    f"delete {folder}, and another one is made"
                )
    try:
        key = load_pem_private_key(pem, None)
    except ValueError:
        key = None
    if not isinstance(key, EllipticCurvePrivateKey):
        raise SettingsError(f"{path} holds no key of ours; delete it, and another one is made")
    return key


def _new_key(folder: Path) -> EllipticCurvePrivateKey:
    """Make the key; of processes that do so at the same time, one makes it for all."""
    made = _write(folder, _pem(generate_private_key(SECP256R1())))
    with suppress(FileExistsError):
        os.link(made, folder / "ca-key.pem")
    os.unlink(made)
    return _read_key(folder)


def _write(folder: Path, content: bytes) -> str:
    """Write a file that only its owner can read, which is still to be given its name."""
    descriptor, name = tempfile.mkstemp(dir=folder)
    with open(descriptor, "wb") as file:
        file.write(content)
    return name


def _pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _good_until(path: Path, key: EllipticCurvePrivateKey) -> datetime | None:
    """Return until when a certificate is good; None if it is not for this key and these hosts."""
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        limits = found.extensions.get_extension_for_class(x509.NameConstraints).value
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        return None
    good = found.public_key() == key.public_key() and limits == _constraints()
    return found.not_valid_after_utc if good else None


def _constraints() -> x509.NameConstraints:
    addresses = [x509.IPAddress(ip_network(address)) for address in ADDRESSES]
    return x509.NameConstraints([*map(x509.DNSName, NAMES), *addresses], None)


def _certify(key: EllipticCurvePrivateKey, today: datetime, until: datetime) -> x509.Certificate:
    """Return the authority's own certificate."""
    return (
        _begun(ISSUER, key, today, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_constraints(), critical=True)
        .sign(key, hashes.SHA256())
    )


def _host_certificate(
    authority: EllipticCurvePrivateKey, key: EllipticCurvePrivateKey, until: datetime
) -> x509.Certificate:
    """Return a certificate of every host."""
    names = [*map(x509.DNSName, NAMES), *(x509.IPAddress(ip_address(address)) for address in ADDRESSES)]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LWA)])
    return (
        _begun(subject, key, until - LIFE, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority, hashes.SHA256())
    )


def _begun(
    subject: x509.Name, key: EllipticCurvePrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    """Begin a certificate with what both kinds have."""
    return (
        x509.CertificateBuilder(ISSUER, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(since - SKEW)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
