"""What nobody should do to a feed server, done to it: `make torture`; in part `make test`."""
