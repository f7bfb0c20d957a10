"""How many patients there must be behind what is published."""

FEWEST = 5  # a median, a mean or a class of fewer would tell of one of them
