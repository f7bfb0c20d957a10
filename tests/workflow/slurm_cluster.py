"""A real Slurm on loopback: controller, node and authentication, all in one folder.

Nothing is installed and nothing of the machine's own Slurm is touched: configuration, key, socket,
state and logs are the folder's. Not a test file.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
PROGRAMS = (*DAEMONS, "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
GPUS = 4
START_SECONDS = 30.0

# There is no database of jobs: squeue knows those that ended in the last MinJobAge seconds. Memory
# is looked at every second, and a job that has more than it asked for is killed.
CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=7200
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus}
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class NoSlurm(Exception):
    """It is not installed here, or does not start; the message says which and why."""


class Cluster:
    """Use as a context manager; `environment` is what programs need to find it."""

    def __init__(self, folder: Path):
        if missing := [name for name in PROGRAMS if not _program(name)]:
            raise NoSlurm(f"not installed: {', '.join(missing)}")
        self.folder = folder
        self.environment = {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
        }
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Cluster:
        try:
            self._configure()
            self._start("munged", "--foreground", "--force", *self._munge_files())
            self._wait(lambda: (self.folder / "munge.socket").exists(), "munged")
            self._start("slurmctld", "-D", "-c")
            self._start("slurmd", "-D")
            self._wait(lambda: self.ask("sinfo", "-h", "-o", "%T").strip() == "idle", "slurmd")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if len(self._daemons) == len(DAEMONS):
            self.ask("scancel", "--me")
            until = time.monotonic() + START_SECONDS
            while self.ask("squeue", "--noheader") and time.monotonic() < until:
                time.sleep(0.5)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            daemon.wait()

    def ask(self, *command: str) -> str:
        """What one of Slurm's commands prints; nothing while the controller does not answer."""
        done = subprocess.run(
            command, env=os.environ | self.environment, text=True, capture_output=True, timeout=30
        )
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Every job since the start, in their order, as `scontrol show job` has it."""
        text = self.ask("scontrol", "show", "job", "--oneliner")
        pairs = (
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in text.splitlines()
        )
        return sorted((job for job in pairs if "JobId" in job), key=lambda job: int(job["JobId"]))

    def _configure(self) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)  # munged refuses others
        host = socket.gethostname().partition(".")[0]
        controller_port, node_port = _free_ports(2)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        settings: Mapping[str, object] = {
            "folder": self.folder,
            "host": host,
            "user": _user(),
            "controller_port": controller_port,
            "node_port": node_port,
            "cpus": len(os.sched_getaffinity(0)),
            "memory": memory * 9 // 10,
            "gpus": GPUS,
        }
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(**settings))
        # A count without files would leave the node invalid; any devices do.
        gres = f"NodeName={host} Name=gpu File=/dev/tty[0-{GPUS - 1}]\n"
        (self.folder / "gres.conf").write_text(gres)
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        # Within a job the executor calls srun without all of SLURM_*: as if it were /etc/slurm's.
        srun = self.folder / "bin" / "srun"
        conf = self.environment["SLURM_CONF"]
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {_program("srun")} "$@"\n')
        srun.chmod(0o755)
        (self.folder / "munge.key").write_bytes(os.urandom(64))
        (self.folder / "munge.key").chmod(0o400)

    def _munge_files(self) -> list[str]:
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log"}
        files["seed-file"] = "seed"
        return [f"--{option}={self.folder}/munge.{end}" for option, end in files.items()]

    def _start(self, name: str, *arguments: str) -> None:
        output = open(self.folder / f"{name}.out", "wb")
        with output:
            self._daemons.append(
                subprocess.Popen(
                    [_program(name) or name, *arguments],
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )

    def _wait(self, ready: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > until or any(d.poll() is not None for d in self._daemons):
                raise NoSlurm(f"{what} does not start; its last words: {self._last_words()}")
            time.sleep(0.2)

    def _last_words(self) -> str:
        logs = [*self.folder.glob("*.out"), *self.folder.glob("*.log")]
        return " | ".join(log.read_text(errors="replace")[-300:] for log in logs)


def _program(name: str) -> str | None:
    # Daemons are often in folders that are not on the path of users.
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
