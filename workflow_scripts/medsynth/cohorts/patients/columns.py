"""How the table of a cohort's patients names its columns, and keeps the names of what is told."""

OF = ":"  # between the names of table and column
TARGETS = "targets"  # attribute of the table: headings of the label and of survival, by target
