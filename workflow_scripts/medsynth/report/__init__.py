"""The report page: what every other room wrote, put together for a reader."""
