"""Bundled checks of 4.7 Security: one file a criterion."""
