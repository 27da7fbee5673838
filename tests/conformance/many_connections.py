"""Ten thousand connections, by clients in processes of their own; and more than open files."""
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import SCHEDULER, Events, Raw, call, exchange, parse_json, request
from souk_cluster import SOUK, Node, check, equal, free_port, run_tests, wait_for

IDLE, STREAMS = 10_000, 1_000
LEAST_FILES = 12_000
KILOBYTES_EACH = 64  # of memory, at most
LOW_LIMIT = 128


# --- the clients


def raise_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        if hard < LEAST_FILES:
            hard = LEAST_FILES
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def idle_clients(port, count):
    """Connections that have asked once and are asked to ask again."""
    clients = [Raw(port) for _ in range(count)]
    alive = sum(each.ask(request("GET", "/health")).status == 200 for each in clients)
    print(f"open {alive}", flush=True)
    sys.stdin.readline()
    for each in clients:
        each.send(request("GET", "/health"))
    alive = sum(getattr(each.answer(), "status", 0) == 200 for each in clients)
    print(f"alive {alive}", flush=True)
    sys.stdin.readline()


def stream_clients(port, count):
    """Schedulers that are subscribed and hear heartbeats."""
    body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "many"}}}
    clients = [Events(port, SCHEDULER, body) for _ in range(count)]
    alive = sum(each.event("SUBSCRIBED") is not None for each in clients)
    print(f"open {alive}", flush=True)
    sys.stdin.readline()
    alive = sum(each.event("HEARTBEAT") is not None and each.event("HEARTBEAT") is not None
                for each in clients)
    print(f"alive {alive}", flush=True)
    sys.stdin.readline()


class Clients:
    """A process that runs one of the two above, step by step."""

    def __init__(self, kind, port, count):
        self.popen = subprocess.Popen([sys.executable, __file__, "--client", kind, str(port),
                                       str(count)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def next(self):
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()

    def heard(self, word):
        line = self.popen.stdout.readline().split()
        check(len(line) == 2 and line[0] == word, f"the clients said {line}, not '{word}'")
        return int(line[1])

    def end(self):
        self.popen.kill()
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()


# --- the tests


def resident(node):
    return int(Path(f"/proc/{node.pid}/status").read_text().split("VmRSS:")[1].split()[0])


def cpu_seconds(node):
    fields = Path(f"/proc/{node.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connections(node):
    text = exchange(node.port, request("GET", "/metrics")).text
    return float(re.search(r"^souk_http_connections (\S+)$", text, re.M).group(1))


def frameworks(node):
    return len(parse_json(exchange(node.port, request("GET", "/state")).body)["frameworks"])


def test_ten_thousand_connections(cluster):
    files = raise_limit()
    idle = min(IDLE, files - STREAMS - 500)
    check(idle > 0, f"a limit of {files} open files leaves nothing to test")
    if idle < IDLE:
        print(f"only {idle} idle connections: the limit of open files is {files}")
    node = cluster.master("--heartbeat_interval=1secs")
    before = resident(node)
    clients = []
    try:
        clients += [Clients("idle", node.port, idle // 2) for _ in range(2)]
        equal(sum(each.heard("open") for each in clients), idle // 2 * 2)
        with_idle = resident(node)
        clients.append(Clients("streams", node.port, STREAMS))
        equal(clients[2].heard("open"), STREAMS)
        with_streams = resident(node)
        check(connections(node) >= idle // 2 * 2 + STREAMS, "all are open at the same time")
        equal(frameworks(node), STREAMS)
        for _ in range(20):
            equal(exchange(node.port, request("GET", "/health")).status, 200)
        for each in clients:
            each.next()
        equal([each.heard("alive") for each in clients], [idle // 2, idle // 2, STREAMS])
    finally:
        for each in clients:
            each.end()
    print(f"resident: {before} KB at first, then {(with_idle - before) / idle:.2f} KB for each "
          f"idle connection and {(with_streams - with_idle) / STREAMS:.2f} KB for each scheduler")
    check(with_idle - before < idle * KILOBYTES_EACH, "memory of idle connections")
    check(with_streams - with_idle < STREAMS * KILOBYTES_EACH, "memory of streams")
    wait_for(lambda: connections(node) < 10, "the connections to be closed")
    wait_for(lambda: frameworks(node) == 0, "the frameworks to be gone")


def test_more_connections_than_open_files(cluster):
    port = free_port()
    limited = ["/bin/sh", "-c", f"ulimit -n {LOW_LIMIT} && exec \"$@\"", "sh", SOUK, "master",
               f"--port={port}",
               f"--work_dir={cluster.folder / 'low'}"]
    node = cluster.add(Node("low", cluster.folder, limited, port=port)).start()
    clients = [Raw(port)
               for _ in range(3 * LOW_LIMIT)]  # the kernel takes those that the master can't
    wait_for(lambda: "ulimit -n" in node.text(), "a line in the log")
    equal(clients[0].ask(request("GET", "/health")).status, 200, "those that are in are served")
    busy = cpu_seconds(node)
    time.sleep(2)
    check(cpu_seconds(node) - busy < 1, f"it spins: {cpu_seconds(node) - busy} s of CPU in 2 s")
    check(node.running(), "it lives")
    lines = node.text().count("ulimit -n")
    check(lines < 5, f"{lines} lines in the log")
    waiting = clients[-1]
    waiting.send(request("GET", "/health"))
    for each in clients[:-1]:
        each.close()
    equal(waiting.answer().status, 200, "who waited gets in when others leave")
    waiting.close()
    with Events(port, SCHEDULER, {"type": "SUBSCRIBE",
                                  "subscribe": {"framework_info": {"user": "root",
                                                                   "name": "after"}}}) as events:
        framework = events.event("SUBSCRIBED")["subscribed"]["framework_id"]
        body = {"type": "TEARDOWN", "framework_id": framework}
        equal(exchange(port, call(SCHEDULER, json.dumps(body).encode(),
                                  Mesos_Stream_Id=events.id)).status, 202)
    wait_for(lambda: connections(node) < 10, "the connections to be closed")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        raise_limit()
        {"idle": idle_clients, "streams": stream_clients}[sys.argv[2]](int(sys.argv[3]),
                                                                       int(sys.argv[4]))
        sys.exit(0)
    run_tests(globals())
