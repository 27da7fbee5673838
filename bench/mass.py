"""All at once: a master is killed and a new one starts on its registry, with 50,000 emulated agents
that run 100,000 tasks of 200 frameworks. How long until the new one knows them all, and how much
memory it takes at most; and, of the one before it, what a running task takes. Once with agents that
dial again within 200 ms ("at once"), once with the back-off that agents have by default ("rolling":
up to 10 s, drawn at random).

    ./dev bench mass [--agents=50000]      about 3 minutes
"""
import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from emulation import Bench, facts, finish, header, say

FRAMEWORKS = 200


def measure(agents, redial_most):
    with Bench(agents) as bench:
        bench.start_master()
        emulated, _ = bench.agents(f"--redial_most={redial_most}")
        time.sleep(2)
        without_tasks = bench.master.rss_bytes()
        # What runs for an hour is there before and after; its frameworks come back as well.
        spread, _ = bench.fill_slots(FRAMEWORKS, "--task_length=1h", "--task_length_sd=0s", part=1.0)
        tasks = spread.counts()["running"]
        time.sleep(15)  # by then the allocator of memory has given back what it does not need
        bytes_per_task = (bench.master.rss_bytes() - without_tasks) / tasks
        lost = emulated.counts()["links_lost"]
        bench.master.kill()
        start = time.monotonic()
        master = bench.start_master()
        serving = time.monotonic() - start
        # A line of counts may be older than the kill: by then no link was lost.
        emulated.wait_for(lambda counts: counts.get("links_lost", 0) >= lost + agents and
                          counts["registered"] == agents)
        registered = time.monotonic() - start
        while bench.metric("tasks_running") < tasks:
            time.sleep(0.05)
        full = time.monotonic() - start
        while spread.counts()["subscribed"] < FRAMEWORKS:
            time.sleep(0.02)
        frameworks = time.monotonic() - start
        seen = {"agents": agents, "tasks": tasks, "bytes_per_task": bytes_per_task,
                "serving_s": serving, "registered_s": registered,
                "full_state_s": full, "frameworks_s": frameworks,
                "peak_rss_mb": master.peak_bytes() / 1e6, "master_cpu_s": master.cpu_s(),
                "tasks_running": bench.metric("tasks_running"),
                "slaves_active": bench.metric("slaves_active"),
                "frameworks_active": bench.metric("frameworks_active"),
                "tasks_lost": bench.metric("tasks_lost")}
        say(f"  a running task takes {bytes_per_task:,.0f} bytes")
        say(f"  serves after {serving:.2f} s, all agents registered after {registered:.2f} s, full "
            f"state after {full:.2f} s, all frameworks after {frameworks:.2f} s; "
            f"{seen['tasks_running']:.0f} tasks run, {seen['tasks_lost']:.0f} lost; "
            f"peak {seen['peak_rss_mb']:.0f} MB, {seen['master_cpu_s']:.1f} s of CPU")
        return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=50_000)
    args = parser.parse_args()
    header(__doc__.split("\n\n")[0])
    result = facts()
    say("\nat once:")
    result.update(measure(args.agents, "200ms"))
    say("rolling:")
    result.update({"rolling_" + key: value
                   for key, value in measure(args.agents, "10secs").items()})
    finish(result)


if __name__ == "__main__":
    main()
