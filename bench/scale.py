"""§6.5 of the paper: what a framework that runs one 10 s task takes beyond those 10 s, on a cluster
of N agents with two slots each, of which 200 frameworks keep at least 90% busy with tasks of
N(30 s, 10 s). Agents and frameworks are emulated (souk emulate): real machines, real connections
over 127.0.0.0/8, tasks that are timers.

    ./dev bench scale [N...]         1000 5000 10000 20000 50000; about 4 minutes each
    ./dev bench scale --probes=60 --length=2s 1000     a short form, to see that it works
"""
import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from emulation import ROOT, Bench, facts, finish, header, say, slab_bytes

PAPER = {1000: 134, 50000: 748}  # ms, median; on 99 machines
FRAMEWORKS = 200
AT_ONCE = 20
# Of a life: offer, accept, launch, and of three updates the update, the event, the
# acknowledgement and its passing on.
MESSAGES_A_LIFE = 15


def measure(agents, probes, length):
    with Bench(agents) as bench:
        master = bench.start_master()
        time.sleep(1)
        rss, slab, cpu = master.rss_bytes(), slab_bytes(), master.cpu_s()
        emulated, registered_s = bench.agents()
        time.sleep(2)
        register_cpu = master.cpu_s() - cpu
        resident = (master.rss_bytes() - rss) / agents
        # Both ends of each connection are on this machine.
        kernel = max(slab_bytes() - slab, 0) / agents / 2
        cpu = master.cpu_s()
        time.sleep(5)
        idle_cpu = (master.cpu_s() - cpu) / 5 * 100
        spread, filled_s = bench.fill_slots(FRAMEWORKS)
        time.sleep(5)
        before, cpu, start = spread.counts(), master.cpu_s(), time.monotonic()
        prober = bench.emulate("frameworks", "probes", "--behavior=probe", f"--count={probes}",
                               f"--at_once={AT_ONCE}", f"--task_length={length}s", "--drain=30s",
                               f"--stagger={max(int(length * 1000 / AT_ONCE), 1)}ms")
        busy = []
        while prober.alive():
            busy.append(spread.counts()["running"] / (2 * agents))
            time.sleep(0.5)
        seconds, after = time.monotonic() - start, spread.counts()
        cpu = master.cpu_s() - cpu
        start = time.monotonic()
        bench.get("/metrics")
        metrics_ms = (time.monotonic() - start) * 1000
        seen = prober.result()
        lives = (after["finished"] - before["finished"] + seen["finished"]) / seconds
        return {
            "overhead_ms_p50": seen["overhead_ms_p50"], "overhead_ms_p99": seen["overhead_ms_p99"],
            "overhead_ms_max": seen["overhead_ms_p100"], "probes": seen["ended"],
            "probe_length_s": length, "slots_busy_percent": 100 * sum(busy) / len(busy),
            "slots_busy_percent_min": 100 * min(busy),
            "master_cpu_percent": 100 * cpu / seconds, "master_cpu_percent_idle": idle_cpu,
            "master_cpu_us_per_life": 1e6 * cpu / seconds / max(lives, 1e-9),
            "lives_per_s": lives, "messages_per_s": lives * MESSAGES_A_LIFE,
            "bytes_per_agent": resident + kernel, "resident_bytes_per_agent": resident,
            "kernel_bytes_per_agent": kernel, "master_rss_mb": master.rss_bytes() / 1e6,
            "master_peak_mb": master.peak_bytes() / 1e6, "io_threads": bench.io_threads,
            "registered_s": registered_s, "filled_s": filled_s,
            "register_cpu_us_per_agent": 1e6 * register_cpu / agents,
            "metrics_us_per_agent": 1e3 * metrics_ms / agents,
            "tasks_failed": after["failed"] + seen["failed"],
        }


def table(rows):
    say(f"\n{'agents':>7} {'p50 ms':>8} {'p99 ms':>8} {'paper':>6} {'busy':>6} {'CPU':>6} {'idle':>6} "
        f"{'lives/s':>8} {'us/life':>8} {'B/agent':>8} {'RSS MB':>7}")
    for agents, row in rows.items():
        say(f"{agents:>7} {row['overhead_ms_p50']:>8.1f} {row['overhead_ms_p99']:>8.1f} "
            f"{PAPER.get(agents, ''):>6} {row['slots_busy_percent']:>5.1f}% "
            f"{row['master_cpu_percent']:>5.1f}% {row['master_cpu_percent_idle']:>5.1f}% "
            f"{row['lives_per_s']:>8.0f} {row['master_cpu_us_per_life']:>8.1f} "
            f"{row['bytes_per_agent']:>8.0f} {row['master_rss_mb']:>7.0f}")


