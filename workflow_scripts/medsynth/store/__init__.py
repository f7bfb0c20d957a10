"""Files on disk: digests, tables, manifests, shards, models and samples. Knows no other room."""
