r"""Half a surrogate pair, such as ``\ud83d`` alone, which JSON can hold but is no character.

CouchDB refuses the whole request with one (``invalid UTF-8 JSON``), so U+FFFD takes its place on reading and writing.
"""

from __future__ import annotations

import re

_HALF = r"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_ANY = re.compile(rf"\\{_HALF}")
_ESCAPE = re.compile(rf"\\(?:u[dD][89abAB][0-9a-fA-F]{{2}}\\u[dD][c-fC-F][0-9a-fA-F]{{2}}|({_HALF})|.)", re.DOTALL)
"""One escape of a JSON string: a whole pair, half a pair, or any other."""


def replace_lone_surrogates(text: str) -> str:
    """Return JSON, or nearly JSON, of the same length with U+FFFD for each half pair."""
    if not _ANY.search(text):
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if found[1] else found[0], text)
