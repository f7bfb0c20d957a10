"""A patient withdraws: what must be destroyed, what redone, and how?

Destroyed is what holds the patient's data or may show it; redone is all that was derived.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from medsynth.lineage.erasure.figures import SearchableArtifacts, is_figure
from medsynth.lineage.erasure.known_files import DEMO
from medsynth.lineage.erasure.raw_data import RawData, raw_data
from medsynth.lineage.erasure.withdrawal import Impact
from medsynth.lineage.erasure.words import Words
from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.flow import MODEL, Artifact, Flow
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places
from medsynth.lineage.ledger.people import (
    TOMBSTONE,
    catch_up,
    holders,
    local_secret,
    peopled,
)
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.queries.redo_command import redo_command
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.identifiers import patient_key
from medsynth.lineage.recording.places import Places, above
from medsynth.store.digests import digest_bytes

PICTURES = {".png", ".html", ""}  # and folders of single images
# With the words of patients' texts. MLflow has copies of them, of every training.
LEARNED = ("/tokenizer.json", "/model.json")


def impact(results: Path, patient: str) -> Impact:
    """What a patient's withdrawal means.

    Raises:
        UnknownArtifact: neither results nor raw data hold this patient, and none was erased.
    """
    results = Path(os.path.abspath(results))
    with existing_ledger(results) as ledger:
        base = current_places(results, ledger)
        key = patient_key(local_secret(results), patient)
        lost = catch_up(results, ledger)
        held = holders(results, key)
        erased = tombstones(ledger, key)
        flow = Flow(ledger)
        # Of a patient whose files could not be read, paths and reasons are all that speaks.
        held = {sha256: set() for sha256, _ in _naming(patient, base, flow)} | held
        holding = flow.with_digests(held)
        indexes, other = _raw_folders(holding or flow.tables(), results, base, ledger)
        raw = raw_data(patient, sorted((base / path, root) for path, root in indexes), other)
        with closing(spool.digest_cache(results)) as cache:
            cached = cache.holds(Words([patient], loose=True).named)
        if not (held or erased or cached or raw.files or raw.rows):
            raise UnknownArtifact(
                f"no artifact of {results} and nothing in its raw data holds a patient of this id"
                + (f"; of {len(lost)} that are gone it is not known" if lost else "")
                + "; check its spelling in the raw tables, or name the patient's study with"
                " --results"
            )
        others = peopled(results) - set(held)
        sources = set().union(*held.values())
        seen = _made_of_raw(raw, sources, base, flow) if raw.files or raw.rows or sources else set()
        # A table of others tells whom its maker took; figures do not.
        first = {*holding, *(a for a in seen if a[0] not in others and not is_figure(a[1]))}
        reached = flow.derived(first)
        unclear = flow.derived(flow.with_digests(lost)) - reached
        searchable = SearchableArtifacts(base, others, flow)
        shown = searchable.unsearchable(flow.made_of(first, others))
        affected, unknown = (_on_disk(artifacts, base, flow) for artifacts in (reached, unclear))
        destroy = {a: "holds the patient's data" for a in affected if a[0] in held}
        destroy |= {a: _why(a) for a in affected if a in shown and a not in destroy}
        ever = flow.made_of({*first, *flow.with_digests({*held, *lost})}, others)
        past = set(holding) | searchable.unsearchable(ever)
        return {
            "patient_key": key,
            "destroy": [{"path": p, "sha256": s, "why": w} for (s, p), w in destroy.items()],
            "redo": [{"path": p, "sha256": s} for s, p in affected if (s, p) not in destroy],
            "raw": sorted(map(str, raw.files)),
            "images": sorted(map(str, raw.images)),
            "rows": {str(path): rows for path, rows in sorted(raw.rows.items())},
            "unfinished": _unfinished(results, reached, flow, ledger),
            # Of whom a copy holds something only the record of the job that made it says.
            "kept": sorted(map(str, (results / "kept").glob("*"))) if reached else [],
            "command": redo_command([a for a in affected if _is_first(a, reached, flow)], ledger),
            "past": [
                {"path": p, "sha256": s, "jobs": flow.makers((s, p))} for s, p in sorted(past)
            ],
            "learned": [
                {"path": p, "sha256": s, "jobs": flow.makers((s, p))}
                for s, p in sorted(reached | unclear)
                if p.endswith(LEARNED)
            ],
            "models": sorted({s for s, path in reached | unclear if path.endswith(MODEL)}),
            "identifiers": sorted(raw.identifiers),
            "sources": sorted(sources),
            "longer": sorted(raw.longer),
            "patients": sorted(raw.patients),
            "indexes": sorted({path for path, _ in indexes}),
            "unknown": [path for _, path in unknown],
            "erased": erased,
        }


def tombstones(ledger: Ledger, key: str) -> list[float]:
    """When this patient was erased."""
    rows = ledger.query(
        "SELECT json_extract(record, '$.time') AS time FROM events JOIN items USING (seq)"
        " WHERE rule=? AND json_extract(record, '$.params.patient') = ?",
        TOMBSTONE,
        digest_bytes(key.encode()),
    )
    return [row["time"] for row in rows]


def _on_disk(artifacts: Iterable[Artifact], base: Places, flow: Flow) -> list[Artifact]:
    """Those that are the last made at their path, where something lies, sorted by path."""
    return [(s, p) for s, p in flow.latest(artifacts) if os.path.exists(base / p)]


def _naming(patient: str, base: Places, flow: Flow) -> Iterator[Artifact]:
    """Tables of items on the disk in which the path or the fault of a file names the patient."""
    ids = Words([patient])
    for artifact in _on_disk(flow.tables(), base, flow):
        path = base / artifact[1]
        columns = sorted({"source", "detail"} & set(pq.read_schema(path).names))
        for column in pq.read_table(path, columns=columns).columns:
            if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
                continue
            if ids.named("\n".join(column.unique().drop_null().to_pylist())):
                yield artifact
                break


def _made_of_raw(raw: RawData, sources: Collection[str], base: Places, flow: Flow) -> set[Artifact]:
    """What jobs made that read a patient's raw data, whatever they made of it."""
    spelled = {f(path) for path in (*raw.files, *raw.rows) for f in (str, os.path.realpath)}
    theirs = {base.recorded(path) for path in spelled}
    # Around what is recorded below the working folder are also folders outside of it.
    touching = theirs | {folder for path in spelled | theirs for folder in above(path)}

    def places(recorded: str) -> bool:
        return recorded in touching or not theirs.isdisjoint(above(recorded))

    return flow.read_from(places, sources)


