"""MLflow's settings in the environment, which it reads when it is imported: import this before."""

from __future__ import annotations

import os

# A server that is down must cost seconds: what it missed is delivered later anyway. And a request
# that is sent again, because its answer was lost, would make a second run.
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
# One thread writes, in calls that open a second session within the first: with one connection kept
# MLflow would connect anew for each. Many workflows may share one PostgreSQL server.
os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "2")
os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW", "1")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # people's commands call it, too
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"

# What a run's status is called there.
MLFLOW_STATUS = {
    "RUNNING": "RUNNING",
    "COMPLETE": "FINISHED",
    "FAILED": "FAILED",
    "KILLED": "KILLED",
}
