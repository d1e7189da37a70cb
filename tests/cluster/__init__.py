"""A whole installation on loopback: nodes, Redis and nginx, all as processes."""
