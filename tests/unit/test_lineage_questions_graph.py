"""Walking the ledger: edges join on digest, and equal bytes of other files lead nowhere."""

from __future__ import annotations

import itertools
import json
import random
from contextlib import closing

import pytest

from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.flow import Flow
from medsynth.lineage.ledger.graph import ancestors, descendants
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import find
from medsynth.lineage.ledger.reads import readers
from medsynth.lineage.queries.drawing import Node, place
from medsynth.lineage.queries.trace import _same_bytes
from medsynth.lineage.recording.places import Places


def file(path: str, sha256: str) -> dict:
    return {"name": None, "path": path, "sha256": sha256, "bytes": 1}


def add(ledger: Ledger, job: str, time: float, inputs: list[dict], outputs: list[dict]) -> None:
    same = {"kind": "job", "id": job, "invocation": None, "rule": job}
    ledger.append(same | {"phase": "start", "time": time, "inputs": inputs})
    end = {"phase": "end", "status": "COMPLETE", "time": time + 0.5, "outputs": outputs}
    ledger.append(same | end)


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    """a and b make equal bytes; c reads a's, d reads b's, e the folder that d writes into."""
    made = Ledger(tmp_path / "ledger.db")
    add(made, "a", 1, [], [file("x/gate", "11")])
    add(made, "b", 2, [], [file("y/gate", "11")])
    add(made, "c", 3, [file("x/gate", "11")], [file("x/out", "22")])
    add(made, "d", 4, [file("y/gate", "11")], [file("y/parts", "33")])
    add(made, "e", 5, [file("y/parts/1", "44")], [file("z", "55")])
    return made


def ids(items: list[dict]) -> list[str]:
    return [item["id"] for item in items]


def test_equal_bytes_of_another_file_are_another_artifact(ledger):
    assert readers(file("x/gate", "11"), "a", ledger) == ["c"]
    assert readers(file("y/gate", "11"), "b", ledger) == ["d"]


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("22222222", "x/out"),
        ("22222222AB", "x/out"),
        ("aaaaaaaa", "z/a"),
        ("aaaaaaaa-not", "no recorded job made or read it, and there is no such file"),
        ("2222222", "no recorded job made or read it, and there is no such file"),
        ("33333333", "2 begin like this; give more digits"),
        ("3333333344", "y/3344"),
        ("99999999", "no recorded digest or job begins like this"),
    ],
)
def test_a_beginning_that_several_digests_have_means_none_of_them(ledger, tmp_path, asked, path):
    jobs = {"22222222ab": "x/out", "3333333344": "y/3344", "3333333355": "y/3355"}
    for digest, made in jobs.items():
        add(ledger, f"of {made}", 9, [], [file(made, digest)])
    add(ledger, "aaaaaaaa77", 9, [], [file("z/a", "44"), file("z/b", "55")])
    if "/" in path:
        assert find(asked, tmp_path, ledger)["path"] == path
    else:
        with pytest.raises(UnknownArtifact, match=path):
            find(asked, tmp_path, ledger)


def test_a_digest_of_several_files_tells_all_of_them(ledger, tmp_path):
    base = Places(tmp_path, tmp_path)
    found = file("x/gate", "11")
    assert _same_bytes("1" * 64, found, base, ledger) == ["y/gate"]
    assert _same_bytes("x/gate", found, base, ledger) == []
    assert _same_bytes(tmp_path / "copy", file("x/out", "22"), base, ledger) == []


def test_a_file_in_a_folder_a_job_made_leads_to_that_job_and_back(ledger):
    assert ids(ancestors(["e"], ledger)) == ["e", "d", "b"]
    assert ids(descendants(["d"], ledger)) == ["d", "e"]


def test_a_version_read_before_it_was_made_anew_has_other_readers(ledger):
    add(ledger, "a2", 6, [], [file("x/gate", "99")])
    add(ledger, "c2", 7, [file("x/gate", "99")], [file("x/out", "88")])
    assert ids(ancestors(["c"], ledger)) == ["c", "a"]
    assert ids(ancestors(["c2"], ledger)) == ["c2", "a2"]
    assert readers(file("x/gate", "99"), "a2", ledger) == ["c2"]


def test_boxes_stand_right_of_what_they_need_and_never_on_each_other():
    nodes = {key: Node(key, "job", key, "", "") for key in "abcde"}
    for first, second in ("ab", "bc", "ac", "ad", "de"):
        nodes[first].after.append(nodes[second])
        nodes[second].before.append(nodes[first])
    width, height = place(list(nodes.values()))
    assert all(n.x < m.x for n in nodes.values() for m in n.after)
    assert len({(n.x, n.y) for n in nodes.values()}) == 5
    assert all(0 < n.x < width and 0 < n.y < height for n in nodes.values())


