"""The kinds of cohorts: a new one is a folder beside this file and a name in the table.

The folder holds ``settings.py`` (a :class:`medsynth.cohorts.settings.CohortSettings`), and

- ``index.py``: SETTINGS and ``index(root, settings, cache, threads) -> DataFrame``, the index
  manifest: a row for every raw file, used, excluded or quarantined, with the shard it goes to;
  made of ``listed(root, settings, most=None) -> DataFrame``, its rows without digests, for which
  no image is read and, if files must be opened, `most` of them at most, and of ``hashed(rows, root,
  settings, cache, threads) -> DataFrame``; a check of the configuration calls the two;
- ``shard.py``: SETTINGS and ``shard(rows, root, settings, images, attrs, cache, threads) ->
  DataFrame``, which writes the images of one shard's index rows to the HDF5 file ``images`` with
  the attributes ``attrs``, and returns the manifest of its items.

Scripts import these modules by the name in ``folder``, never this table.
"""

from typing import get_args

from medsynth.cohorts.ct.settings import CtCohort
from medsynth.cohorts.images.settings import ImagesCohort
from medsynth.cohorts.mimic_cxr.settings import CxrCohort
from medsynth.cohorts.settings import CohortSettings
from medsynth.cohorts.slides.settings import SlideCohort

Kind = CxrCohort | SlideCohort | CtCohort | ImagesCohort

KIND: dict[str, type[CohortSettings]] = {
    get_args(k.model_fields["kind"].annotation)[0]: k for k in get_args(Kind)
}  # by name
