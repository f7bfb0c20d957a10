"""Write one raw demo data set in its true format.

Output: folder `folder`, one of mimic-cxr, tcga-slides, tcga-genomics, tcga-ct,
tcga-ct-truth.
"""

from medsynth.demo.ct import write_ct
from medsynth.demo.genomics import write_genomics
from medsynth.demo.radiographs import write_cxr
from medsynth.demo.settings import Demo
from medsynth.demo.slides import write_slides
from medsynth.runtime.job import job

if __name__ == "__main__":
    with job(snakemake):
        demo = Demo(**snakemake.params.cfg)
        folder = snakemake.output.folder
        match snakemake.wildcards.dataset:
            case "mimic-cxr":
                write_cxr(folder, demo.cxr_patients, demo.seed)
            case "tcga-slides":
                write_slides(folder, demo.slide_cases, demo.seed)
            case "tcga-genomics":
                write_genomics(folder, demo.slide_cases, demo.seed)
            case "tcga-ct":
                write_ct(folder, demo.ct_patients, demo.seed)
            case "tcga-ct-truth":
                write_ct(folder, demo.ct_patients, demo.seed, truth=True)
