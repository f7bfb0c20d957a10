"""What a workflow shows on the terminal: Snakemake's logger plugin `medsynth`.

Short lines, one live line, and at the very end each failed job with its cause. Snakemake finds the
plugin by this package's name on the path, and imports it in every call, before it knows which
checkout it works on: nothing here may import medsynth, or what is slow, when it is loaded.
"""

from __future__ import annotations

from snakemake_logger_plugin_medsynth.handler import LogHandler

__all__ = ["LogHandler"]
