"""What covariates are in tables."""

UNKNOWN = "unknown"  # in place of a value
MOST_CATEGORIES = 20  # what has more values is no category, and may be a name
