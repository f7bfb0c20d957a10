"""Whether this installation can do what the workflow asks of it: `medsynth doctor`."""
