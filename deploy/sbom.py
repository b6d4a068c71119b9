"""``./grdf sbom IMAGE``: print what is in an image, Debian's and Python's packages, as a CycloneDX document (JSON).

What counts is what is installed in the image, not what a lock says.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

DEBIAN = ("dpkg-query", "--show", "--showformat", "${Package}\t${Version}\t${Architecture}\n")
PYTHON = (
    *("/opt/venv/bin/python", "-c"),
    "import importlib.metadata as m, json;"
    "print(json.dumps([[d.metadata['Name'], d.version] for d in m.distributions()]))",
)


def bom_of(image: str) -> Bom:
    """Return the document about an image.

    :raises subprocess.CalledProcessError: if Docker cannot run it
    """
    bom = Bom()
    bom.metadata.component = Component(name=image, type=ComponentType.CONTAINER, bom_ref=image)
    for line in _asked(image, DEBIAN).splitlines():
        name, number, machine = line.split("\t")
        url = PackageURL("deb", "debian", name, number, qualifiers={"arch": machine, "distro": "trixie"})
        bom.components.add(Component(name=name, version=number, purl=url, bom_ref=str(url)))
    for name, number in json.loads(_asked(image, PYTHON)):
        url = PackageURL("pypi", name=name, version=number)
        bom.components.add(Component(name=name, version=number, purl=url, bom_ref=str(url)))
    bom.register_dependency(bom.metadata.component, bom.components)
    return bom


def _asked(image: str, command: Sequence[str]) -> str:
    program, *arguments = command
    asked = ["docker", "run", "--rm", "--network", "none", "--entrypoint", program, image, *arguments]
    return subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True, timeout=300).stdout


def main(argv: Sequence[str]) -> int:
    """Print the document.

    :param argv: the image's name
    """
    if len(argv) != 1:
        print("Usage: ./grdf sbom IMAGE > sbom.json", file=sys.stderr)
        return 2
    bom = bom_of(argv[0])
    print(JsonV1Dot6(bom).output_as_string(indent=2))
    print(
        f"grdf: {len(bom.components)} packages (cyclonedx-python-lib {version('cyclonedx-python-lib')})",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
