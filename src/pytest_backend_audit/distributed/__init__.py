"""Audits under pytest-xdist: what travels between controller and workers, and who runs what when."""
