"""What the page calls things of this kind."""

from medsynth.cohorts.wording import JPEG, NIFTI, Words

WORDS = Words("DICOM files", "studies", "radiographs", (JPEG, NIFTI))
