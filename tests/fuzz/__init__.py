"""Fuzzers: `python -m tests.fuzz TARGET --seconds 600`. A target is a module `fuzz_*.py` here with a `try_one`."""
