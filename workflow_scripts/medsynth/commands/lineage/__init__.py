"""Commands on the lineage of a results folder: each shows what a query answers."""
