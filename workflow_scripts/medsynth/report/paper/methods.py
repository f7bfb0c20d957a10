"""A methods section in Markdown, and the BibTeX of what it cites."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medsynth.report.study import Study
from medsynth.tasks.viewing.citations import Source, sources
from medsynth.tasks.viewing.templates import render

OWN = Path(__file__).with_name("references.bib")
SOFTWARE = {"snakemake": "molder2021", "torch": "paszke2019"}  # package -> key


def methods_of(
    study: Study,
    *,
    title: str,
    config_dump: Mapping[str, Any],
    versions: Mapping[str, str],
    families: Mapping[str, Mapping[str, Source]],
    kinds: Mapping[str, Mapping[str, Source]],
) -> tuple[str, str]:
    """The section in Markdown, and its references in BibTeX.

    Args:
        title: of the study.
        config_dump: the whole configuration as JSON values.
        versions: of the software, by package.
        families, kinds: sources of what each family implements, and of each kind of data.
    """
    text = render(
        "report/paper/methods.md",
        study=title,
        config=config_dump,
        cohorts=study.sections,
        experiments=study.experiments,
        trained_on=study.trained_on,
        choices=study.choices,
        verdicts={f.experiment: f.verdict for f in study.findings},
        glossary=study.glossary,
        versions=versions,
        software={package: SOFTWARE.get(package) for package in versions},
        families=families,
        kinds=kinds,
    )
    cited = dict(sources(OWN))
    for found in (
        *(families[experiment.family] for experiment in study.experiments),
        *(kinds[section["summary"]["kind"]] for section in study.sections),
        {term.source.key: term.source for term in study.glossary if term.source},
    ):
        cited |= found
    return text, "\n\n".join(cited[key].bibtex for key in sorted(cited)) + "\n"
