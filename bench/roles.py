"""What a role costs: `python -m bench.roles`. Memory, CPU for a photo, and throughput of one and two workers.

PostgreSQL listens on TCP and the storage speaks S3, both on this machine. Photos are uploaded to a web machine while
the machines that are measured are stopped (SIGSTOP); then these go on, each pinned to a core, and the CPU time of
their processes counts until the last photo is done. CPU time is told beside wall time, because other programs may use
the cores.
"""

import argparse
import os
import signal
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import Plan
from bench.hosts import pictures
from bench.workers import proportional
from testkit.event_photos import send_photos
from testkit.passwords import PASSWORD
from testkit.servers import Api, Launcher, create_event, one_installation, temporary_folder, wait_until
from testkit.store_host import Store, store_host

TICKS = os.sysconf("SC_CLK_TCK")
WARM_UP, CHECKS = 4, 30


@dataclass(frozen=True, slots=True)
class Run:
    """What some photos took, in seconds: wall time, CPU time of the machines, of PostgreSQL, and of the storage."""

    photos: int
    wall: float
    machines: float
    postgres: float
    storage: float

    def said(self) -> str:
        """Return a sentence."""
        machines, postgres, storage = (
            each / self.photos * 1000 for each in (self.machines, self.postgres, self.storage)
        )
        return (
            f"{self.photos / self.wall:.2f} photos a second, {machines:.0f} ms of CPU a photo; beside them "
            f"PostgreSQL {postgres:.0f} ms, storage {storage:.0f} ms"
        )


def family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    found = [pid]
    for each in found:
        try:
            tasks = [path.read_text().split() for path in Path(f"/proc/{each}/task").glob("*/children")]
        except OSError:
            continue
        found += [int(child) for task in tasks for child in task]
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the CPU time of processes and of their children that have ended."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(value) for value in fields[11:15])
    return total / TICKS


def machine_pids(machines: Sequence[Launcher]) -> list[int]:
    """Return the processes of machines."""
    return [pid for each in machines for pid in family(each.server.pid)]


def send_signal(machines: Sequence[Launcher], number: signal.Signals) -> None:
    """Send a signal to every process of the machines."""
    for pid in machine_pids(machines):
        os.kill(pid, number)


def run(web: Launcher, machines: Sequence[Launcher], store: Store, photos: list[bytes], name: str) -> Run:
    """Upload photos to an event of their own, let the machines do them, and return what that took."""
    event = create_event(web.server, photographer=name)
    send_photos(event.photographer, event.id, photos[:WARM_UP], seconds=120)
    for core, each in enumerate(machines):
        for pid in family(each.server.pid):
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})
    send_signal(machines, signal.SIGSTOP)
    try:
        send_photos(event.photographer, event.id, photos[WARM_UP:], seconds=0)
        taken = [(store.postgres, cpu_seconds(family(store.postgres))), (store.storage, cpu_seconds([store.storage]))]
        before = cpu_seconds(machine_pids(machines))
    finally:
        send_signal(machines, signal.SIGCONT)
    began = time.monotonic()
    path = f"/api/photographer/events/{event.id}/progress"

    def is_done() -> bool:
        found = event.photographer.call("GET", path)
        return bool(found["pending"] == found["processing"] == 0)

    wait_until(is_done, 600, "the photos")
    wall = time.monotonic() - began
    postgres, storage = (cpu_seconds(family(pid)) - start for pid, start in taken)
    return Run(len(photos) - WARM_UP, wall, cpu_seconds(machine_pids(machines)) - before, postgres, storage)


def check_times(server: Launcher, portrait: bytes, code: str) -> list[float]:
    """Return the seconds of each of some checks of a portrait, one after the other."""
    with Api(server.server) as anyone:
        data = {"username": "checker", "email": "checker@example.org", "password": PASSWORD}
        anyone.call("POST", "/api/register-with-event-code", json={"user_data": data, "event_code": code})
        guest = anyone.logged_in("checker", PASSWORD)
    times = []
    for _ in range(CHECKS):
        began = time.monotonic()
        guest.call("POST", "/api/validate-selfie", files={"file": ("s.jpg", portrait, "image/jpeg")})
        times.append(time.monotonic() - began)
    return times


def told_of_web(web: Launcher, portrait: bytes) -> str:
    """Return a sentence about memory and checks of a web machine."""
    idle = proportional(machine_pids([web]))
    event = create_event(web.server, photographer="checks")
    times = sorted(check_times(web, portrait, event.code))
    busy = proportional(machine_pids([web]))
    return (
        f"web: {idle:.0f} MB with one process, {busy:.0f} MB after {CHECKS} checks of a portrait; a check takes "
        f"{statistics.median(times) * 1000:.0f} ms (median), {times[-2] * 1000:.0f} ms at most but one"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--photos", type=int, default=60)
    number = parser.parse_args().photos + WARM_UP
    with temporary_folder() as folder, store_host(folder) as store:
        photos, portraits = pictures(Plan(0, 1, number), folder)
        shared = {"GUNICORN_WORKERS": "1", **store.environment}
        with one_installation(folder, store.database_url, **shared) as machine:
            web, alone, first, second = machine("web"), machine("all"), machine("worker"), machine("worker")
            web.start()
            print(told_of_web(web, portraits[0]), flush=True)
            for name, machines in (("all", [alone]), ("worker", [first]), ("workers", [first, second])):
                for each in machines:
                    each.start()
                memory = proportional(machine_pids(machines))
                found = run(web, machines, store, photos, name)
                after = proportional(machine_pids(machines))
                title = {"all": "ROLE=all", "worker": "one worker", "workers": "two workers"}[name]
                print(f"{title}: {found.said()}; {memory:.0f} MB before, {after:.0f} MB after", flush=True)
                for each in machines:
                    each.stop()


if __name__ == "__main__":
    main()
