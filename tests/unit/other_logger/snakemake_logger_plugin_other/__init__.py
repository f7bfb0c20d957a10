"""A logger plugin as a user may have one, which a test asks for instead of ours."""

from snakemake_logger_plugin_medsynth import LogHandler

__all__ = ["LogHandler"]
