"""A certificate authority of the tests, made by the program ``openssl``."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address
from pathlib import Path

NEW = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"


class Authority:
    def __init__(self, folder: Path) -> None:
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        self._make("Invented authority", "keyUsage=critical,keyCertSign,cRLSign", self.certificate, self._key)

    def certify(self, folder: Path, *names: str) -> None:
        """Everybody may read ``key.pem``, as a container's user must."""
        others = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
        signed = ("-CA", self.certificate, "-CAkey", self._key, "-addext", "basicConstraints=critical,CA:FALSE")
        self._make(names[0], f"subjectAltName={others}", folder / "certificate.pem", folder / "key.pem", *signed)
        (folder / "key.pem").chmod(0o644)

    @staticmethod
    def _make(name: str, extension: str, certificate: Path, key: Path, *more: str | Path) -> None:
        about = ("-subj", f"/CN={name}", "-addext", extension, "-out", certificate, "-keyout", key)
        subprocess.run(["openssl", *NEW.split(), *about, *more], check=True, capture_output=True, timeout=60)


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False
