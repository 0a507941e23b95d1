"""A real S3 server on 127.0.0.1: Ceph's RADOS Gateway with one monitor and one in-memory disk.

Debian's packages `radosgw ceph-mon ceph-osd` are needed; without them moto's emulator stands in, which accepts any key.
"""

import contextlib
import functools
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session

START_SECONDS = 90
# The kernel ends the servers with pytest, also when pytest is killed and no `finally` runs.
DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
GATEWAY = ("radosgw", "-f", "-n", "client.rgw.a")
# One copy of everything, no authentication between the daemons, no waiting for peers that do not exist.
CEPH_CONF = """
[global]
fsid = {cluster}
mon host = v1:127.0.0.1:{mon_port}/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
run dir = {folder}
admin socket = {folder}/$name.asok
pid file = {folder}/$name.pid
log file = {folder}/$name.log
log to stderr = false
err to stderr = false
mon data = {folder}/mon
mon cluster log file = {folder}/cluster.log
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
paxos propose interval = 0.02
paxos min wait = 0.01
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush update on start = false
osd class update on start = false
osd max object name len = 2048
osd class load list = *
osd class default list = *
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw run sync thread = false
rgw rados pool pg num min = 4
"""


@dataclass(frozen=True)
class S3Server:
    """`emulator` is true for moto: tests of credentials then have nothing to test."""

    url: str
    key: str
    secret: str
    emulator: bool

    def options(self) -> dict[str, Any]:
        """Keyword arguments for s3fs."""
        return {
            "key": self.key,
            "secret": self.secret,
            "endpoint_url": self.url,
            "client_kwargs": {"region_name": "us-east-1"},
        }

    def fresh_bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"test-{secrets.token_hex(6)}"
        _client(self).create_bucket(Bucket=name)
        return name


@functools.cache
def _client(server: S3Server) -> Any:
    """Making a client reads botocore's descriptions of every service: half a second, so once."""
    keys = {"aws_access_key_id": server.key, "aws_secret_access_key": server.secret}
    session = botocore.session.get_session()
    return session.create_client("s3", endpoint_url=server.url, region_name="us-east-1", **keys)


def real_server_installed() -> bool:
    return all(shutil.which(program) for program in ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd"))


def report_line() -> str:
    """Says in pytest's output which server the S3 tests speak to."""
    if real_server_installed():
        return "S3 tests: real server (Ceph RGW)"
    return "S3 tests: FALLBACK to an emulator (moto), install radosgw ceph-mon ceph-osd"


@contextlib.contextmanager
def running_s3() -> Iterator[S3Server]:
    """Starts in 1 to 3 seconds, as root or as a plain user; everything lives in one temporary folder."""
    with running_ceph() if real_server_installed() else running_moto() as server:
        yield server


@contextlib.contextmanager
def running_moto() -> Iterator[S3Server]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        yield S3Server(f"http://127.0.0.1:{port}", "moto-key", "moto-secret", emulator=True)
    finally:
        server.stop()


@contextlib.contextmanager
def running_ceph() -> Iterator[S3Server]:
    with stoppable_ceph() as (server, _):
        yield server


@contextlib.contextmanager
def stoppable_ceph() -> "Iterator[tuple[S3Server, Ceph]]":
    mon_port, port = free_ports(2)
    server = S3Server(f"http://127.0.0.1:{port}", "sais-test-key", secrets.token_hex(16), emulator=False)
    with tempfile.TemporaryDirectory(prefix="sais-s3-", ignore_cleanup_errors=True) as name:
        ceph = Ceph(Path(name), cluster=str(uuid.uuid4()), mon_port=mon_port, port=port)
        try:
            ceph.start(server)
            yield server, ceph
        finally:
            ceph.stop()


class Ceph:
    """The three daemons of the smallest cluster there is; the last of them is the one that speaks S3."""

    def __init__(self, folder: Path, *, cluster: str, mon_port: int, port: int) -> None:
        self.folder, self.cluster, self.mon_port = folder, cluster, mon_port
        self.daemons: list[subprocess.Popen[bytes]] = []
        conf = folder / "ceph.conf"
        conf.write_text(CEPH_CONF.format(folder=folder, cluster=cluster, mon_port=mon_port, port=port))
        self.environment = {**os.environ, "CEPH_CONF": str(conf)}
        for data in ("mon", "osd"):
            (folder / data).mkdir()
        self.log = (folder / "output").open("ab")

    def start(self, server: S3Server) -> None:
        disk, monmap = str(uuid.uuid4()), str(self.folder / "monmap")
        address = f"v1:127.0.0.1:{self.mon_port}"
        self.run("monmaptool", "--create", "--addv", "a", address, "--fsid", self.cluster, monmap)
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self.spawn("ceph-mon", "-f", "-i", "a")
        self.run("ceph", "--connect-timeout", "30", "osd", "new", disk)
        self.run("ceph", "osd", "crush", "add", "osd.0", "1.0", "host=local", "root=default")
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self.spawn("ceph-osd", "-f", "-i", "0")
        self.spawn(*GATEWAY)
        keys = (f"--access-key={server.key}", f"--secret={server.secret}")
        self.run("radosgw-admin", "user", "create", "--uid=test", "--display-name=test", "--max-buckets=0", *keys)
        self.wait_for(server.url)

    def stop_gateway(self) -> None:
        """S3 is away, as after a crash; what it has taken stays with the other two."""
        gateway = self.daemons.pop()
        gateway.kill()
        gateway.wait()

    def start_gateway(self, url: str) -> None:
        self.spawn(*GATEWAY)
        self.wait_for(url)

    def run(self, *command: str) -> None:
        """Again while the monitor is still electing itself."""
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(command, timeout=START_SECONDS, check=False, **self._streams()).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} failed: {self.output()}")
            time.sleep(0.2)

    def spawn(self, *command: str) -> None:
        everything = [*DIE_WITH_PARENT, *command]
        self.daemons.append(subprocess.Popen(everything, start_new_session=True, **self._streams()))

    def wait_for(self, url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(url, timeout=5).close()
                return
            if time.monotonic() > deadline or any(daemon.poll() is not None for daemon in self.daemons):
                raise RuntimeError(f"Ceph did not start: {self.output()}")
            time.sleep(0.05)

    def stop(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.kill()
        for daemon in self.daemons:
            daemon.wait()
        self.log.close()

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")[-2000:]

    def _streams(self) -> dict[str, Any]:
        return {"env": self.environment, "stdin": subprocess.DEVNULL, "stdout": self.log, "stderr": self.log}


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
