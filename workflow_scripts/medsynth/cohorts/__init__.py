"""From raw downloads to patients, items and shards: one subject a file."""
