"""What a worker starts for a run: Prefect's engine, forked by the run starter where there is one (decisions/0034).

PREFECT__FLOW_RUN_ID=… python -m deployments.flow_run
"""

import json
import os
import signal
import socket
import sys
from types import FrameType

# Where the run starter listens: a name among the abstract Unix sockets.
ADDRESS = "SAIS_RUN_STARTER"
TAKEN = b"taken"
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STANDARD_STREAMS = (0, 1, 2)
# `taken`, or an exit code.
LONGEST_ANSWER = 16

# Of the 2.2 s of CPU that a run's imports take, 0.3 were collections at Python's 700 allocations: nothing that is
# imported is garbage. In a run of 1,000 images it was five whole collections, of 0.1 s each.
YOUNG_ALLOCATIONS = 20_000
YOUNG_BETWEEN_MIDDLE = 20
MIDDLE_BETWEEN_WHOLE = 20


def collect_less() -> None:
    import gc  # noqa: PLC0415  what the starter takes over costs 20 ms here, a third of it such imports

    gc.set_threshold(YOUNG_ALLOCATIONS, YOUNG_BETWEEN_MIDDLE, MIDDLE_BETWEEN_WHOLE)


def loop_quicker() -> None:
    """3 % less CPU in a run's own process (decisions/0035)."""
    import asyncio  # noqa: PLC0415  as above

    try:
        import uvloop  # noqa: PLC0415  as above
    except ImportError:  # there is none for Windows
        return
    # Prefect's engine calls `asyncio.run`, which takes no loop of ours.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def run_engine() -> None:
    """`python -m prefect.engine` in this process, on uvloop and with fewer collections of garbage."""
    import runpy  # noqa: PLC0415  as above

    collect_less()
    loop_quicker()
    sys.argv = ["prefect.engine"]
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


def order() -> bytes:
    """All in which a process that was forked elsewhere differs from this one."""
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    return json.dumps({"environment": dict(os.environ), "folder": os.getcwd(), "nice": nice}).encode()  # noqa: PTH109


def run_by_starter(address: str) -> int | None:
    """The run's exit code, negative when a signal ended it. None where there is no starter, or none that suits.

    Signals are passed on. When this process is killed the starter kills the run, and the kernel when it is the starter.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as starter:
            try:
                starter.connect(f"\0{address}")
                socket.send_fds(starter, [order()], STANDARD_STREAMS)
                if starter.recv(LONGEST_ANSWER) != TAKEN:
                    return None
            except OSError:
                return None

            def forward(number: int, frame: FrameType | None) -> None:
                starter.send(bytes([number]))

            for number in FORWARDED:
                signal.signal(number, forward)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
            try:
                return int(starter.recv(LONGEST_ANSWER) or -signal.SIGKILL)
            except OSError:
                return -signal.SIGKILL
            finally:
                for number in FORWARDED:
                    signal.signal(number, signal.SIG_DFL)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)


def end_as(code: int) -> None:
    """With the code of the run; by the same signal, when one has ended it."""
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


def main() -> None:
    address = os.environ.get(ADDRESS)
    code = run_by_starter(address) if address else None
    if code is None:
        run_engine()
    else:
        end_as(code)


if __name__ == "__main__":
    main()
