r"""Half a surrogate pair, such as ``\ud83d`` without the other half: JSON can write it, and it is no character.

Python reads it, the embedded server stores it, and CouchDB refuses the whole request that holds it (``invalid UTF-8
JSON``, jiffy). So it becomes U+FFFD, the character for what cannot be read, where an answer is read and where a
document is written.
"""

from __future__ import annotations

import re

_HALF = r"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_ANY = re.compile(rf"\\{_HALF}")
_ESCAPE = re.compile(rf"\\(?:u[dD][89abAB][0-9a-fA-F]{{2}}\\u[dD][c-fC-F][0-9a-fA-F]{{2}}|({_HALF})|.)", re.DOTALL)
"""One escape of a JSON string: a whole pair, half a pair, or any other."""


def replace_lone_surrogates(text: str) -> str:
    """Return JSON with U+FFFD in the place of each half pair. The length stays.

    :param text: JSON, or what is nearly JSON
    """
    if not _ANY.search(text):
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if found[1] else found[0], text)
