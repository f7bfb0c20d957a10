"""A trace as a page: one inline SVG, files and jobs in layers from raw data to the right."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import fmean

from jinja2 import Environment, PackageLoader, StrictUndefined

from medsynth.lineage.queries.trace import Artifact, Job, Trace
from medsynth.lineage.wording import SHORT, job_name, when
from medsynth.store.atomic import replacing

# Pixels.
WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 216, 40, 56, 14, 16
LETTERS = 28  # of 11 pixels that fit a box
SWEEPS = 6  # of the ordering; more change nothing one sees


@dataclass
class Node:
    """A box: `kind` is job, file or raw; `bad` tells that it failed or was altered."""

    key: str
    kind: str
    title: str
    detail: str
    hover: str
    bad: bool = False
    asked: bool = False
    before: list[Node] = field(default_factory=list)
    after: list[Node] = field(default_factory=list)
    x: float = 0
    y: float = 0


def _clipped(text: str, keep_end: bool = False) -> str:
    if len(text) <= LETTERS:
        return text
    return "…" + text[1 - LETTERS :] if keep_end else text[: LETTERS - 1] + "…"


def _file_key(file: Artifact) -> str:
    return f"{file.get('producer')} {file['path']} {file['sha256']}"


def _file_node(file: Artifact) -> Node:
    digest = file["sha256"] or "not hashed"
    state = file["on_disk"] if file["on_disk"] in ("altered", "missing") else ""
    return Node(
        _file_key(file),
        "file" if file.get("producer") else "raw",
        _clipped(file["path"], keep_end=True),
        f"{digest[:SHORT]} {state}".strip(),
        f"{file['path']}\nsha256 {digest}\n{file['bytes']} bytes {state}".strip(),
        bad=bool(state),
    )


def _job_node(job: Job) -> Node:
    notes = [f"{k}={v}" for k, v in job["wildcards"].items()]
    notes += [] if job["seed"] is None else [f"seed {job['seed']}"]
    failed = job["status"] not in ("COMPLETE", "RUNNING")
    return Node(
        job["job"],
        "job",
        _clipped(job["rule"]),
        _clipped(" ".join([job["status"]] * failed + notes) or f"job {job['job'][:SHORT]}"),
        f"{job_name(job)}\njob {job['job']}\n{when(job['time'])}\ncode {job['code'] or '-'}",
        bad=failed,
    )


def nodes_of(trace: Trace) -> list[Node]:
    """Boxes of a trace, joined: its jobs, and the files that lead from one to the other."""
    jobs, down = trace["jobs"], trace["down"]
    asked = _file_node(trace["artifact"])
    asked.asked = True
    found = {asked.key: asked} | {key: _job_node(job) for key, job in jobs.items()}
    edges: dict[tuple[str, str], None] = {}
    for job in jobs.values():
        for file in job["inputs"]:
            key = _file_key(file)
            if down and key != asked.key and not jobs.keys() & set(file["makers"]):
                continue  # what else the descendants needed
            found.setdefault(key, _file_node(file))
            edges[key, job["job"]] = None
            for maker in file["makers"]:
                if maker in jobs:
                    edges[maker, key] = None
        for file in job["outputs"]:
            if down or _file_key(file) == asked.key:
                key = found.setdefault(_file_key(file), _file_node(file)).key
                edges[job["job"], key] = None
    for maker in trace["artifact"]["makers"]:
        if maker in jobs and not down:
            edges[maker, asked.key] = None
    for first, second in edges:
        found[first].after.append(found[second])
        found[second].before.append(found[first])
    return list(found.values())


def _mean_height(node: Node, forward: bool) -> float:
    """Of the neighbours in the layer before or, backward, after."""
    return fmean([m.y for m in (node.before if forward else node.after)] or [node.y])


def place(nodes: list[Node]) -> tuple[float, float]:
    """Give every node its place; returns width and height of the drawing.

    A layer is the longest way from a file without a maker (Sugiyama et al. 1981, IEEE Trans. SMC
    11(2)); within it, nodes are sorted by the mean place of their neighbours.
    """
    by_key = {node.key: node for node in nodes}
    order = TopologicalSorter({n.key: [b.key for b in n.before] for n in nodes}).static_order()
    depth: dict[str, int] = {}
    for key in order:
        depth[key] = max((depth[b.key] + 1 for b in by_key[key].before), default=0)
    layers: list[list[Node]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in nodes:
        layers[depth[node.key]].append(node)

    def spread() -> None:
        for layer in layers:
            for row, node in enumerate(layer):
                node.y = (row - (len(layer) - 1) / 2) * (HEIGHT + DOWN)

    spread()
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for layer in layers if forward else layers[::-1]:
            layer.sort(key=partial(_mean_height, forward=forward))
            spread()
    top = min(node.y for node in nodes)
    for node in nodes:
        node.x = MARGIN + depth[node.key] * (WIDTH + ACROSS)
        node.y += MARGIN - top
    right, bottom = max(n.x for n in nodes) + WIDTH, max(n.y for n in nodes) + HEIGHT
    return right + MARGIN, bottom + MARGIN


def write_page(trace: Trace, path: str | Path) -> None:
    """Write the answer of `trace` as HTML that needs nothing but itself."""
    nodes = nodes_of(trace)
    width, height = place(nodes)
    pages = Environment(
        loader=PackageLoader("medsynth.lineage.queries", "."),
        autoescape=True,
        undefined=StrictUndefined,
    )
    page = pages.get_template("trace.html").render(
        artifact=trace["artifact"],
        down=trace["down"],
        jobs=sorted(trace["jobs"].values(), key=lambda job: job["seq"]),
        nodes=nodes,
        width=width,
        height=height,
        box=(WIDTH, HEIGHT),
        job_name=job_name,
        when=when,
        short=SHORT,
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
