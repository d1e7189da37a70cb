"""Benchmarks: the speed that Tributary promises, beside other software on this machine."""
