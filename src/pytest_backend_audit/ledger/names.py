"""The folder of a service: a safe name for any text, and never the same for two."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

LONGEST = 120
"""Characters of a folder's name; file systems take 255 bytes, and paths have more parts."""
_KEPT = 80
_HALF_A_BYTE = re.compile(r"%[0-9A-F]?$")


def folder_of(service: str) -> str:
    """``orders`` for orders, ``order%20desk`` for "order desk": as in a URL, so that a link to it is the same text.

    A very long name is cut, and its digest follows a tilde, which no other folder's name has.

    Raises:
        ValueError: The service has no name.
    """
    if not service.strip():
        raise ValueError("the service has no name; state it in audit.yaml: service: NAME")
    name = quote(service, safe="", errors="surrogatepass").replace("~", "%7E")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if name.endswith("."):
        name = name[:-1] + "%2E"
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(service.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_HALF_A_BYTE.sub('', name[:_KEPT])}~{digest[:16]}"
