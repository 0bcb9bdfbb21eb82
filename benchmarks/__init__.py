"""Measurements of what the plugin costs; run with ``python -m benchmarks``."""
