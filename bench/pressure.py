"""Back-pressure: what others notice when one client misbehaves. Probes (one task of 500 ms each) run
on N agents (2,000), of which 50 frameworks keep most slots busy, first undisturbed, then besides each
of: a scheduler that does not read its events, frameworks that decline everything at once, 10,000
schedulers that subscribe together, a client that floods a link with what is no frame of an agent.

Launch is from ACCEPT to TASK_RUNNING, what the others notice of the master; overhead adds the wait
for an offer, which with all slots busy is that for a task that ends. The master has one core and all
else the other: a client that burns the emulators' core slows the probes too. So each row names the
master's CPU.

    ./dev bench pressure [--agents=2000]      about 4 minutes
"""
import argparse
import json
import socket
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from emulation import Bench, facts, finish, header, say


def probe(bench, name, count=300):
    cpu, start = bench.master.cpu_s(), time.monotonic()
    seen = bench.emulate("frameworks", name, "--behavior=probe", f"--count={count}", "--at_once=10",
                         "--stagger=50ms", "--task_length=500ms").result()
    return {"launch_ms_p50": seen["launch_ms_p50"], "launch_ms_p99": seen["launch_ms_p99"],
            "overhead_ms_p50": seen["overhead_ms_p50"], "overhead_ms_p99": seen["overhead_ms_p99"],
            "ended": seen["ended"], "failed": seen["failed"],
            "master_cpu_percent": 100 * (bench.master.cpu_s() - cpu) / (time.monotonic() - start),
            "master_rss_mb": bench.master.rss_bytes() / 1e6}


def deaf_scheduler(bench):
    """Subscribes, and never reads: its offers go stale, its buffer is bounded."""
    body = json.dumps({"type": "SUBSCRIBE", "subscribe": {"framework_info": {
        "user": "root", "name": "deaf"}}})
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", bench.port))
    deaf.sendall((f"POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
    return deaf.close


def decline_storm(bench):
    storm = bench.emulate("frameworks", "storm", "--behavior=decline", "--count=20", "--drain=0s")
    return storm.kill


def subscribers(bench):
    crowd = bench.emulate("frameworks", "crowd", "--behavior=idle", "--count=10000", "--drain=0s")
    return crowd.kill


def flooding_agent(bench):
    """An agent's link with frames of a Pong, as fast as they go, from one that never registered."""
    stop = threading.Event()

    def flood():
        frame = struct.pack(">I", 2) + b"\x32\x00"
        while not stop.is_set():
            try:
                link = socket.create_connection(("127.0.0.1", bench.port))
                link.sendall(b"GET /souk/v1/link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                             b"Upgrade: souk-link\r\n\r\n")
                link.recv(4096)
                while not stop.is_set():
                    link.sendall(frame * 4000)
            except OSError:
                time.sleep(0.01)

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()

    def end():
        stop.set()
        thread.join(5)
    return end


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=2000)
    args = parser.parse_args()
    header(__doc__.split("\n\n")[0])
    result = {**facts(), "agents": args.agents}
    with Bench(args.agents) as bench:
        bench.start_master()
        bench.agents()
        bench.fill_slots(50, part=0.8)
        time.sleep(60)  # until they do not end all together any more
        say(f"\n{'besides':<20} {'launch ms':>9} {'p99':>6} {'overhead':>9} {'p99':>6} "
            f"{'master CPU':>11} {'RSS MB':>8}")
        for name, begin in (("nothing", None), ("deaf_scheduler", deaf_scheduler),
                            ("decline_storm", decline_storm), ("subscribers_10000", subscribers),
                            ("flooding_link", flooding_agent), ("nothing_again", None)):
            end = begin(bench) if begin else None
            seen = probe(bench, name)
            if end:
                end()
            time.sleep(2)
            result[name] = seen
            say(f"{name:<20} {seen['launch_ms_p50']:>9.1f} {seen['launch_ms_p99']:>6.1f} "
                f"{seen['overhead_ms_p50']:>9.1f} {seen['overhead_ms_p99']:>6.1f} "
                f"{seen['master_cpu_percent']:>10.0f}% {seen['master_rss_mb']:>8.0f}")
    finish(result)


if __name__ == "__main__":
    main()