def _why(artifact: Artifact) -> str:
    if Path(artifact[1]).suffix in PICTURES:
        return "may show the patient's images"
    return "made of the patient's data, in a form that cannot be searched"


def _raw_folders(
    holding: list[Artifact], results: Path, base: Places, ledger: Ledger
) -> tuple[set[tuple[str, Path]], list[Path]]:
    """(index table, the folder it lists) of raw folders, and raw files and folders without one."""
    indexed, other = set(), set()
    for sha256, path in holding:
        rows = ledger.query(
            "SELECT used.path, used.name FROM artifacts AS used JOIN artifacts AS made USING (job)"
            " WHERE used.role='inputs' AND made.role='outputs' AND made.sha256=? AND made.path=?",
            sha256,
            path,
        )
        for row in rows:
            source = base / row["path"]
            made_here = source.is_relative_to(results) and not source.is_relative_to(results / DEMO)
            if made_here:
                continue
            if row["name"] != "root":
                other.add(source)
            elif path.endswith(".parquet") and (base / path).exists():
                indexed.add((path, source))
    return indexed, sorted(other)


def _unfinished(results: Path, reached: set[Artifact], flow: Flow, ledger: Ledger) -> list[str]:
    """Work folders (<name>-<16 hex digits>) of jobs that read the patient's data and died.

    With a dot before the name they were being removed then.
    """
    folders = list((results / "work").glob("*-" + "[0-9a-f]" * 16))
    if not folders:
        return []
    died = ledger.query("SELECT id FROM items WHERE kind='job' AND status!='COMPLETE'")
    reading = [ledger.job(r["id"]) for r in died if reached & set(flow.read_by(r["id"]))]
    names = {name for job in reading for name in job["start"]["wildcards"].values()}
    return sorted(str(folder) for folder in folders if folder.name[:-17].lstrip(".") in names)


def _is_first(artifact: Artifact, reached: set[Artifact], flow: Flow) -> bool:
    """Whether no other affected artifact went into this one."""
    return not any(reached & set(flow.read_by(job)) for job in flow.makers(artifact))
