"""The tests; `builders` makes what they are about."""
