"""The demo: a reference service, the real servers around it, and switches for what can be wrong with them."""
