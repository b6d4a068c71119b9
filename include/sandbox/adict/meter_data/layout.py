"""The layout of a response: one object per line, or an odd one that clients have seen."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from include.sandbox.adict.answers import SUCCESS, treatment


def render(lines: list[dict[str, Any]], layout: Collection[str] = ()) -> str:
    """Return the text of a response in layouts of :mod:`include.sandbox.adict.meter_data.quirks`."""
    if "empty_body" in layout and not any(line.get("consommation") for line in lines):
        return ""
    values: list[Any] = list(lines)
    if "status_line" in layout:
        values.append(treatment(SUCCESS, "Opération réussie."))
    if "envelope" in layout:
        values = [{"liste_acces": values}]
    elif "array" in layout:
        values = [values]
    indent = 1 if "pretty" in layout else None
    separators = None if indent else (",", ":")
    texts = [json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) for value in values]
    if "missing_bracket" in layout and texts:
        texts.insert(0, texts[0][: texts[0].rindex("}")].rstrip())
    if "truncated" in layout and texts:
        texts.append(texts[-1][: len(texts[-1]) * 2 // 3])
    glue = "" if "glued" in layout else "\n\n \n" if "blank_lines" in layout else "\n"
    text = glue.join(texts) + ("" if "glued" in layout else "\n")
    if "blank_lines" in layout:
        text = f"\n \n{text}\n\n"
    if "nbsp" in layout:
        text = "\u00a0 " + text
    return "\ufeff" + text if "bom" in layout else text
