"""Small files of the kinds that GRDF takes as a proof."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image
from pypdf import PdfWriter

if TYPE_CHECKING:
    from grdf.staging.staged_answers import Staging


def pdf() -> bytes:
    made, kept = PdfWriter(), BytesIO()
    made.add_blank_page(595, 842)
    made.write(kept)
    return kept.getvalue()


def picture(form: str) -> bytes:
    kept = BytesIO()
    Image.effect_noise((40, 30), 60).save(kept, form)
    return kept.getvalue()


GOOD = {"application/pdf": pdf(), "image/png": picture("PNG"), "image/jpeg": picture("JPEG")}


def by_hand(place: Staging, account: str, name: str, content: bytes) -> None:
    from airflow.sdk import ObjectStoragePath

    folder = ObjectStoragePath(f"{place.base_url}/proofs/{account}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
