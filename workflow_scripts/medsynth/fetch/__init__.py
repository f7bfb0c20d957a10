"""Fetching raw data from the archives: off unless the configuration has a `fetch:` group."""