def allocator_cell(agents):
    """Of bench allocator, with 200 frameworks in a role, 75% of the pairs filtered."""
    path = ROOT / "bench/results/allocator.json"
    cells = json.loads(path.read_text())["cells"] if path.exists() else []
    for cell in cells:
        if (cell["agents"], cell["frameworks"], cell["roles"], cell["filtered_percent"]) == (
                agents, FRAMEWORKS, 1, 75):
            return {"freed_us": cell["freed_agent_us_p50"], "decline_us": cell["decline_us_p50"],
                    "pass_us": 1000 * cell["full_pass_ms"] / agents}
    return {}


def growth(rows):
    """Cost of an operation by size. log n grows by 1.57 from 1,000 to 50,000."""
    operations = {
        "a task's life, of the master's CPU (us)": lambda n: rows[n]["master_cpu_us_per_life"],
        "an agent that registers, of the master's CPU (us)":
            lambda n: rows[n]["register_cpu_us_per_agent"],
        "a freed agent, in the allocator (us)": lambda n: allocator_cell(n).get("freed_us"),
        "a decline, in the allocator (us)": lambda n: allocator_cell(n).get("decline_us"),
        "an agent in a pass over all, in the allocator (us)":
            lambda n: allocator_cell(n).get("pass_us"),
        "an agent and its tasks in a view and /metrics (us)":
            lambda n: rows[n]["metrics_us_per_agent"],
    }
    sizes = [n for n in (1000, 10_000, 50_000) if n in rows]
    say("\ncost of one operation" + " " * 29 + "".join(f"{n:>9}" for n in sizes) + "   growth")
    table = {}
    for name, cost in operations.items():
        costs = [cost(n) for n in sizes]
        if None in costs:
            continue
        table[name] = dict(zip(map(str, sizes), costs))
        say(f"{name:<50}" + "".join(f"{each:>9.1f}" for each in costs) +
            f"{costs[-1] / max(costs[0], 1e-9):>8.2f}x")
    return table


def plot(rows):
    """Overhead over agents, as a small picture beside the numbers."""
    width, height, left, bottom = 560, 320, 60, 40
    most = max([800.0] + [row["overhead_ms_p99"] for row in rows.values()])

    def x(agents):
        return left + (width - left - 20) * agents / 50_000

    def y(ms):
        return height - bottom - (height - bottom - 20) * ms / most

    def line(points, color, name, dashed=False):
        path = " ".join(f"{x(a):.1f},{y(v):.1f}" for a, v in points)
        style = 'stroke-dasharray="5 4"' if dashed else ""
        last = points[-1]
        return (f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" {style}/>'
                f'<text x="{x(last[0]) - 4:.0f}" y="{y(last[1]) - 6:.0f}" fill="{color}" '
                f'text-anchor="end">{name}</text>')

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>']
    for ms in range(0, int(most) + 1, 200):
        parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(ms):.0f}" y2="{y(ms):.0f}" '
                     f'stroke="#ddd"/><text x="{left - 6}" y="{y(ms) + 4:.0f}" '
                     f'text-anchor="end">{ms} ms</text>')
    for agents in (1000, 10_000, 20_000, 30_000, 40_000, 50_000):
        parts.append(f'<text x="{x(agents):.0f}" y="{height - 18}" text-anchor="middle">'
                     f'{agents // 1000}k</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 4}" text-anchor="middle">agents</text>')
    parts.append(line(sorted(PAPER.items()), "#c33", "the paper, median (99 machines)", True))
    for key, color, name in (("overhead_ms_p99", "#88b", "Souk, p99 (2 cores)"),
                             ("overhead_ms_p50", "#336", "Souk, median")):
        parts.append(line([(a, row[key]) for a, row in sorted(rows.items())], color, name))
    parts.append("</svg>")
    out = ROOT / "bench/results/scale.svg"
    out.parent.mkdir(exist_ok=True)
    out.write_text("\n".join(parts) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agents", nargs="*", type=int, default=[1000, 5000, 10_000, 20_000, 50_000])
    parser.add_argument("--probes", type=int, default=300)
    parser.add_argument("--length", type=lambda text: float(text.rstrip("s")), default=10.0)
    args = parser.parse_args()
    header(__doc__.split("\n\n")[0])
    result, rows = facts(), {}
    for agents in args.agents:
        say(f"\n{agents} agents ...")
        rows[agents] = measure(agents, args.probes, args.length)
        table({agents: rows[agents]})
    table(rows)
    result["growth"] = growth(rows)
    plot(rows)
    result["paper_ms"] = {str(agents): ms for agents, ms in PAPER.items()}
    result.update({str(agents): row for agents, row in rows.items()})
    finish(result)


if __name__ == "__main__":
    main()
