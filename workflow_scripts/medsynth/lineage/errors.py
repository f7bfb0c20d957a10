"""What can be wrong with a record, a ledger or a question; the messages are for the user."""

from __future__ import annotations

from medsynth.store.errors import MedsynthError

REMEDY = "`medsynth rebuild` restores it from MLflow"


class UnknownArtifact(MedsynthError):
    """No recorded job made or read this path or these bytes."""


class LostLedgerError(MedsynthError):
    """The ledger is not what it was: no database, another program's, cut off or emptied."""


class LostSecretError(MedsynthError):
    """People manifests are there, and the secret that their keys were made with is not."""


class NoRecordError(MedsynthError, ValueError):
    """What should be a record is none; the message names what is wrong, and no value."""


class PatientNamed(MedsynthError):
    """A known patient's id stands where it would go into the record."""
