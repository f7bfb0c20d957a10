"""What classification trains on."""

from medsynth.tasks.labelled import data_digests, training_data

__all__ = ["data_digests", "training_data"]
