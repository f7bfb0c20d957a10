"""Convert one shard of CT series to slices in Hounsfield units.

Outputs: HDF5 `images` and Parquet `table`, the manifest of this shard's items; where the cohort
is configured so, also the folder `volumes` of NIfTI files.
"""

from pathlib import Path

from medsynth.cohorts.ct.reading import convert_ct
from medsynth.cohorts.ct.settings import CtConvert
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import digest_file, digest_json
from medsynth.store.quarantine import log_unused
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0], reads_patients=True):
        params = snakemake.params
        index = read_table(snakemake.input.index)
        rows = index[index["shard"] == int(snakemake.wildcards.shard)]
        made_from = digest_json(digest_file(snakemake.input.index), params.cfg, params.code)
        manifest = convert_ct(
            rows,
            Path(params.root),
            CtConvert(**params.cfg),
            Path(snakemake.output.images),
            {"made_from": made_from},
            Path(snakemake.output.volumes) if params.cfg["nifti"] else None,
        )
        log_unused(manifest)
        write_table(manifest, snakemake.output.table)
