"""From mutation, copy-number and clinical tables to genotypes."""
