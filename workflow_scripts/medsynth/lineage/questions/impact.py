"""`medsynth impact`: a patient withdraws. What must be destroyed, what redone, and how?

Destroyed is what holds the patient's data or may show it; redone is all that was derived.
`--erase` says what it would do, `--erase --yes` does it and proves that no trace is left in the
results folder. Raw files outside it are yours to delete, or `--raw` deletes the patient's own.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medsynth.lineage.erasure.raw import RawData, raw_data
from medsynth.lineage.erasure.searchable import holds_weights, holds_words, is_prose
from medsynth.lineage.erasure.words import Words
from medsynth.lineage.ledger.flow import MODEL, Artifact, Flow
from medsynth.lineage.ledger.known_files import DEMO
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.people import (
    TOMBSTONE,
    catch_up,
    holders,
    local_secret,
    patient_key,
    peopled,
)
from medsynth.lineage.questions import UnknownArtifact, digest_cache, opened, when
from medsynth.lineage.recording.places import ANCHOR, Places, above, places
from medsynth.store.digests import digest_bytes

Row = dict[str, Any]

HELP = "a patient withdraws: what must be destroyed, what redone; --erase does it"
EXAMPLE = "medsynth impact TCGA-02-0001 --erase --yes"

PICTURES = {".png", ".html", ""}  # and folders of single images
# Models, curves and figures, made of all patients together; their text is searched.
AGGREGATES = {MODEL, ".json", ".csv"}
# Such files that the workflow's own rules make; others may hold data row by row.
FIGURES = {"metrics", "history", "model", "summary", "leakage", "stain", "normalised", "pairs"}
FIGURES |= {"calls", "reports"}
# Options of the last run that say what to run on and where, with one value and with several.
ONE_VALUE = {"-s", "--snakefile", "-d", "--directory", "--profile", "--workflow-profile"}
ONE_VALUE |= {"-c", "--cores", "-j", "--jobs", "-e", "--executor"}
VALUES = {"--configfile", "--configfiles", "-C", "--config", "--resources"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("patient", metavar="PATIENT", help="the id in the raw data (TCGA case)")
    parser.add_argument("--erase", action="store_true", help="destroy all that must be destroyed")
    parser.add_argument("--yes", action="store_true", help="with --erase: really")
    parser.add_argument(
        "--raw",
        action="store_true",
        help="with --erase: also delete the patient's own raw files outside results/",
    )


def answer(results: Path, arguments: argparse.Namespace) -> Row:
    if arguments.erase and arguments.yes:
        from medsynth.lineage.erasure.erasure import erase, idle

        with idle(results):
            found = impact(results, arguments.patient)
            found |= erase(results, arguments.patient, found, raw=arguments.raw)
    else:
        found = impact(results, arguments.patient)
    return found | {"asked": arguments.erase, "done": arguments.erase and arguments.yes}


def impact(results: Path, patient: str) -> Row:
    """What a patient's withdrawal means.

    Returns:
        destroy: artifacts on the disk, each path, sha256 and why. redo: artifacts derived from
        them, path and sha256. raw: the patient's raw files and folders. images: files of images in
        them. rows: {raw table: rows
        that name the patient}. unfinished: work folders of trainings on them. command: the
        snakemake call that makes everything again. past: artifacts (path, sha256, job) that held
        or may have shown the patient at any time. identifiers, sources: ids of the patient's
        images and digests of their files. longer: ids of others in which the patient's stands.
        patients: all in the index tables. indexes: tables that name the raw files. unknown:
        artifacts on the disk of which it cannot be told whether they go back to the patient.
        erased: times of earlier erasures.

    Raises:
        UnknownArtifact: neither results nor raw data hold this patient, and none was erased.
    """
    results = Path(os.path.abspath(results))
    with opened(results) as ledger:
        base = places(results, ledger)
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
        with closing(digest_cache(results)) as cache:
            cached = cache.holds(Words([patient], loose=True).named)
        if not (held or erased or cached or raw.files or raw.rows):
            raise UnknownArtifact(
                f"no artifact of {results} and nothing in its raw data holds a patient of this id"
                + (f"; of {len(lost)} that are gone it is not known" if lost else "")
            )
        others = peopled(results) - set(held)
        sources = set().union(*held.values())
        seen = _made_of_raw(raw, sources, base, flow) if raw.files or raw.rows or sources else set()
        # A table of others tells whom its maker took; figures do not.
        first = {*holding, *(a for a in seen if a[0] not in others and not _is_figure(a[1]))}
        reached = flow.derived(first)
        unclear = flow.derived(flow.with_digests(lost)) - reached
        judge = Judge(base, others, flow)
        shown = judge.unsearchable(flow.made_of(first, others))
        affected, unknown = (_on_disk(artifacts, base, flow) for artifacts in (reached, unclear))
        destroy = {a: "holds the patient's data" for a in affected if a[0] in held}
        destroy |= {a: _why(a) for a in affected if a in shown and a not in destroy}
        ever = flow.made_of({*first, *flow.with_digests({*held, *lost})}, others)
        past = set(holding) | judge.unsearchable(ever)
        return {
            "patient_key": key,
            "destroy": [{"path": p, "sha256": s, "why": w} for (s, p), w in destroy.items()],
            "redo": [{"path": p, "sha256": s} for s, p in affected if (s, p) not in destroy],
            "raw": sorted(map(str, raw.files)),
            "images": sorted(map(str, raw.images)),
            "rows": {str(path): rows for path, rows in sorted(raw.rows.items())},
            "unfinished": _unfinished(results, reached, flow, ledger),
            "command": _command([a for a in affected if _is_first(a, reached, flow)], ledger),
            "past": [
                {"path": p, "sha256": s, "jobs": flow.makers((s, p))} for s, p in sorted(past)
            ],
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


def _is_figure(path: str) -> bool:
    return Path(path).suffix in AGGREGATES and (
        Path(path).suffix == MODEL or Path(path).stem in FIGURES
    )


class Judge:
    """Tells what no search proves free of the patient, being no table and no figure of a model.

    Args:
        others: digests of tables and stores of which it is known that the patient is not in them.
    """

    def __init__(self, base: Places, others: Collection[str], flow: Flow):
        self._base, self._others, self._flow = base, others, flow

    @cached_property
    def _trained(self) -> set[Artifact]:
        return self._flow.trained()

    def unsearchable(self, artifacts: Iterable[Artifact]) -> set[Artifact]:
        return {a for a in artifacts if a[0] not in self._others and not self._is_searched(a)}

    def _is_searched(self, artifact: Artifact) -> bool:
        path = self._base / artifact[1]
        if not path.is_file():  # an old version, or a folder
            return _is_figure(artifact[1]) and not path.exists()
        if path.suffix == MODEL:
            return holds_weights(path)
        if path.suffix == ".parquet":
            return holds_words(path)
        figure = _is_figure(artifact[1]) or artifact in self._trained
        return path.suffix in AGGREGATES and (figure or is_prose(path))


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
    """Work folders (<name>-<16 hex digits>) of jobs that read the patient's data and died."""
    folders = list((results / "work").glob("*-" + "[0-9a-f]" * 16))
    if not folders:
        return []
    died = ledger.query("SELECT id FROM items WHERE kind='job' AND status!='COMPLETE'")
    starts = [ledger.record(r["id"], "start") for r in died if reached & set(flow.read_by(r["id"]))]
    names = {name for start in starts for name in start["wildcards"].values()}
    # train_classifier calls its folder after the cohort.
    names |= {f"classifier-{name}" for name in names}
    return sorted(str(folder) for folder in folders if folder.name[:-17] in names)


