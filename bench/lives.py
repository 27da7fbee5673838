"""Whole task lives through one master: offer, ACCEPT, launch, TASK_RUNNING and TASK_FINISHED with
their acknowledgements, as 10 emulated frameworks see them on 1,000 emulated agents whose tasks take
no time. The master has one core: what counts is the CPU that it takes a life, over all its threads.

    ./dev bench lives [--seconds=60]
"""
import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from emulation import Bench, facts, finish, header, say

AGENTS = 1000
FRAMEWORKS = 10
MODES = {
    # Tasks of an executor of the framework's, as Spark has them: it says RUNNING and FINISHED.
    "": ("calls pipelined, tasks of an executor", ["--executor"]),
    "one_at_a_time_": ("one call at a time, tasks of an executor", ["--executor", "--pipelined=1"]),
    # Each a command, with TASK_STARTING besides.
    "command_": ("calls pipelined, each task a command", []),
}


def profile(master, seconds):
    """The functions that take the most, by thread; nothing without perf."""
    if shutil.which("perf") is None:
        return []
    data = Path(master.out).with_suffix(".perf")
    subprocess.run(["perf", "record", "-q", "-F", "499", "-p", str(master.pid), "-o", str(data), "--",
                    "sleep", str(seconds)], stderr=subprocess.DEVNULL, check=False)
    text = subprocess.run(["perf", "report", "-i", str(data), "--no-children", "--sort",
                           "comm,sym", "--percent-limit", "1"], capture_output=True, text=True,
                          check=False).stdout
    return [line.strip()[:100] for line in text.splitlines() if line.strip() and line[0] != "#"][:30]


def measure(flags, seconds, resources, with_profile):
    with Bench(AGENTS) as bench:
        master = bench.start_master()
        bench.agents(f"--resources={resources}")
        frameworks = bench.emulate("frameworks", "lives", f"--count={FRAMEWORKS}",
                                   "--behavior=lives", *flags, report="500ms")
        time.sleep(3)
        before, cpu, start = frameworks.counts()["finished"], master.thread_cpu_s(), time.monotonic()
        time.sleep(seconds)
        lives = frameworks.counts()["finished"] - before
        used = {key: value - cpu.get(key, 0) for key, value in master.thread_cpu_s().items()}
        took = time.monotonic() - start
        entries = profile(master, min(seconds / 2, 10)) if with_profile else []
        seen = frameworks.end()
        return {"lives_per_s": lives / took,
                "master_cpu_us_per_life": 1e6 * sum(used.values()) / max(lives, 1),
                "master_cpu_percent": 100 * sum(used.values()) / took,
                "launch_ms_p50": seen["launch_ms_p50"], "launch_ms_p99": seen["launch_ms_p99"],
                "failed": seen["failed"], "open": seen["open"],
                "us_per_life_by_thread": {f"{name} {kind}": 1e6 * value / max(lives, 1) for (name, kind), value
                                          in sorted(used.items()) if 1e6 * value > 0.05 * lives},
                }, entries


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--resources", default="cpus:4;mem:4096", help="of each agent")
    args = parser.parse_args()
    header(__doc__.split("\n\n")[0])
    result = facts()
    for prefix, (what, flags) in MODES.items():
        seen, entries = measure(flags, args.seconds, args.resources, prefix == "")
        say(f"\n{what}: {seen['lives_per_s']:.0f} lives/s, {seen['master_cpu_us_per_life']:.1f} us of "
            f"the master's CPU a life ({seen['master_cpu_percent']:.0f}% of its core), ACCEPT to "
            f"RUNNING {seen['launch_ms_p50']:.0f} ms (p99 {seen['launch_ms_p99']:.0f})")
        for name, us in seen["us_per_life_by_thread"].items():
            say(f"  {name:<24} {us:6.2f} us a life")
        for entry in entries:
            say(f"    {entry}")
        result.update({prefix + key: value for key, value in seen.items()})
    finish(result)


if __name__ == "__main__":
    main()
