"""A throw-away certificate authority for the voice server: discord.py speaks to it over TLS and nothing else."""

import functools
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

HOSTS = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")
LIFETIME = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for this machine's loopback with its key, and the authority to be trusted for it; all in PEM."""

    chain: bytes
    key: bytes
    authority: bytes

    def server_context(self) -> ssl.SSLContext:
        """What a server needs to show it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory(prefix="sandbox-tls-") as directory:  # OpenSSL reads it from a file only
            path = Path(directory) / "server.pem"
            path.write_bytes(self.key + self.chain)
            context.load_cert_chain(path)
        return context

    def client_context(self) -> ssl.SSLContext:
        """What a client in this process needs to trust it."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.authority.decode())
        return context

    def write_trust(self, path: Path) -> None:
        """Write a file for SSL_CERT_FILE: the authorities this machine trusts, and this one."""
        system = ssl.get_default_verify_paths().cafile
        known = b"" if system is None else Path(system).read_bytes().rstrip() + b"\n"
        path.write_bytes(known + self.authority)


@functools.cache
def certificate() -> Certificate:
    """This process's certificate, made when first asked for; its authority's key is thrown away."""
    # The `cryptography` package belongs to the sandbox alone, and takes a moment to import.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    def begun(subject: str, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("Sandbox"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + LIFETIME)
        )

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    signing = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    root = (
        begun("Sandbox", root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(identifier, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    names = [x509.DNSName(host) for host in HOSTS] + [x509.IPAddress(ipaddress.ip_address(a)) for a in ADDRESSES]
    leaf = (
        begun("localhost", key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    written = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Certificate(leaf.public_bytes(pem), written, root.public_bytes(pem))
