"""Tables with a row a patient: modalities beside the images, and survival."""
