"""Bundled checks of 4.5 Observability: one file a criterion."""
