"""Wiring of this repository's own test suite; nothing of the plugin depends on it."""

pytest_plugins = ["pytester"]
