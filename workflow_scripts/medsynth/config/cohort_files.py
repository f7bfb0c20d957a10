"""Which cohorts there are, and which files each is made of or makes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from medsynth.config.raw_paths import demo_dataset
from medsynth.config.references import references_of
from medsynth.config.schema import Config
from medsynth.fetch.settings import fills
from medsynth.genomics.settings import SAMPLE_SHEETS
from medsynth.store.layout import Layout


class CohortFiles:
    """The cohorts of a configuration as nodes of the workflow.

    Attributes:
        cohorts: their settings, by name.
    """

    def __init__(self, config: Config, layout: Layout):
        self._config, self._layout = config, layout
        self.cohorts: dict[str, Any] = config.cohorts

    def providing(self, made: str) -> list[str]:
        """Names of the cohorts of which this is made, beside their images."""
        return [name for name, cohort in self.cohorts.items() if made in cohort.provided()]

    def without(self, made: str) -> list[str]:
        """Names of the others."""
        return [name for name in self.cohorts if name not in self.providing(made)]

    def references(self) -> dict[str, str]:
        """BibTeX of what each kind of data is."""
        return {c.kind: references_of(c.folder) for c in self.cohorts.values()}

    def raw(self, path: Path) -> str:
        """A raw path as an input; a folder stands for what the demo or a download puts into it."""
        if self._config.demo and (dataset := demo_dataset(self._config.results_dir, path)):
            return f"{self._layout.demo}/{dataset}"
        for download in self._config.fetch.values():
            if fills(download, path):
                return download.destination.as_posix()
        return path.as_posix()

    def receipts(self, paths: Iterable[Path | None]) -> list[str]:
        """Receipts of the downloads that bring these raw paths."""
        given = [path for path in paths if path]
        return [
            self._layout.receipts.format(download=name)
            for name, download in self._config.fetch.items()
            if any(fills(download, path) for path in given)
        ]

    def root(self, name: str) -> str:
        """The raw folder of a cohort."""
        return self.raw(self.cohorts[name].root)

    def index_tables(self, name: str) -> list[str]:
        """What the index reads beside the raw folder, and is there or yet to come."""
        demo, results = self._config.demo, self._config.results_dir
        found = {
            self.raw(path)
            for path in self.cohorts[name].index_paths()
            if (demo and demo_dataset(results, path)) or self.receipts([path]) or path.exists()
        }
        return sorted(found - {self.root(name)})

    def reports(self, name: str) -> str:
        """The archive or folder of a cohort's reports."""
        return self.raw(self.cohorts[name].reports)

    def report_table(self, name: str) -> list[str]:
        """The table of a cohort's reports, if it has any."""
        there = "reports" in self.cohorts[name].provided()
        return [self._layout.reports.format(cohort=name)] if there else []

    def cohort_receipts(self, name: str) -> list[str]:
        """Receipts of the downloads that bring a cohort's images and what is read beside them."""
        cohort = self.cohorts[name]
        reports = [cohort.reports] if "reports" in cohort.provided() else []
        return self.receipts([cohort.root, *cohort.index_paths(), *reports])

    def genotype_tables(self, name: str) -> list[str]:
        """Mutation, panel, copy-number and clinical tables of a cohort, and the sheets beside."""
        tables = self.cohorts[name].genotypes
        single = [path for path in (tables.clinical, tables.coverage) if isinstance(path, Path)]
        files = [path for path in [*tables.maf, *tables.segments] if path.is_file()]
        sheets = [sheet for path in files for sheet in path.parent.glob(SAMPLE_SHEETS)]
        paths = [*tables.maf, *tables.segments, *single, *sheets]
        return sorted({self.raw(path) for path in paths})

    def genotype_receipts(self, name: str) -> list[str]:
        """Receipts of the downloads that bring a cohort's genotype tables."""
        return self.receipts(Path(path) for path in self.genotype_tables(name))

    def patient_tables(self, name: str) -> list[str]:
        """The tables with a row a patient of a cohort."""
        found = self.cohorts[name].patients.paths().values()
        return sorted({self.raw(path) for paths in found for path in paths})

    def patient_receipts(self, name: str) -> list[str]:
        """Receipts of the downloads that bring them."""
        return self.receipts(Path(path) for path in self.patient_tables(name))

    def label(self, name: str) -> dict[str, str | None]:
        """What a cohort's label is called where a table says it."""
        return {"label": self.cohorts[name].label_heading()}

    def all_receipts(self, name: str) -> list[str]:
        """Receipts of all downloads that a cohort is made of."""
        genotypes = self.genotype_receipts(name) if name in self.providing("genotypes") else []
        return sorted({*self.cohort_receipts(name), *genotypes})

    def calls(self, name: str) -> list[str]:
        """Counts of the genotype calls, of a cohort that has them."""
        return self._of_genotypes(name, self._layout.calls)

    def shards(self, name: str, pattern: str) -> list[str]:
        """This file of every shard of a cohort."""
        count = self.cohorts[name].index.shards
        return [pattern.format(cohort=name, shard=shard) for shard in range(count)]

    def images(self, name: str) -> list[str]:
        """The image shards of a cohort that models, metrics and the report read."""
        normalised, layout = name in self.providing("stain"), self._layout
        return self.shards(name, layout.normalised_images if normalised else layout.shard_images)

    def labels(self, name: str) -> list[str]:
        """The table of labels that are joined to the index, of a cohort that has one."""
        return self._of_genotypes(name, self._layout.labels)

    def _of_genotypes(self, name: str, pattern: str) -> list[str]:
        return [pattern.format(cohort=name)] if name in self.providing("genotypes") else []

    def counts(self) -> list[str]:
        """What else there is to say of the cohorts: counts of reports, genotypes, stains, pairs."""
        with_counts = {
            "reports": self.providing("reports"),
            # Of the cohorts from whose texts or tables something learns.
            "texts": self._needed("texts"),
            "calls": self.providing("genotypes"),
            "stain": self.providing("stain"),
            "normalised": self.providing("stain"),
            "pairs": self.providing("pairs"),
            # Of the cohorts whose tables something learns from.
            "patients": sorted(
                {e.cohort for e in self._config.experiments if "patients" in e.needs}
            ),
        }
        return [
            f"{self._layout.cohort.format(cohort=name)}/{counts}.json"
            for counts, names in with_counts.items()
            for name in names
        ]

    def _needed(self, made: str) -> list[str]:
        """Names of the cohorts of which an experiment reads this."""
        return sorted({e.cohort for e in self._config.experiments if made in e.needs})
