"""How a training that no loss judges is judged on validation images: by their kernel distance.

The features are those of a network that was never trained (random weights tell distributions apart
as trained ones do where those were trained on something else: Naeem et al. 2020, sec. 4.2). A
training therefore rests on no other model, and what judges in the end has had no say before.
"""

from __future__ import annotations

import numpy as np
import torch

from medsynth.metrics.images.feature_space import FeatureSpace
from medsynth.metrics.images.kernel_distance import paired_values
from medsynth.models.classifier.network import Classifier
from medsynth.models.contract import Comparison
from medsynth.runtime.seeding import generator
from medsynth.runtime.tensors import to_network

WIDTH = 16  # channels of the untrained network
BATCH = 64


def kernel_probe(training: np.ndarray) -> Comparison:
    """Compares images by KID in the space of these training images (n, H, W, C) uint8, n >= 2.

    Returns:
        a function of real and generated images, n of each and n >= 2, uint8, to (n,) float64 whose
        mean is their unbiased squared maximum mean discrepancy.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(0, "untrained").initial_seed())  # the same for all trainings
        network = Classifier(training.shape[1], training.shape[3], 2, WIDTH, WIDTH).eval()

    @torch.inference_mode()
    def statistics(images: np.ndarray) -> np.ndarray:
        stacks = (images[at : at + BATCH] for at in range(0, len(images), BATCH))
        return np.concatenate([network.look(to_network(x))[0].double().numpy() for x in stacks])

    space = FeatureSpace.fit(statistics(training))

    def compare(real: np.ndarray, made: np.ndarray) -> np.ndarray:
        return paired_values(space(statistics(real)), space(statistics(made)))

    return compare
