"""Bundled checks of 4.1 Query Performance: one file a criterion."""
