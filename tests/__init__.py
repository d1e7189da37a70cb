"""The tests; `builders` makes their articles and feeds."""
