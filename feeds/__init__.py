"""Tributary: RSS 2.0, Atom 1.0 and JSON Feed from a folder of articles."""
