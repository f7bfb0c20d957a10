"""What a cohort must have passed before anything is trained on it."""
