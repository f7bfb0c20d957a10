"""Where the record is looked at: MLflow's page of a study, and the command that serves it.

Standard library only.
"""

from __future__ import annotations

import shlex
from urllib.parse import urlsplit

# Where `mlflow ui` answers by default.
LOCAL = "http://127.0.0.1:5000"


def server_of(uri: str) -> str | None:
    """The address of an MLflow server without credentials; None if the URI names a database."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")


def command(uri: str) -> str:
    """Serves a database; more than one worker would only take memory of one reader."""
    return f"mlflow ui --workers 1 --backend-store-uri {shlex.quote(uri)}"


def address(uri: str, experiment: str | None = None) -> str:
    """The runs of an MLflow experiment, or all of them, as pages of model training.

    Without `workflowType` MLflow shows those of language models, where no run is found.
    """
    place = f"experiments/{experiment}/runs" if experiment else "experiments"
    return f"{server_of(uri) or LOCAL}/#/{place}?workflowType=machine_learning"


def how_to_look(uri: str, experiment: str) -> str:
    """A line or two for people who have just run the workflow."""
    there = address(uri, experiment)
    if server_of(uri):
        return f"MLflow: {there}"
    return f"MLflow: {command(uri)}\n        then open {there}"
