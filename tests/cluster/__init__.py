"""Tests of a whole installation on loopback: nodes, Redis and nginx, all as processes."""
