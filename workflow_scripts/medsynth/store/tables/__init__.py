"""Tables: Parquet of our own, and the text tables of others."""
