"""A shop: orders with their lines, and quotes."""
