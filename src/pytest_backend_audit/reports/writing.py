"""The one place that writes report files: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pytest_backend_audit.model import Card
from pytest_backend_audit.reports import FORMATS, chunks

ExtraFormat = Callable[[Card], str]
"""A format of another plugin (hook ``pytest_audit_report_formats``)."""


def write_all(card: Card, folder: Path, extra_formats: Mapping[str, ExtraFormat] = {}) -> list[Path]:
    """Write every format that has a file; each replaces the earlier file in one step.

    Args:
        card: The scorecard.
        folder: The report folder; made where it is missing.
        extra_formats: Further formats. A name with a dot is the file's name, any other ``x`` becomes ``scorecard.x``.

    Returns:
        The files, in the order of writing.

    Raises:
        OSError: A file can't be written, or a further format failed; the message is one sentence that names it. What
            stands before it in the order has been written, and no file is half written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"the report folder {folder} can't be made: {error.strerror}") from error
    written = []
    for name, format_ in FORMATS.items():
        if format_.filename is not None:
            written.append(write(folder / format_.filename, chunks(card, name)))
    for name, make in extra_formats.items():
        filename = name if "." in name else f"scorecard.{name}"
        if Path(filename).name != filename or filename in {f.filename for f in FORMATS.values()}:
            raise OSError(f"the report format {name!r} can't be written: its name is not a free file name")
        written.append(write(folder / filename, [_made(name, make, card)]))
    return written


def _made(name: str, make: ExtraFormat, card: Card) -> str:
    try:
        text = make(card)
    except Exception as error:
        raise OSError(f"the report format {name!r} failed: {type(error).__name__}: {error}") from error
    if not isinstance(text, str):
        raise OSError(f"the report format {name!r} gave a {type(text).__name__}, not a text")
    return text


def write(path: Path, pieces: Iterable[str]) -> Path:
    """Write a text file in UTF-8 with line feeds, by way of a file beside it that then takes its place.

    Raises:
        OSError: It can't be written; the message is one sentence that names it, and the earlier file still stands.
    """
    # The process id keeps two runs apart that write into one folder.
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with beside.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                file.writelines(pieces)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(f"{path} can't be written: {error.strerror or error}") from error
    return path
