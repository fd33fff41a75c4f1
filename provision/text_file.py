"""Read text files as other systems write them: with a byte order mark, or with CRLF."""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provision.errors import FileMalformed, ProvisionFailed

_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
"""How texts in UTF-16 and UTF-32 begin; UTF-32 in little-endian order begins as UTF-16 does."""
_CRLF: Final = "\r\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFile:
    """A file's text. Its lines end with LF here; `crlf` tells whether they do in the file."""

    text: str
    crlf: bool

    def encoded(self, text: str) -> bytes:
        """Encode a text for the same file: with its line ends, in UTF-8, without a mark."""
        return (text.replace("\n", _CRLF) if self.crlf else text).encode()


def read_text(path: Path) -> str:
    """Read a text in UTF-8, without a byte order mark. Raises ProvisionFailed."""
    return read_text_file(path).text


def read_text_file(path: Path, *, optional: bool = False) -> TextFile:
    """Read a file and remember its line ends. An `optional` file that is missing has no text.

    Raises ProvisionFailed.
    """
    try:
        raw = b"" if optional and not path.exists() else path.read_bytes()
    except OSError as failure:
        raise ProvisionFailed(f"{path} cannot be read ({failure.strerror}).") from None
    # Without a mark, UTF-16 of ASCII characters is valid UTF-8, but every other byte of it is NUL.
    if raw.startswith(_WIDE) or b"\0" in raw:
        raise FileMalformed(
            f"{path} is not valid UTF-8: it looks like UTF-16, which PowerShell's `>` writes.",
            "Save it as UTF-8.",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileMalformed(f"{path} is not valid UTF-8.", "Save it as UTF-8.") from None
    return TextFile(text=text.replace(_CRLF, "\n"), crlf=_CRLF in text)
