"""The relation "reads": which job's output a job's input was, kept as an index of the ledger.

It is the only one: trace, impact, verify and rerun all walk it, so that they cannot disagree. An
edge is found when the later of the two records arrives; it joins on digest, and order decides
between equals only, because a node's records may be late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medsynth.lineage.ledger.database import Database, Row
from medsynth.lineage.recording.records import File

# reader's input `path` was `made` by the maker. how: "bytes", made at this path; "copy", of bytes
# made elsewhere; "foreign", other bytes than were made there; "inside", a file of a folder that
# was made; "around", a folder in which something was made.
INDEX = """
CREATE TABLE reads (
    reader TEXT, path TEXT, maker TEXT, made TEXT, how TEXT, UNIQUE (reader, path, maker, made));
CREATE INDEX reads_by_made ON reads (maker, made);
CREATE TABLE unexplained (reader TEXT, path TEXT, sha256 TEXT, UNIQUE (reader, path));
CREATE INDEX unexplained_by_path ON unexplained (path);
"""
# unexplained: inputs without an edge of "bytes", which a late record may give.
LAST = "\U0010ffff"  # sorts behind every path in a folder
MADE = "SELECT job, path FROM artifacts WHERE role='outputs' AND job<>:job AND "
# Of several jobs the last before the reader; else the first after it, whose end came late.
EARLIER, LATER = " AND seq<:seq ORDER BY seq DESC LIMIT 1", " AND seq>:seq ORDER BY seq LIMIT 1"
SAME, UNHASHED = MADE + "path=:path AND sha256=:sha256", MADE + "path=:path AND sha256 IS NULL"
# Only bytes of another path (somebody copied them) must have been made before they were read, and
# so must the file at this path, if nobody made these bytes.
MAKERS = [
    *((order, "bytes") for order in (SAME + EARLIER, SAME + LATER)),
    *((order, "bytes") for order in (UNHASHED + EARLIER, UNHASHED + LATER)),
    (MADE + "sha256=:sha256" + EARLIER, "copy"),
    (MADE + "path=:path" + EARLIER, "foreign"),
]
WITHIN = """
SELECT job, path FROM (
    SELECT job, path, MAX(seq) FROM artifacts
    WHERE role='outputs' AND job<>:job AND path>:folder AND path<:end GROUP BY path)
"""
AROUND = """
SELECT job FROM artifacts AS used JOIN items ON items.id=job
WHERE role='inputs' AND path=:parent AND job<>:job AND NOT EXISTS (
    SELECT 1 FROM reads WHERE reader=used.job AND made=:path)
