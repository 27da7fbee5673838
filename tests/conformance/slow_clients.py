"""Clients that are slow, half there, or gone: they hold nobody up, and cost bounded memory."""
import json
import socket
import struct
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import JSON, SCHEDULER, Events, Raw, call, exchange, request, watched
from souk_cluster import check, equal, run_tests, wait_for

BOUND = 1 << 20
INFO = {"user": "root", "name": "slow", "capabilities": [{"type": "PARTITION_AWARE"}]}
CUT_OFF = "cut off a client that does not read"


def set_up(cluster):
    cluster.node_ = cluster.local("--agents=2", "--resources=cpus:2;mem:512",
                                  "--heartbeat_interval=1secs",
                                  f"--max_stream_buffer_bytes={BOUND}")
    cluster.port = cluster.node_.port
    cluster.main = cluster.scheduler(port=cluster.port, name="main")
    cluster.number = 0


def subscribe(**info):
    return {"type": "SUBSCRIBE", "subscribe": {"framework_info": {**INFO, **info},
                                               "suppressed_roles": ["*"]}}


def framework_of(events):
    return events.event("SUBSCRIBED")["subscribed"]["framework_id"]


def connected(cluster):
    return {each["id"] for each in cluster.node_.state()["frameworks"] if each["connected"]}


def others_go_on(cluster):
    cluster.number += 1
    name = f"meanwhile-{cluster.number}"
    cluster.main.run(name, "true")
    equal(cluster.main.wait_terminal(name)["state"], "TASK_FINISHED")


def reconcile(cluster, framework, stream, tasks):
    """As many updates as tasks, at once."""
    body = {"type": "RECONCILE", "framework_id": framework,
            "reconcile": {"tasks": [{"task_id": {"value": each}} for each in tasks]}}
    return exchange(cluster.port, call(SCHEDULER, body, Mesos_Stream_Id=stream)).status


def test_half_open_clients(cluster):
    whole = call(SCHEDULER, subscribe())
    beginnings = (b"", b"P", whole[:30], whole[:whole.index(b"\r\n\r\n") + 4], whole[:-1],
                  request("POST", SCHEDULER, Content_Type=JSON, Transfer_Encoding="chunked") +
                  b"ff\r\nab")
    clients = [Raw(cluster.port) for _ in range(300)]
    for at, client in enumerate(clients):
        client.send(beginnings[at % len(beginnings)])
    for _ in range(3):
        others_go_on(cluster)
    for client in clients[4::len(beginnings)]:  # these lack one byte only
        client.send(whole[-1:])
        equal(client.head().status, 200)
    for client in clients:
        client.close()
    wait_for(lambda: connected(cluster) == {cluster.main.id}, "the others to be gone")


def test_a_client_that_sends_byte_by_byte(cluster):
    whole = call(SCHEDULER, subscribe())
    with Raw(cluster.port) as raw:
        for at in range(len(whole)):
            raw.send(whole[at:at + 1])
            if at == len(whole) // 2:
                others_go_on(cluster)
        equal(raw.head().status, 200)


def test_a_client_that_asks_and_never_reads(cluster):
    """Its answers have a bound too: the rest of its requests waits in its own socket."""
    with Raw(cluster.port, patience=2, receive_buffer=4096) as raw:
        ask = request("GET", "/state") * 2000
        try:
            for _ in range(1000):
                if not raw.send(ask):
                    break
        except TimeoutError:
            pass
        others_go_on(cluster)
        status = Path(f"/proc/{cluster.node_.pid}/status").read_text()
        resident = status.split("VmRSS:")[1].split()[0]
        check(int(resident) < 500_000, f"{resident} KB resident")


def test_a_reader_that_is_slow_gets_everything(cluster):
    with Events(cluster.port, SCHEDULER, subscribe(), receive_buffer=4096) as events:
        framework = framework_of(events)
        names = [f"{n}-" + "x" * 90 for n in range(1000)]
        equal(reconcile(cluster, framework, events.id, names), 202)
        others_go_on(cluster)
        for name in names:
            equal(events.event("UPDATE")["update"]["status"]["task_id"]["value"], name)


def test_a_reader_that_does_not_read_is_cut_off(cluster):
    check(CUT_OFF not in cluster.node_.text(), "nobody yet")
    with Events(cluster.port, SCHEDULER, subscribe(name="deaf"), receive_buffer=4096) as events:
        framework = framework_of(events)
        names = [f"{n}-" + "x" * 1000 for n in range(5000)]
        statuses = []
        while len(statuses) < 20 and statuses[-1:] in ([], [202]):
            statuses.append(reconcile(cluster, framework, events.id, names))
        check(statuses[-1] in (400, 403), f"never cut off: {statuses}")
        wait_for(lambda: framework["value"] not in connected(cluster),
                 "the master to have cut it off")
        others_go_on(cluster)
        read = 0
        while events.record() is not None:
            read += 1
        check(read < 5000 * len(statuses), "not everything was kept for it")
    wait_for(lambda: CUT_OFF in cluster.node_.text(), "a line in the log")
    metrics = exchange(cluster.port, request("GET", "/metrics")).text
    check("\nsouk_http_cut_off_total 1\n" in metrics, "the metric")


def test_clients_that_vanish(cluster):
    for rude in (False, True):
        clients = [Events(cluster.port, SCHEDULER, subscribe()) for _ in range(50)]
        wait_for(lambda: len(connected(cluster)) == 51, "all to be connected")
        for client in clients:
            if rude:  # a reset instead of an end
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                         struct.pack("ii", 1, 0))
            client.close()
        wait_for(lambda: connected(cluster) == {cluster.main.id}, "all to be gone")
        others_go_on(cluster)


def test_200_schedulers_at_once(cluster):
    cluster.main.call("SUPPRESS")
    cluster.main.decline(*cluster.main.offers.values())
    failures, start = [], threading.Barrier(200)

    def life():
        try:
            start.wait()
            body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": INFO}}
            with Events(cluster.port, SCHEDULER, body) as events:
                framework = framework_of(events)
                offers = events.event("OFFERS")["offers"]["offers"]
                answers = {"DECLINE": {"offer_ids": [each["id"] for each in offers],
                                       "filters": {"refuse_seconds": 3600}}}
                for kind, part in {**answers, "TEARDOWN": None}.items():
                    made = {"type": kind, "framework_id": framework, kind.lower(): part}
                    equal(exchange(cluster.port, call(SCHEDULER, json.dumps(made).encode(),
                                                      Mesos_Stream_Id=events.id)).status, 202)
        except Exception as failure:
            failures.append(repr(failure))

    threads = [threading.Thread(target=life) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(failures, [])
    cluster.main.call("REVIVE")
    others_go_on(cluster)


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
