"""A certificate authority of the tests, and certificates for this machine's loopback name and for GRDF's stand-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """An authority that signs certificates.

    :param folder: where its own certificate is written, as ``ca.pem``
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Invented authority of the tests")])
        own = self._begun(self._name).public_key(self._key.public_key())
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        own = own.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        own = own.add_extension(_USE, critical=True)
        self.certificate = folder / "ca.pem"
        self.certificate.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))

    def certify(self, folder: Path, *names: str) -> None:
        """Write ``certificate.pem`` and ``key.pem``, which everybody may read, as a container's user must.

        :param names: the names and addresses that it is for
        """
        key = ec.generate_private_key(ec.SECP256R1())
        shown = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        made = self._begun(shown).public_key(key.public_key())
        made = made.add_extension(x509.SubjectAlternativeName([_name(each) for each in names]), critical=False)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        (folder / "certificate.pem").write_bytes(_pem(made.sign(self._key, hashes.SHA256())))
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "key.pem").write_bytes(secret)
        (folder / "key.pem").chmod(0o644)

    def _begun(self, subject: x509.Name) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        begun = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        begun = begun.serial_number(x509.random_serial_number())
        return begun.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))


_USE = x509.KeyUsage(
    **dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"),
            *("decipher_only", "digital_signature"),
        ),
        False,
    ),
    key_cert_sign=True,
    crl_sign=True,
)


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
