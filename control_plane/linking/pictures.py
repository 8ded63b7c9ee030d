"""A QR in the forms that it can be asked for: PNG, SVG, and text for a terminal."""

from __future__ import annotations

import base64
import io

import qrcode
from qrcode.constants import ERROR_CORRECT_L
from qrcode.image.pure import PyPNGImage
from qrcode.image.svg import SvgPathFillImage

_PIXELS_PER_MODULE = 8
_QUIET_ZONE = 4
"""Modules of white around it, without which scanners do not find it (ISO/IEC 18004)."""


def png(code: str) -> bytes:
    """Draw a PNG."""
    return _bytes_of(_qr(code).make_image(image_factory=PyPNGImage))


def svg(code: str) -> bytes:
    """Draw an SVG, to which a page may give any size."""
    return _bytes_of(_qr(code).make_image(image_factory=SvgPathFillImage))


def text(code: str) -> str:
    """Draw it with half blocks, light on dark, as most terminals are."""
    out = io.StringIO()
    _qr(code).print_ascii(out=out, invert=True)
    return out.getvalue().replace("\N{NO-BREAK SPACE}", " ")


def data_uri(code: str) -> str:
    """Draw a PNG that can be put into an <img> as it is."""
    return f"data:image/png;base64,{base64.b64encode(png(code)).decode()}"


def _qr(code: str) -> qrcode.QRCode[PyPNGImage]:
    qr: qrcode.QRCode[PyPNGImage] = qrcode.QRCode(
        error_correction=ERROR_CORRECT_L, box_size=_PIXELS_PER_MODULE, border=_QUIET_ZONE
    )
    qr.add_data(code)
    return qr


def _bytes_of(image: PyPNGImage | SvgPathFillImage) -> bytes:
    out = io.BytesIO()
    image.save(out)
    return out.getvalue()
