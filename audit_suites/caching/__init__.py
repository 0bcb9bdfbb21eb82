"""Bundled checks of 4.3 Caching: one file a criterion."""
