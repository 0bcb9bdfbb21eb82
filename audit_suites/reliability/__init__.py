"""Bundled checks of 4.6 Reliability: one file a criterion."""