AND items.invocation IS (SELECT invocation FROM items WHERE id=:job)
"""


def link_inputs(ledger: Database, job: str, seq: int, files: Iterable[File]) -> None:
    """Add the edges of a job's inputs to what has been made.

    Args:
        seq: of the job's start.
        files: `path` and `sha256` of each.
    """
    for file in files:
        read = {"job": job, "seq": seq, "path": file["path"], "sha256": file["sha256"]}
        found = _maker(ledger, read)
        if found:
            _add(ledger, job, file["path"], *found)
        if not found or found[2] != "bytes":
            ledger.change(
                "INSERT OR IGNORE INTO unexplained VALUES (?,?,?)",
                *(job, file["path"], file["sha256"]),
            )
        folder = file["path"].rstrip("/") + "/"
        for made in ledger.query(WITHIN, job=job, folder=folder, end=folder + LAST):
            _add(ledger, job, file["path"], made["job"], made["path"], "around")


def _maker(ledger: Database, read: Row) -> tuple[str, str, str] | None:
    for sql, how in MAKERS:
        if rows := ledger.query(sql, **read):
            return rows[0]["job"], rows[0]["path"], how
    for folder in map(str, Path(read["path"]).parents):
        for order in (EARLIER, LATER):
            if rows := ledger.query(MADE + "path=:path" + order, **read | {"path": folder}):
                return rows[0]["job"], folder, "inside"
    return None


def link_outputs(ledger: Database, job: str, files: Iterable[File]) -> None:
    """Add the edges of what was read before the record of its making arrived."""
    for file in files:
        path, folder = file["path"], file["path"].rstrip("/") + "/"
        for read in ledger.query(
            "SELECT reader FROM unexplained WHERE path=?1 AND (sha256=?2 OR ?2 IS NULL)"
            " AND reader<>?3",
            *(path, file["sha256"], job),
        ):
            of_reader = "reader=? AND path=?"
            ledger.change(f"DELETE FROM unexplained WHERE {of_reader}", read["reader"], path)
            ledger.change(
                f"DELETE FROM reads WHERE {of_reader} AND how<>'around'", read["reader"], path
            )
            _add(ledger, read["reader"], path, job, path, "bytes")
        for read in ledger.query(
            "SELECT reader, path FROM unexplained AS used WHERE path>? AND path<? AND reader<>?"
            " AND NOT EXISTS (SELECT 1 FROM reads WHERE reader=used.reader AND path=used.path"
            " AND how<>'around')",
            *(folder, folder + LAST, job),
        ):
            _add(ledger, read["reader"], read["path"], job, path, "inside")
        for parent in map(str, Path(path).parents):
            for read in ledger.query(AROUND, parent=parent, job=job, path=path):
                _add(ledger, read["job"], parent, job, path, "around")


def _add(ledger: Database, reader: str, path: str, maker: str, made: str, how: str) -> None:
    ledger.change("INSERT OR IGNORE INTO reads VALUES (?,?,?,?,?)", reader, path, maker, made, how)


def makers(read: Mapping[str, Any], ledger: Database) -> list[str]:
    """Jobs that made what was read: of a file one, of a folder also those that made what is in it.

    Args:
        read: a recorded input: `job` that read it, and `path`.
    """
    rows = ledger.query(
        "SELECT DISTINCT maker FROM reads JOIN items ON items.id=maker WHERE reader=? AND path=?"
        " ORDER BY how='around', items.seq",
        *(read["job"], read["path"]),
    )
    return [row["maker"] for row in rows]


def maker(read: Mapping[str, Any], ledger: Database) -> str | None:
    """The job that made what was read as it is; None for what is raw, if only around what was made.

    Args:
        read: as for :func:`makers`.
    """
    rows = ledger.query(
        "SELECT maker FROM reads WHERE reader=? AND path=? AND how<>'around'",
        *(read["job"], read["path"]),
    )
    return rows[0]["maker"] if rows else None


def readers(file: Mapping[str, Any], made_by: str | None, ledger: Database) -> list[str]:
    """Jobs that read a file or folder (or a file in it, or the folder it lies in), oldest first.

    Args:
        file: `path` and `sha256`.
        made_by: the job that made it; equal bytes that another job made are another artifact.
    """
    if made_by:
        rows = ledger.query(
            "SELECT DISTINCT reader AS job FROM reads JOIN items ON items.id=reader"
            " WHERE maker=:maker AND (made=:path OR path=:path) ORDER BY items.seq",
            maker=made_by,
            path=file["path"],
        )
        return [row["job"] for row in rows]
    folder = file["path"].rstrip("/") + "/"
    around = [str(parent) for parent in Path(file["path"]).parents]
    rows = ledger.query(
        "SELECT DISTINCT job FROM artifacts AS used WHERE role='inputs' AND"
        f" (path IN ({','.join('?' * len(around))}) OR (sha256=? OR (path>? AND path<?)) AND NOT"
        " EXISTS (SELECT 1 FROM reads WHERE reader=used.job AND path=used.path AND how<>'around'))"
        " ORDER BY seq",
        *(*around, file["sha256"], folder, folder + LAST),
    )
    return [row["job"] for row in rows]
