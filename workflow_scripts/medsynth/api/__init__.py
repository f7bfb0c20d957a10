"""What people call from Python: trained models, cohorts and metrics of a results folder.

It needs no configuration, only the folders that the workflow made, and writes nothing.
"""
