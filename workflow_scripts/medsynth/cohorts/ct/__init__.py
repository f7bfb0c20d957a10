"""CT series with and without contrast medium, and pairs of their slices."""
