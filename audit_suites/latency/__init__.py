"""Bundled checks of 4.4 API Latency SLOs: one file a criterion."""
