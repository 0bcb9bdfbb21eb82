"""Bundled checks of 4.2 Connection Management: one file a criterion."""
