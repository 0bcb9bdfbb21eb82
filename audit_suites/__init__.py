"""The bundled checks: a folder a dimension, a file a criterion."""
