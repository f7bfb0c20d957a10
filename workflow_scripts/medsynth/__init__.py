"""medsynth: from raw hospital images to generative models whose every number can be traced."""
