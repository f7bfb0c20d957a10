"""The generative models and the classifier that judges them: a folder a family."""
