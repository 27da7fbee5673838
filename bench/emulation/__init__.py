"""What the benchmarks share that load one master with `souk emulate`: processes on cores of their
own, and what they cost. The master has one core, all that is emulated has the others."""
import http.client
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("SOUK_BUILD_DIR", ROOT / "build/release"))
SOUK = str(BUILD / "souk")
CORES = sorted(os.sched_getaffinity(0))
MASTER_CORE = CORES[0]
OTHER_CORES = CORES[1:] or CORES
TICK = os.sysconf("SC_CLK_TCK")
CONNECTIONS_A_THREAD = 15_000  # of the 20,000 open files that a table may hold


def machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{len(CORES)} x {model.group(1) if model else '?'}, Linux {platform.release()}"


def say(text):
    print(text, flush=True)


def proc_field(pid, file, name):
    """In KiB, from a file such as /proc/PID/status."""
    for line in Path(f"/proc/{pid}/{file}" if pid else f"/proc/{file}").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def slab_bytes():
    """Kernel memory of the whole machine: sockets, above all."""
    return proc_field(None, "meminfo", "Slab") * 1024


class Process:
    def __init__(self, folder, name, arguments, cores):
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        mask = ",".join(map(str, cores))
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.popen = subprocess.Popen(["taskset", "-c", mask, SOUK, *map(str, arguments)],
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def cpu_s(self):
        return sum(self.thread_cpu_s().values())

    def thread_cpu_s(self):
        """{(thread's name, "user" or "kernel"): seconds}"""
        used = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                name, fields = re.match(r"\d+ \((.*)\) (.*)", (task / "stat").read_text()).groups()
            except OSError:
                continue
            fields = fields.split()
            name = re.sub(r"-\d+$", "", name)
            for kind, ticks in (("user", fields[11]), ("kernel", fields[12])):
                used[name, kind] = used.get((name, kind), 0) + int(ticks) / TICK
        return used

    def rss_bytes(self):
        return proc_field(self.pid, "status", "RssAnon") * 1024

    def peak_bytes(self):
        return proc_field(self.pid, "status", "VmHWM") * 1024

    def kill(self):
        self.popen.kill()
        self.popen.wait()


class Emulation(Process):
    def counts(self):
        """Of the latest line of counts."""
        lines = [line for line in self.err.read_text().splitlines() if re.match(r"[\d.]+s ", line)]
        if not lines:
            return {}
        return {key: int(value) for key, value in
                (each.split("=") for each in lines[-1].split()[1:])}

    def wait_for(self, what, patience=300):
        """Until what(counts) is true; the seconds that it took."""
        start = time.monotonic()
        while not what(self.counts() or {"registered": 0, "running": 0}):
            if not self.alive() or time.monotonic() - start > patience:
                sys.exit(f"the emulation does not get there: {self.counts()}\n"
                         f"{self.err.read_text()[-2000:]}")
            time.sleep(0.05)
        return time.monotonic() - start

    def result(self, patience=1200):
        self.popen.wait(patience)
        return json.loads(self.out.read_text().splitlines()[-1])

    def end(self):
        if self.alive():
            self.popen.send_signal(signal.SIGINT)
        return self.result()


class Bench:
    """A master and what loads it."""

    def __init__(self, agents):
        self.folder = Path(tempfile.mkdtemp(prefix="souk-bench-"))
        self.port = 15_000 + os.getpid() % 10_000
        self.io_threads = 1 if agents <= CONNECTIONS_A_THREAD else -(-agents // CONNECTIONS_A_THREAD)
        self.count = agents
        self.processes = []
        self.master = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.alive():
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, process):
        self.processes.append(process)
        return process

    def start_master(self, *flags):
        self.master = self.add(Process(
            self.folder, f"master-{len(self.processes)}",
            ["master", f"--port={self.port}", f"--work_dir={self.folder / 'master'}",
             f"--io_threads={self.io_threads}", "--logging_level=error", *flags], [MASTER_CORE]))
        while True:
            try:
                if self.get("/health", patience=5)[0] == 200:
                    return self.master
            except OSError:
                if not self.master.alive():
                    sys.exit(f"the master ended:\n{self.master.err.read_text()}")
                time.sleep(0.01)

    def get(self, path, patience=120, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def metric(self, name):
        return json.loads(self.get("/metrics/snapshot")[1])[f"master/{name}"]

    def emulate(self, kind, name, *flags, report="200ms"):
        return self.add(Emulation(
            self.folder, name, ["emulate", kind, f"--master=127.0.0.1:{self.port}",
                                f"--report={report}", "--logging_level=error", *flags],
            OTHER_CORES))

    def agents(self, *flags):
        made = self.emulate("agents", "agents", f"--count={self.count}", *flags)
        took = made.wait_for(lambda counts: counts["registered"] == self.count)
        return made, took

    def fill_slots(self, frameworks, *flags, part=0.9):
        """The paper's load (§6.5): a task on each agent that is offered, N(30 s, 10 s), on agents
        with two slots each."""
        made = self.emulate("frameworks", "spread", f"--count={frameworks}", *flags)
        took = made.wait_for(lambda counts: counts["running"] >= part * 2 * self.count)
        return made, took


def header(what):
    say(f"{what}\n{machine()}; load before: {os.getloadavg()[0]:.1f}")
    say(f"the master has core {MASTER_CORE}; emulated agents and frameworks have core(s) "
        f"{','.join(map(str, OTHER_CORES))}")


def facts():
    return {"machine": machine(), "date": time.strftime("%Y-%m-%d"),
            "load_1min_before": os.getloadavg()[0], "master_core": MASTER_CORE,
            "emulation_cores": OTHER_CORES}


def finish(result):
    print(json.dumps(result))