def _is_first(artifact: Artifact, reached: set[Artifact], flow: Flow) -> bool:
    """Whether no other affected artifact went into this one."""
    return not any(reached & set(flow.read_by(job)) for job in flow.makers(artifact))


def _command(first: list[Artifact], ledger: Ledger) -> str:
    ran = ledger.last_invocation() or {"arguments": [], "config": {}}
    kept, more = [], 0.0
    for word in ran["arguments"]:
        option, _, value = word.partition("=")
        if option.startswith("-"):
            attached = option[:2] in ONE_VALUE and option[2:]  # -j4
            wanted = option in ONE_VALUE | VALUES or attached
            value = value or attached
            more = 0 if value or not wanted else 1 if option in ONE_VALUE else math.inf
        else:
            wanted = more > 0
            more -= 1
        kept += [word] if wanted else []
    spelled = ran["config"].get("results_dir", ANCHOR)  # as the rules' outputs are
    targets = sorted(re.sub(f"^{ANCHOR}(?=/)", lambda _: spelled, path) for _, path in first)
    return shlex.join(["snakemake", *kept, *(["--forcerun", *targets] if targets else [])])


def wrong(answer: Row) -> bool:
    """Asked to erase, something is left, or may be; or it is not known what would be."""
    done = answer["done"] and not answer["left"] and not answer["yours"]
    return bool(answer["unknown"] or (answer["asked"] and not done))


def show(answer: Row) -> str:
    return "\n".join(_lines(answer))


def _lines(answer: Row) -> Iterator[str]:
    for time in answer["erased"]:
        yield f"erased before: {when(time)}"
    yield f"{'destroyed' if answer['done'] else 'to destroy'}: {len(answer['destroy'])} artifacts"
    yield from (f"  {entry['path']}  [{entry['why']}]" for entry in answer["destroy"])
    yield from (f"  {path}  [unfinished training]" for path in answer["unfinished"])
    yield f"raw files and folders of the patient: {len(answer['raw'])}"
    yield from (f"  {path}" for path in answer["raw"])
    if answer["rows"]:
        yield "raw tables that name the patient; remove these rows before you redo anything:"
        yield from (f"  {path}  {rows} rows" for path, rows in answer["rows"].items())
    yield f"to redo: {len(answer['redo'])} artifacts"
    yield from (f"  {entry['path']}" for entry in answer["redo"])
    yield f"by: {answer['command']}"
    if answer["unknown"]:
        yield "NOT KNOWN, because their tables are gone or unreadable; remake them to be sure:"
        yield from (f"  {path}" for path in answer["unknown"])
    if answer["asked"] and not answer["done"]:
        yield (
            "NOTHING WAS ERASED: add --yes to destroy what is listed above, and --raw if that"
            " includes the raw files outside the results folder"
        )
    if answer["done"]:
        yield "LEFT BEHIND:" if answer["left"] else "no trace is left in results, ledger and MLflow"
        yield from (f"  {trace['path']}  [{trace['found']}]" for trace in answer["left"])
        if answer["yours"]:
            yield "YOURS TO DELETE, being outside the results folder; note them, they are not known"
            yield "any more when you ask again:"
            yield from (f"  {path}" for path in answer["yours"])
