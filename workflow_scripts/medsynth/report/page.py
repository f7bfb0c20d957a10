"""Shows a study as one self-contained HTML page.

The page depends on its inputs only: no time of building, no network, no external file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from medsynth.lineage.mlflow.page import address, command, server_of
from medsynth.report.artifacts import artifact_rows
from medsynth.report.downloads import Download, downloads
from medsynth.report.study import Study
from medsynth.report.tables import without_credentials
from medsynth.store.atomic import write_text
from medsynth.store.digest_cache import DigestCache
from medsynth.tasks.viewing.numbers import patients
from medsynth.tasks.viewing.templates import render


def write_page(
    study: Study,
    *,
    title: str,
    config_dump: Mapping[str, Any],
    tracking_hint: str,
    output: str | Path,
    paper: Sequence[Download] = (),
    shown: Callable[[Path], str] = str,
    cache: DigestCache | None = None,
) -> None:
    """Write the report page.

    It names files by their digests, from which `medsynth trace` and MLflow tell the runs that made
    them: these stand in the record, which the page's own run changes and which is no input of it.

    Args:
        title: heading of the page.
        config_dump: the whole configuration as JSON values (``model_dump(mode="json")``).
        tracking_hint: MLflow tracking URI. A link leads to it if it is a server; else to the
            address where ``mlflow ui`` answers by default. No other link leaves the page.
        output: HTML file, replaced atomically.
        paper: further files to download.
        shown: how the path of a file is written, e.g. relative to the results.
        cache: digests already known, so that large shards need not be read again.
    """
    tracking_uri = without_credentials(tracking_hint)
    config_text = without_credentials(
        yaml.safe_dump(dict(config_dump), sort_keys=False, allow_unicode=True)
    )
    artifacts = artifact_rows([*study.cohorts, *study.experiments], shown, cache)
    histories = {e.name: pd.read_csv(e.history) for e in study.experiments}
    html = render(
        "report/template.html",
        title=title,
        config=config_dump,
        config_text=config_text,
        findings=study.findings,
        trained={name: patients(n) for name, n in study.trained_on.items()},
        held_out={s["name"]: s["splits"][-1]["patients"] for s in study.sections},
        cohorts=study.sections,
        glossary=study.glossary,
        downloads=[*downloads(study.results, histories, artifacts, config_text), *paper],
        artifacts=artifacts,
        mlflow_address=address(tracking_uri),
        mlflow_command=None if server_of(tracking_uri) else command(tracking_uri),
    )
    write_text(html, output)
