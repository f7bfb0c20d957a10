"""Native code in a process of its own."""
