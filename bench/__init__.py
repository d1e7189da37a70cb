"""Measures what Tributary promises of its speed, beside others, on this machine: ``make bench``."""
