"""What never gets stored or shown: secrets are replaced by a mark before a text goes anywhere.

Two lines of defence. *Known values* are those that the environment gave to a target; they are hidden wherever they
come again, also encoded. *Patterns* are places where a secret usually stands: an URL's password, a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pytest_backend_audit.redaction import torn
from pytest_backend_audit.redaction.forms import MARK, Forms, lines_of
from pytest_backend_audit.redaction.patterns import redact_patterns

if TYPE_CHECKING:
    from pytest_backend_audit.config import AuditConfig

__all__ = ["MARK", "SHORTEST", "Redactor"]

SHORTEST = 8
"""Values with fewer characters are hidden in their own place only: elsewhere they'd blot out ordinary words."""


_HOOK_ROUNDS = 20


class Redactor:
    """Replaces secrets in texts by ``[redacted]``. Calling it is the same as :meth:`redact`.

    Args:
        secrets: Values that are secret as a whole.
        patterns: Regular expressions of the user's own; the group named ``secret`` is hidden, or all that matched.
        names: Words that stay readable (hosts, ports, users, databases), even where a password equals one of them.
        keys: Names that look like a secret's and are none, such as the criterion ``token-lifetime``: what follows one
            of them and a colon stays readable.
        hooks: Further functions from text to text, applied last (``pytest_audit_redact``).

    Raises:
        re.error: One of the patterns is not a regular expression.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        patterns: Iterable[str] = (),
        *,
        names: Iterable[str] = (),
        keys: Iterable[str] = (),
        hooks: Iterable[Callable[[str], str]] = (),
    ) -> None:
        self._values: dict[str, str] = {}
        self._names = {n.lower() for n in names if n}
        self._patterns = tuple(re.compile(p) for p in patterns)
        self._hooks = tuple(hooks)
        self._keys = _keys_pattern(keys)
        self._forms = Forms(())
        for secret in secrets:
            self._values.setdefault(secret, "")
        self._rebuild()

    @classmethod
    def for_config(
        cls,
        config: AuditConfig | None,
        extra: Callable[..., list[str | None]] | None = None,
        *,
        keys: Iterable[str] = (),
    ) -> Redactor:
        """The redactor of an audit: what the environment gave to targets and identities, and the file's own patterns.

        Args:
            config: audit.yaml, or None.
            extra: pluggy's caller of the hook ``pytest_audit_redact``.
            keys: Criteria, whose names may look like a secret's.
        """
        hooks = () if extra is None else (lambda text: _through_hook(text, extra),)
        if config is None:
            return cls(keys=keys, hooks=hooks)
        redactor = cls(
            patterns=config.evidence.patterns, names=config.plain_names, keys=(*keys, *config.criteria), hooks=hooks
        )
        redactor._values = {s.value: s.place for s in config.secrets}
        redactor._rebuild()
        return redactor

    def add_secret(self, value: str, place: str = "") -> None:
        """Hide this value wherever it comes again.

        Args:
            value: The secret as a whole.
            place: Where it came from (``targets.redis.url``), for `weak_places`.
        """
        if value and value not in self._values:
            self._values[value] = place
            self._rebuild()

    def add_names(self, names: Iterable[str]) -> None:
        """Words that stay readable although they may equal a secret."""
        self._names |= {n.lower() for n in names if n}
        self._rebuild()

    @property
    def weak_places(self) -> tuple[str, ...]:
        """Where secrets come from that are too short, or too ordinary a word, to be hidden everywhere."""
        return tuple(
            sorted({place or "a secret" for value, place in self._values.items() if not self._hideable(value)})
        )

    def redact(self, text: str) -> str:
        """The text with every secret replaced. Idempotent.

        Where a secret comes out only without colours, or once its lines are joined, the text loses those.
        """
        if "\n" not in text and "\x1b" not in text:
            return self._redact(text)
        plain = torn.uncoloured(text)
        clean = self._redact(plain)
        whole = torn.joined(clean)
        if whole is not clean and (found := self._redact(whole)) != whole:
            clean = found
        if any(self._redact(side) != side for side in torn.sides(clean)):
            clean = torn.without_literals(clean, MARK)
        return text if clean == plain else clean

    __call__ = redact

    def _redact(self, text: str) -> str:
        text = self._forms.replace(text)
        if len(text) > 5:
            text = self._by_place(text)
        for pattern in self._patterns:
            text = pattern.sub(_hide_match, text)
        for hook in self._hooks:
            text = hook(text)
        return text

    def _by_place(self, text: str) -> str:
        if self._keys is None or ":" not in text:
            return redact_patterns(text)
        # Such a name, and the colon behind it, are kept from the patterns.
        pieces = self._keys.split(text)
        if len(pieces) == 1:
            return redact_patterns(text)
        return "".join(piece if n % 2 else redact_patterns(piece) for n, piece in enumerate(pieces))

    def _hideable(self, value: str) -> bool:
        return len(value) >= SHORTEST and value.lower() not in self._names

    def _rebuild(self) -> None:
        whole = [v for v in self._values if self._hideable(v)]
        # A list of lines, or a difference, shows a secret of several lines one by one.
        self._forms = Forms([*whole, *(line for v in whole for line in lines_of(v) if self._hideable(line))])


def _keys_pattern(keys: Iterable[str]) -> re.Pattern[str] | None:
    alike = sorted({k for k in keys if redact_patterns(f"{k}: x") != f"{k}: x"}, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])((?:{'|'.join(map(re.escape, alike))}):)") if alike else None


def _through_hook(text: str, hook: Callable[..., list[str | None]]) -> str:
    # One call shows every implementation the same text, so each change is followed by another call.
    for _ in range(_HOOK_ROUNDS):
        try:
            answers = hook(text=text)
        except Exception as error:  # noqa: BLE001 - somebody else's code; what it could not look at is not kept
            return f"[withheld: pytest_audit_redact failed: {type(error).__name__}]"
        changed = next((a for a in answers if isinstance(a, str) and a != text), None)
        if changed is None:
            break
        text = changed
    return text


def _hide_match(match: re.Match[str]) -> str:
    if not match[0]:
        return ""
    if match.groupdict().get("secret") is None:
        return MARK
    start, end = match.span("secret")
    base = match.start()
    return match[0][: start - base] + MARK + match[0][end - base :]
