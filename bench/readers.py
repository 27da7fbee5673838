"""Readers of a large cluster: how long /state, GET_STATE and /metrics take at N agents (50,000) with
two tasks each that come and go, and what it does to others: the overhead of short tasks (probes of
1 s) without any reader, with 20 that read on and on, and with 20 that listen to the stream of events
(SUBSCRIBE). Another reader asks for /state and does not read, and one listens and does not read: what
the master holds for them is bounded.

    ./dev bench readers [--agents=50000]      about 6 minutes
"""
import argparse
import json
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from emulation import Bench, facts, finish, header, say

FRAMEWORKS = 200
READERS = 20
TYPES = ("application/json", "application/x-protobuf")


def get_state(content_type):
    body = json.dumps({"type": "GET_STATE"})
    return {"path": "/api/v1", "method": "POST", "body": body,
            "headers": {"Content-Type": "application/json", "Accept": content_type}}


DOCUMENTS = {
    "state": {"path": "/state"},
    "state_summary": {"path": "/state-summary"},
    "get_state_json": get_state("application/json"),
    "get_state_protobuf": get_state("application/x-protobuf"),
    "metrics": {"path": "/metrics"},
    "metrics_snapshot": {"path": "/metrics/snapshot"},
}


def read_on(bench, documents, stop, answers):
    while not stop.is_set():
        for request in documents:
            if stop.is_set():
                return
            try:
                status, _ = bench.get(**request)
            except OSError:
                status = 0
            answers.append(status)


class Listener(threading.Thread):
    """Reads an operator's stream and counts its bytes: to parse them all would take the core of those
    that are emulated."""

    def __init__(self, port, content_type, reads=True):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.reads = reads
        self.start_time = time.monotonic()
        self.first_s, self.first_bytes, self.bytes, self.ended = None, 0, 0, False
        body = b'{"type":"SUBSCRIBE"}'
        self.socket.sendall(b"POST /api/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                            b"Accept: %s\r\nContent-Length: %d\r\n\r\n%s"
                            % (content_type.encode(), len(body), body))

    def run(self):
        while not self.reads:
            time.sleep(1)
        data, wanted = b"", None
        try:
            while piece := self.socket.recv(1 << 20):
                self.bytes += len(piece)
                if self.first_s is not None:
                    continue
                if wanted is None:  # where the first chunk ends
                    data += piece
                    head = data.find(b"\r\n\r\n")
                    end = data.find(b"\r\n", head + 4)
                    if head < 0 or end < 0:
                        continue
                    self.first_bytes = int(data[head + 4:end], 16)
                    wanted = end + 2 + self.first_bytes
                if self.bytes >= wanted:
                    self.first_s = time.monotonic() - self.start_time
        except OSError:
            pass
        self.ended = True


def listen(bench, result):
    """READERS listeners, half of them in each encoding, while probes run."""
    listeners = [Listener(bench.port, TYPES[i % 2]) for i in range(READERS)]
    for each in listeners:
        each.start()
    while any(each.first_s is None and not each.ended for each in listeners):
        time.sleep(0.1)
    cpu, before, start = bench.master.cpu_s(), sum(each.bytes for each in listeners), time.monotonic()
    heard = overhead(bench, "heard")
    took = time.monotonic() - start
    result.update({
        "overhead_listened_ms_p50": heard["overhead_ms_p50"],
        "overhead_listened_ms_p99": heard["overhead_ms_p99"],
        "listeners": READERS, "listeners_cut_off": sum(each.ended for each in listeners),
        "subscribed_s_max": max(each.first_s or 0 for each in listeners),
        "subscribed_json_mb": listeners[0].first_bytes / 1e6,
        "subscribed_protobuf_mb": listeners[1].first_bytes / 1e6,
        "listened_mb_per_s": (sum(each.bytes for each in listeners) - before) / took / 1e6,
        "listened_master_cpu_percent": (bench.master.cpu_s() - cpu) / took * 100})
    silent = Listener(bench.port, TYPES[0], reads=False)
    rss, most = bench.master.rss_bytes(), 0
    for _ in range(150):
        most = max(most, bench.master.rss_bytes())
        time.sleep(0.2)
    result["silent_listener_mb"] = (most - rss) / 1e6
    for each in listeners + [silent]:
        each.socket.close()


