"""Small files of the kinds that GRDF takes as a proof."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from pypdf import PdfWriter


def pdf(pages: int = 1, password: str = "") -> bytes:
    made, kept = PdfWriter(), BytesIO()
    for _ in range(pages):
        made.add_blank_page(595, 842)
    if password:
        made.encrypt(password, algorithm="RC4-128")
    made.write(kept)
    return kept.getvalue()


def picture(form: str, size: tuple[int, int] = (40, 30)) -> bytes:
    kept = BytesIO()
    Image.effect_noise(size, 60).save(kept, form)
    return kept.getvalue()


GOOD = {"application/pdf": pdf(), "image/png": picture("PNG"), "image/jpeg": picture("JPEG")}