def test_all_questions_walk_one_relation(ledger):
    """What impact reaches from an artifact is what trace shows below it, folders and all."""
    add(ledger, "f", 8, [file("y", "66")], [file("w", "77")])  # the folder around y/gate, y/parts
    add(ledger, "g", 9, [file("copy", "11")], [file("v", "88")])  # somebody copied y/gate there
    flow = Flow(ledger)
    for job in ("a", "b", "c", "d"):
        made = [(f["sha256"], f["path"]) for f in ledger.item(job)["end"]["outputs"]]
        below = [path for _, path in flow.derived(made) - set(made)]
        jobs = descendants([job], ledger)[1:]
        shown = [f["path"] for item in jobs for f in item["end"]["outputs"]]
        assert sorted(below) == sorted(shown), job
        assert all(job in ids(ancestors([item["id"]], ledger)) for item in jobs), job
    assert ids(descendants(["d"], ledger)) == ["d", "e", "f"]
    assert ids(descendants(["b"], ledger)) == ["b", "d", "f", "g", "e"]
    assert flow.read_by("e") == [("33", "y/parts")]


def test_a_record_that_comes_late_changes_no_edge(tmp_path):
    """Whichever order the records of one history arrive in, the same was read."""

    def start(job, inputs):
        same = {"kind": "job", "id": job, "invocation": None, "rule": job}
        return same | {"phase": "start", "time": 1, "inputs": inputs}

    def end(job, outputs):
        same = {"kind": "job", "id": job, "invocation": None, "rule": job, "status": "COMPLETE"}
        return same | {"phase": "end", "time": 1, "outputs": outputs}

    records = [
        start("a", []),
        end("a", [file("x", "11"), file("folder", "22")]),
        start("b", [file("x", "11"), file("folder/1", "33")]),
        end("b", [file("y/z", "44")]),
        start("c", [file("y", "55")]),
        end("c", []),
    ]
    found = set()
    for number, order in enumerate(itertools.permutations(records)):
        if [r["id"] for r in order if r["phase"] == "start"] != ["a", "b", "c"]:
            continue
        with closing(Ledger(":memory:")) as ledger:
            for record in order:
                ledger.append(record)
            edges = ledger.query("SELECT * FROM reads ORDER BY reader, path")
            found.add(json.dumps(edges))
            assert ids(ancestors(["b"], ledger)) == ["b", "a"], number
    assert len(found) == 1


PLACES = ["f", "f/a", "f/b", "f/s", "f/s/c", "g", "h", "h/x"]  # files and folders around them


def history(seed: int) -> list[dict]:
    """Records of jobs that read and made files and folders at random, some ends late."""
    chance, there, records = random.Random(seed), {}, []
    for number in range(chance.randint(2, 7)):
        read = [
            file(path, there.get(path, f"raw {chance.randint(0, 2)}"))
            for path in chance.sample(PLACES, chance.randint(0, 2))
        ]
        made = []
        for path in chance.sample(PLACES, chance.randint(1, 2)):
            if not any(
                f"{path}/".startswith(f"{m['path']}/") or f"{m['path']}/".startswith(f"{path}/")
                for m in made
            ):
                made.append(file(path, f"{number} {path}"))
                around = [
                    p
                    for p in there
                    if f"{p}/".startswith(f"{path}/") or f"{path}/".startswith(f"{p}/")
                ]
                there |= {p: f"{number} {p} changed" for p in around} | {path: f"{number} {path}"}
        same = {"kind": "job", "id": str(number), "invocation": None, "rule": "r", "time": 1.0}
        records.append(same | {"phase": "start", "inputs": read})
        records.append(same | {"phase": "end", "status": "COMPLETE", "outputs": made})
    if chance.random() < 0.4:
        late = records.pop(2 * chance.randrange(len(records) // 2) + 1)
        records.insert(chance.randint(0, len(records)), late)
    return records


@pytest.mark.parametrize("seed", range(24))
def test_down_is_up_turned_round_and_impact_reaches_what_trace_shows(tmp_path, seed):
    ledger = Ledger(tmp_path / "ledger.db")
    with ledger.transaction():
        for record in history(seed):
            ledger.append(record)
    ends = [record for record in history(seed) if record["phase"] == "end"]
    up = {end["id"]: set(ids(ancestors([end["id"]], ledger))) for end in ends}
    flow, down = Flow(ledger), {}
    for end in ends:
        job, down[end["id"]] = end["id"], {end["id"]}
        for made in end["outputs"]:
            shown = set(ids(descendants(readers(made, job, ledger), ledger)))
            reached = flow.derived([(made["sha256"], made["path"])])
            assert {j for a in reached for j in flow.makers(a)} - {job} == shown - {job}
            down[job] |= shown
    assert {(a, b) for a in up for b in up[a]} == {(b, a) for a in down for b in down[a]}
