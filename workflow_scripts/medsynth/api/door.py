"""What `medsynth` itself offers from Python, each imported on first use."""

PLACES = {
    "cohort": "medsynth.api.cohorts.cohort",
    "evaluate": "medsynth.api.evaluation.evaluate",
    "load": "medsynth.api.models.load",
    "Error": "medsynth.store.errors.MedsynthError",
}
