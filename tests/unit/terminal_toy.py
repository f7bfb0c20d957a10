"""A small workflow whose jobs end in every way, run as users do, in a pipe or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

LIBRARY = Path(__file__).parents[2] / "workflow_scripts"
COLUMNS = 100
CONTROL = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")

SNAKEFILE = """
rule all:
    input: expand("out/{x}.txt", x=list(config.get("ends", "a")))

rule ends:
    input: "raw"
    output: "out/{x}.txt"
    log: "logs/ends/{x}.log"
    benchmark: "benchmarks/ends/{x}.tsv"
    params:
        cfg={"steps": config.get("steps", 60), "unet": {"channels": 8}},
        code="0" * 63 + str(config.get("code", 1)),
    script: "ends.py"

rule last:
    input: "out/{x}.txt"
    output: "last/{x}.txt"
    shell: "cp {input} {output}"

rule again:
    output: "again.txt"
    retries: 1
    shell: "if [ -e once ]; then touch {output}; else touch once; exit 3; fi"

rule lost:
    input: "raw/not_there.csv"
    output: "lost.txt"
    shell: "cp {input} {output}"
"""
# What each letter of the setting `ends` stands for.
SCRIPT = """
import errno, os, signal, time
from pathlib import Path

from medsynth.runtime.logs import configure_logging
from medsynth.store.errors import MedsynthError

x = snakemake.wildcards.x
if x == "i":
    import no_such_package
with configure_logging(snakemake.log[0]):
    os.write(2, b"libtiff: unknown tag\\n")
    if x == "e":
        raise MedsynthError("labels.csv: no column grade; add it")
    if x == "t":
        raise MedsynthError("\\n".join(f"line {i} of a table" for i in range(20)) + "\\nlower it")
    if x == "d":
        {}["a defect"]
    if x == "f":
        raise OSError(errno.ENOSPC, "No space left on device")
    if x == "k":
        os.kill(os.getpid(), signal.SIGKILL)
    if x == "w":
        Path("waits").touch()
        time.sleep(600)
    Path(snakemake.output[0]).write_text(x)
"""


def write(folder: Path) -> Path:
    """The workflow in a folder."""
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "ends.py").write_text(SCRIPT)
    (folder / "raw").mkdir()
    return folder


def command(*arguments: str, program: tuple[str, ...] = ("-m", "snakemake")) -> list[str]:
    options = ["--cores", "4", "--keep-going", "--logger", "medsynth"]
    return [sys.executable, *program, *options, *arguments]


def snakemake(
    folder: Path, *arguments: str, program: tuple[str, ...] = ("-m", "snakemake")
) -> tuple[int, str]:
    """Its exit code, and all that it prints into a pipe."""
    done = subprocess.run(
        command(*arguments, program=program),
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    return kept | {"TERM": "xterm"}


def blocks(printed: str) -> dict[str, list[str]]:
    """{job: the lines of its block} of what stands below the summary."""
    found: dict[str, list[str]] = {}
    last = printed.rpartition(" failed; ")[2].split("\n")[1:]
    for line in filter(None, last):
        if line.startswith("✗ "):
            found[line[2:]] = []
        else:
            found[list(found)[-1]].append(line.strip())
    return found


def on_terminal(folder: Path, *arguments: str, stop: Callable[[str], bool]) -> tuple[int, str]:
    """The same on a terminal, where Ctrl-C is pressed as soon as `stop` says so of what is written.

    Returns:
        The exit code, and all that was written, with the lines that were rewritten later.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(sys.executable, command(*arguments), _environment())
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, COLUMNS, 0, 0))
    written, pressed = b"", False
    while True:
        try:
            if not (read := os.read(terminal, 65536)):
                break
        except OSError:  # the other end is closed
            break
        written += read
        if not pressed and stop(written.decode(errors="ignore")):
            os.write(terminal, b"\x03")
            pressed = True
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    text = CONTROL.sub("", written.decode()).replace("\r", "\n")
    return os.waitstatus_to_exitcode(status), text
