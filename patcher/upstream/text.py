"""Decode files of upstream's."""

from patcher.errors import NotUtf8
from patcher.model import File


def decode(file: File, path: str) -> str:
    """The text of a file that a patch needs. Raises `NotUtf8`."""
    try:
        return file.data.decode()
    except UnicodeDecodeError as error:
        message = f"expected UTF-8, found the byte 0x{error.object[error.start]:02x} at offset {error.start}"
        raise NotUtf8(message, where=path, hint="convert the file to UTF-8; nothing was written") from error