def overhead(bench, name, count=200):
    probes = bench.emulate("frameworks", name, "--behavior=probe", f"--count={count}",
                           "--at_once=20", "--stagger=50ms", "--task_length=1s")
    return probes.result()


def one_that_does_not_read(bench, seconds):
    """Asks for /state again and again on connections of its own; the master's memory meanwhile."""
    before = bench.master.rss_bytes()
    held = []
    most = before
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if len(held) < 50:
            silent = socket.create_connection(("127.0.0.1", bench.port))
            silent.sendall(b"GET /state HTTP/1.1\r\nHost: x\r\n\r\n")
            held.append(silent)
        most = max(most, bench.master.rss_bytes())
        time.sleep(0.2)
    for silent in held:
        silent.close()
    return (most - before) / 1e6, len(held)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=50_000)
    args = parser.parse_args()
    header(__doc__.split("\n\n")[0])
    result = {**facts(), "agents": args.agents, "tasks": 2 * args.agents}
    with Bench(args.agents) as bench:
        bench.start_master()
        bench.agents()
        bench.fill_slots(FRAMEWORKS)
        time.sleep(5)
        quiet = overhead(bench, "quiet")
        documents = []
        for name, request in DOCUMENTS.items():
            start = time.monotonic()
            status, body = bench.get(**request)
            took = time.monotonic() - start
            if status == 501:
                say(f"  {name:<20} is not there yet")
                continue
            documents.append(request)
            result[f"{name}_ms"], result[f"{name}_mb"] = took * 1000, len(body) / 1e6
            say(f"  {name:<20} {took * 1000:8.0f} ms {len(body) / 1e6:8.1f} MB  ({status})")
            del body
        stop, answers = threading.Event(), []
        # In processes of their own it would be the same for the master; here they cost one.
        threads = [threading.Thread(target=read_on, daemon=True, args=(
            bench, documents[i % len(documents):] + documents, stop, answers))
            for i in range(READERS)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        read = overhead(bench, "read")
        stop.set()
        for thread in threads:
            thread.join(150)
        rss = bench.master.rss_bytes() / 1e6
        silent_mb, silent = one_that_does_not_read(bench, 30)
        listen(bench, result)
        result.update({
            "overhead_ms_p50": quiet["overhead_ms_p50"], "overhead_ms_p99": quiet["overhead_ms_p99"],
            "overhead_read_ms_p50": read["overhead_ms_p50"],
            "overhead_read_ms_p99": read["overhead_ms_p99"], "readers": READERS,
            "answers": len(answers), "answers_not_200": sum(each != 200 for each in answers),
            "master_rss_mb": rss, "silent_readers": silent, "silent_readers_mb": silent_mb})
    say(f"\noverhead of a 1 s task: {result['overhead_ms_p50']:.0f} ms (p99 "
        f"{result['overhead_ms_p99']:.0f}) undisturbed, {result['overhead_read_ms_p50']:.0f} ms (p99 "
        f"{result['overhead_read_ms_p99']:.0f}) with {READERS} readers, who got {len(answers)} "
        f"answers ({result['answers_not_200']} not 200)")
    say(f"{READERS} that listen: {result['overhead_listened_ms_p50']:.0f} ms (p99 "
        f"{result['overhead_listened_ms_p99']:.0f}); SUBSCRIBED {result['subscribed_json_mb']:.0f} MB of "
        f"JSON, {result['subscribed_protobuf_mb']:.0f} MB of protobuf, after at most "
        f"{result['subscribed_s_max']:.1f} s; {result['listened_mb_per_s']:.1f} MB/s in all, master at "
        f"{result['listened_master_cpu_percent']:.0f}% CPU, {result['listeners_cut_off']} cut off")
    say(f"{silent} readers of /state that do not read: {silent_mb:.0f} MB; one that listens and does not "
        f"read: {result['silent_listener_mb']:.0f} MB")
    finish(result)


if __name__ == "__main__":
    main()
