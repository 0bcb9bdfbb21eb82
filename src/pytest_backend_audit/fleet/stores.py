"""The files that a URL names in an object store, by fsspec: one, all below a prefix, or those of a pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_backend_audit.filed import LIMIT
from pytest_backend_audit.fleet.found import Found, is_passed_over, is_place_of_a_card
from pytest_backend_audit.redaction.patterns import redact_patterns

EXTRA = 'pip install "pytest-backend-audit[fleet]"'
DRIVERS = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
}
"""Scheme -> the package that fsspec needs for it."""
TOGETHER = 64
"""Files that are asked for at once, at most; a store that can do so sends them side by side."""
BYTES = 4 * LIMIT
"""Bytes of the files that are asked for at once, at most; all of them stand in memory."""


def is_url(given: str) -> bool:
    """Whether a path is a URL."""
    return "://" in given


def find(given: str) -> Iterator[Found]:
    """Every file that may be a filed card.

    Raises:
        ValueError: The store can't be reached, or has nothing there; the message is for the user.
    """
    shown = redact_patterns(given)
    try:
        import fsspec.core  # noqa: PLC0415 - of the extra "fleet"
    except ImportError:
        raise ValueError(f"{shown}: object stores are read by fsspec, which is not installed: {EXTRA}") from None
    try:
        system, path = fsspec.core.url_to_fs(given)
        listed = _listed(system, path)
    except ImportError as error:
        driver = DRIVERS.get(given.partition("://")[0], "")
        why = "" if driver else f" ({_said(error)})"
        raise ValueError(f"{shown}: its driver is not installed{why}: {EXTRA} {driver}".rstrip()) from None
    except FileNotFoundError:
        raise ValueError(f"{shown}: there is no such file or folder") from None
    # Each driver has errors of its own.
    except Exception as error:  # noqa: BLE001
        raise ValueError(f"{shown}: can't be listed: {_said(error)}") from None
    for batch in batches(listed):
        yield from _read(system, batch, listed, named=len(listed) == 1 and batch[0] == path)


def batches(sizes: Mapping[str, int | None]) -> Iterator[list[str]]:
    """Files that are asked for at once, in the order of their names.

    Args:
        sizes: Name -> size in bytes, None where the store does not tell.
    """
    batch: list[str] = []
    held = 0
    for name in sorted(sizes):
        told = sizes[name]
        size = LIMIT + 1 if told is None else min(told, LIMIT + 1)
        if batch and (len(batch) == TOGETHER or held + size > BYTES):
            yield batch
            batch, held = [], 0
        batch.append(name)
        held += size
    if batch:
        yield batch


def _listed(system: Any, path: str) -> dict[str, int | None]:
    """Name -> size in bytes, None where the store does not tell."""
    import fsspec.core  # noqa: PLC0415 - as above

    if fsspec.core.has_magic(path):
        found: dict[str, Mapping[str, Any]] = {}
        for name, about in system.glob(path, detail=True).items():
            found |= system.find(name, detail=True) if about.get("type") == "directory" else {name: about}
    elif system.isfile(path):
        found = {path: system.info(path)}
    else:
        found = system.find(path, detail=True)
    if not found:
        raise FileNotFoundError(path)
    return {
        name: about.get("size")
        for name, about in found.items()
        if name == path or (about.get("type", "file") == "file" and _is_looked_at(name, path))
    }


def _is_looked_at(name: str, path: str) -> bool:
    """Whether a file found below a path may be a card: as on this machine, by its name and its folders' names."""
    below = name.removeprefix(path).strip("/").split("/")
    return name.endswith(".json") and not any(map(is_passed_over, below[:-1]))


def _read(system: Any, names: Sequence[str], sizes: Mapping[str, int | None], *, named: bool) -> Iterator[Found]:
    """The files; of one that is too large, as much as shows that it is."""
    # A store refuses a range of an empty object.
    wanted = [name for name in names if sizes[name] != 0]
    try:
        sent = system.cat_ranges(wanted, 0, LIMIT + 1, on_error="return")
    except Exception as error:  # noqa: BLE001 - each driver has errors of its own
        sent = [error] * len(wanted)
    got = dict(zip(wanted, sent, strict=True))
    for name in names:
        key = str(system.unstrip_protocol(name))
        shown = redact_patterns(key)
        raw = got.get(name, b"")
        claimed = named or is_place_of_a_card(name)
        if isinstance(raw, bytes):
            yield Found(shown, key, claimed, raw)
        else:
            yield Found(shown, key, claimed, trouble=f"can't be read: {_said(raw)}")


def _said(error: object) -> str:
    """The first line of an error, without what a URL in it keeps secret."""
    said = str(error).strip().partition("\n")[0] or type(error).__name__
    return redact_patterns(said)[:200]
