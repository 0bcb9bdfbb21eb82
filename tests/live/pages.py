"""Pages of the docs that are run as their reader would: their commands, their files, and what they show."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Block:
    """A block of code of the page, and the sentence before it."""

    language: str
    text: str
    before: str


def blocks(page: Path) -> list[Block]:
    """The page's blocks in their order."""
    pieces = re.split(r"^```(\w*)\n(.*?)^```\n", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [
        Block(language, text, before.strip().rpartition("\n")[2])
        for before, language, text in zip(pieces[0::3], pieces[1::3], pieces[2::3], strict=False)
    ]


def blanked(text: str) -> list[str]:
    """Lines without what differs from run to run, machine to machine and version to version of a server."""
    for pattern, name in (
        (r"\b[0-9a-f]{7,64}\b", "<hex>"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<instant>"),
        (r"\d{4}-\d\d-\d\d", "<date>"),
        (r"T\d\d:\d\d:\d\d(?:\.\d+)?Z", "T<time>"),
        (r"SHA256:[\w+/]{43}", "SHA256:<key>"),
        (r"127\.0\.0\.1:\d+", "<address>"),
        (r"/\S*?/(backend-audit-demo|orders-stack)-[^/;\s]+", r"<folder of \1>"),
        # A long path goes on below itself.
        (r"(?<=Report       ).*(?:\n {13}\S.*)*", "<path>"),
        (r"\S+/python[\d.]* -m pytest", "<python> -m pytest"),
        (r"(PostgreSQL|PgBouncer|Valkey|Prometheus) [\w.+-]+", r"\1 <version>"),
        (r"(?:backend-audit's own proxy|toxiproxy \S+)(?=, \d+ dependencies)", "<fault proxy>"),
        (r"\b\d{3,} (?=series|open orders)", "<many> "),
        # Seen once, in one of many runs and of unknown cause: a page shows what checks say, and not warnings beside.
        (r", \d+ warnings?(?= in \d)", ""),
        (r"\bin \d+\.\d+s(?: \([\d:]+\))?", "in <time>"),
        (r"(?<=outbox: )\d+ waits?(?:, the oldest for [\d.]+ s)?", "<some> wait"),
    ):
        text = re.sub(pattern, name, text)
    return [line.rstrip() for line in text.splitlines()]


def holds(shown: str, printed: str) -> str:
    """The first line that is shown and was not printed there; "..." stands for any lines."""
    left = blanked(printed)
    anywhere = True
    for line in blanked(shown):
        if line == "...":
            anywhere = True
        elif anywhere and line in left:
            left, anywhere = left[left.index(line) + 1 :], False
        elif not anywhere and left and left[0] == line:
            left = left[1:]
        else:
            return line
    return ""


def follow(
    blocks: Iterable[Block],
    setting: str,
    environment: Mapping[str, str],
    type_first: Callable[[str], None] | None = None,
) -> int:
    """Do what the blocks say, one after the other, and compare what they show with what was printed.

    ``sh`` is run; ``text`` is what the command before it prints; ``none`` is typed into the first terminal; any other
    language is a file, whose name stands in the sentence before it.

    Args:
        blocks: The blocks.
        setting: Lines of shell that go before each command: the terminal's state.
        environment: Variables of the commands.
        type_first: Types into the first terminal; not given for pages that have none.

    Returns:
        How many outputs were compared.
    """
    printed = ""
    compared = 0
    for block in blocks:
        if block.language == "sh":
            done = subprocess.run(
                ["bash", "-c", f"{setting}{block.text}"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=400,
            )
            printed = done.stdout
        elif block.language == "text":
            missing = holds(block.text, printed)
            assert missing == "", printed
            compared += 1
        elif block.language == "none":
            assert type_first is not None, block.text
            type_first(block.text)
        else:
            name = re.search(r"`(\S+)`:$", block.before)
            assert name is not None, block.before
            write = f'{setting}mkdir -p "$(dirname "$1")" && cat > "$1"'
            subprocess.run(["bash", "-c", write, "bash", name.group(1)], input=block.text, text=True, check=True)
    return compared
