"""A page of HTML as a test reads it."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "rect", "line", "input", "polyline", "circle"}
REFERENCES = {"src", "href", "action", "data", "poster", "srcset", "formaction", "background", "xlink:href"}
"""Attributes by which a page reaches for something."""


class Page(HTMLParser):
    """Tags, attributes and shown text of a page; complains of tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str, str | None]] = []
        self.shown: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag without content."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Hold the order of the tags."""
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note what a reader sees."""
        if {"style", "script"}.isdisjoint(self.open):
            self.shown.append(data)

    @property
    def text(self) -> str:
        """What a reader sees, with single spaces."""
        return " ".join(" ".join(self.shown).split())
