"""Bundled checks of 4.8 Scalability: one file a criterion."""
