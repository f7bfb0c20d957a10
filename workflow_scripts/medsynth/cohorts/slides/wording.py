"""What the page calls things of this kind."""

from medsynth.cohorts.wording import Words

WORDS = Words("slide files", "slides", "tiles")
