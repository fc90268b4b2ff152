"""Shard processes: where guests run apart from the host, and how the host speaks with them."""
