"""Stress tests: `make torture` runs them at full length, `make test` in a short form."""
