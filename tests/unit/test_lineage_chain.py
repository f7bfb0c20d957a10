"""The ledger's chain as a chain: whatever is edited, left out, swapped or cut off is told."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest
from lineage_records import file, whole

from medsynth.lineage.ledger import checks
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.tables.events import FIRST, row_digest
from medsynth.lineage.ledger.watermark import drifted, set_watermark
from medsynth.lineage.recording import spool


@pytest.fixture
def results(tmp_path):
    """Three jobs, and where their chain ends."""
    spool.lineage_dir(tmp_path).mkdir()
    with closing(Ledger(ledger_path(tmp_path))) as ledger:
        with ledger.transaction():
            for job in "abc":
                ledger.append(whole({"kind": "job", "phase": "start", "id": job}))
                made = [file(f"results/{job}", job * 64)]
                ledger.append(whole({"kind": "job", "phase": "end", "id": job, "outputs": made}))
        set_watermark(tmp_path, ledger)
    return tmp_path


def chain(events: list[dict], first: str = FIRST) -> list[dict]:
    """The events, each with the digest of all it says and of the one before, as documented."""
    previous = first
    for event in events:
        said = [previous, event["id"], event["phase"], event["record"]]
        event["previous"] = previous
        event["digest"] = previous = hashlib.sha256("\n".join(said).encode()).hexdigest()
    return events


def read(results) -> list[dict]:
    with closing(Ledger(ledger_path(results))) as ledger:
        return ledger.query("SELECT * FROM events ORDER BY seq")


def forge(results, events: list[dict]) -> None:
    """Put these events in the place of the ledger's, and the indexes that follow from them."""
    with closing(sqlite3.connect(ledger_path(results))) as db, db:
        for name in ("no_update", "no_delete"):
            db.execute(f"DROP TRIGGER {name}")
        db.execute("DELETE FROM events")
        db.executemany(
            "INSERT INTO events VALUES (:seq, :id, :phase, :record, :previous, :digest)", events
        )
        db.execute("PRAGMA user_version=0")


def test_a_digest_covers_the_one_before_and_all_that_an_event_says(results):
    events = read(results)
    assert [e["digest"] for e in events] == [e["digest"] for e in chain(read(results))]
    assert (events[0]["previous"], FIRST) == ("0" * 64, "0" * 64)
    said = {"previous": "p", "item": "i", "phase": "f", "record": "r"}
    for name in said:
        assert row_digest(**said) != row_digest(**said | {name: "x"}), f"{name} is not covered"
    # Nor can what one field says be moved to the next.
    assert row_digest("p", "i", "f", "r") != row_digest("p", "if", "", "r")


def edited(events):
    events[2]["record"] = events[2]["record"].replace('"rule":"r"', '"rule":"s"')
    return events


def one_link_made_anew(events):
    edited(events)
    chain(events[2:3], events[1]["digest"])
    return events


def links_made_anew_but_for_the_digests_after(events):
    """As if a digest did not cover the one before."""
    one_link_made_anew(events)
    events[3]["previous"] = events[2]["digest"]
    return events


def renamed(events):
    events[2]["id"] = events[3]["id"] = "d"
    return events


def phases_swapped(events):
    events[0]["phase"], events[1]["phase"] = "end", "start"
    return events


def swapped(events):
    events[2:4] = events[3:1:-1]
    for seq, event in enumerate(events, start=1):
        event["seq"] = seq
    return events


def swapped_and_chained_but_the_first(events):
    return [events[0], *chain(swapped(events)[1:], "1" * 64)]


def middle_left_out(events):
    return events[:2] + events[3:]


def a_number_left_out(events):
    return events[:3] + [event | {"seq": event["seq"] + 1} for event in events[3:]]


def first_left_out(events):
    return events[1:]


def first_left_out_and_numbered_anew(events):
    left = events[1:]
    return [event | {"seq": seq} for seq, event in enumerate(left, start=1)]


def inserted(events):
    planted = events[3] | {"id": "x", "seq": 7}
    return [*events, *chain([planted], events[2]["digest"])]


@pytest.mark.parametrize(
    ("forged", "broken"),
    [
        (edited, [3]),
        (one_link_made_anew, [4]),
        (links_made_anew_but_for_the_digests_after, [4]),
        (renamed, [3, 4]),
        (phases_swapped, [1, 2]),
        (swapped, [3, 4, 5]),
        (swapped_and_chained_but_the_first, [2]),
        (middle_left_out, [4]),
        (a_number_left_out, [5]),
        (first_left_out, [2]),
        (first_left_out_and_numbered_anew, [1]),
        (inserted, [7]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_breaks_the_chain_is_told_where(results, forged, broken):
    forge(results, forged(read(results)))
    with closing(Ledger(ledger_path(results))) as ledger:
        found = ledger.broken_links()
        assert found == broken
        assert checks.edited_ledger(results, ledger)


def test_an_untouched_chain_is_whole_and_may_grow(results):
    with closing(Ledger(ledger_path(results))) as ledger:
        assert (ledger.broken_links(), drifted(results, ledger)) == ([], None)
        ledger.append(whole({"kind": "job", "phase": "start", "id": "d"}))
        assert (ledger.broken_links(), drifted(results, ledger)) == ([], None)
        assert checks.edited_ledger(results, ledger) == []


@pytest.mark.parametrize(
    ("forged", "said"),
    [
        (lambda events: events[:-1], "LOST from event 6 on; it had 6"),
        (lambda events: events[:1], "LOST from event 2 on; it had 6"),
        (lambda events: chain(edited(events)), "event 6 of the ledger is not the one"),
        (lambda events: chain(swapped(events)), "event 6 of the ledger is not the one"),
    ],
    ids=[
        "last cut off",
        "nearly all cut off",
        "edited and chained anew",
        "swapped and chained anew",
    ],
)
def test_what_leaves_a_whole_chain_is_told_by_the_watermark(results, forged, said):
    forge(results, forged(read(results)))
    with closing(Ledger(ledger_path(results))) as ledger:
        assert ledger.broken_links() == []
        assert said in drifted(results, ledger)
        (found,) = checks.edited_ledger(results, ledger)
        assert said in found["what"] and json.dumps(found)
