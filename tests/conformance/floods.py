"""Schedulers and agents that send as much as they can: they hold nobody else up, and what the master
keeps for them is bounded."""
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import (SCHEDULER, Events, Raw, call, decode, exchange, message, parse_json, pb_scalar,
                      request, watched)
from souk_cluster import check, equal, run_tests, wait_for

BOUND = 1 << 20
CUT_OFF = "cut off a client that does not read"
RUNNING = 1  # of TaskState


def set_up(cluster):
    cluster.node_ = cluster.local("--agents=2", "--resources=cpus:2;mem:512",
                                  f"--max_stream_buffer_bytes={BOUND}")
    cluster.port = cluster.node_.port
    cluster.main = cluster.scheduler(port=cluster.port, name="main")
    cluster.number = 0


def others_go_on(cluster, times=3):
    for _ in range(times):
        cluster.number += 1
        name = f"meanwhile-{cluster.number}"
        cluster.main.run(name, "true")
        equal(cluster.main.wait_terminal(name)["state"], "TASK_FINISHED")


def agents(cluster):
    slaves = parse_json(exchange(cluster.port, request("GET", "/slaves")).body)["slaves"]
    return {each["hostname"]: each for each in slaves}


class Link(Raw):
    """An agent's, by hand."""

    def __init__(self, port, hostname, **more):
        super().__init__(port, **more)
        self.send(request("GET", "/souk/v1/link", Connection="Upgrade", Upgrade="souk-link"))
        equal(self.head().status, 101)
        self.say(1, (1, 1), (2, 1), (3, "test"))
        agent = message((2, hostname), (3, "127.0.0.1"), (4, 1), (5, pb_scalar("mem", 32)))
        self.say(2, (1, agent))
        self.id = self.hear(4)[1][0].decode()

    @staticmethod
    def frame(kind, *fields):
        body = message((kind, message(*fields)))
        return struct.pack(">I", len(body)) + body

    def say(self, kind, *fields):
        return self.send(self.frame(kind, *fields))

    def hear(self, kind):
        """The next message of that kind; None: the link has ended."""
        while (length := self.bytes(4)) is not None:
            frame = self.bytes(struct.unpack(">I", length)[0])
            if frame is None:
                return None
            fields = decode(frame)
            if kind in fields:
                return decode(fields[kind][0])
        return None

    def updates(self, first, count):
        """Of tasks of a framework that nobody knows: the master acknowledges each."""
        frames = []
        for number in range(first, first + count):
            status = message((1, f"t{number}"), (2, RUNNING), (6, self.id),
                             (9, struct.pack(">QQ", 0, number)))
            frames.append(self.frame(3, (1, "nobody"), (2, status), (3, RUNNING)))
        return b"".join(frames)


def test_an_agent_that_floods_is_answered_and_others_too(cluster):
    count = 20_000
    with Link(cluster.port, "flood") as link:
        sender = threading.Thread(target=lambda: link.send(link.updates(0, count)))
        sender.start()
        others_go_on(cluster)
        for number in range(count):
            equal(link.hear(10)[2][0], f"t{number}".encode(), "acknowledged in their order")
        sender.join()
        check(agents(cluster)["flood"]["active"], "it is an agent like others")
    wait_for(lambda: not agents(cluster)["flood"]["active"], "its link to be gone")


def test_an_agent_that_floods_and_does_not_read_is_cut_off(cluster):
    check(CUT_OFF not in cluster.node_.text(), "nobody yet")
    with Link(cluster.port, "deaf", patience=5, receive_buffer=4096) as link:
        sent = 0
        try:
            while sent < 1_000_000 and link.send(link.updates(sent, 1000)):
                sent += 1000
        except TimeoutError:
            pass
        check(sent < 1_000_000, "never cut off")
        others_go_on(cluster)
    wait_for(lambda: not agents(cluster)["deaf"]["active"], "its link to be cut off")
    wait_for(lambda: CUT_OFF in cluster.node_.text(), "a line in the log")
    others_go_on(cluster)


def test_frameworks_that_decline_everything_at_once(cluster):
    """Each on and on: what they decline reaches the others all the same."""
    failures, declined = [], [0] * 10
    stop = threading.Event()

    def decline_on(me):
        try:
            body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {
                "user": "root", "name": f"decliner-{me}"}}}
            with Events(cluster.port, SCHEDULER, body) as events, Raw(cluster.port) as calls:
                framework = events.event("SUBSCRIBED")["subscribed"]["framework_id"]
                while not stop.is_set():
                    offers = events.event("OFFERS")["offers"]["offers"]
                    answer = {"type": "DECLINE", "framework_id": framework,
                              "decline": {"offer_ids": [each["id"] for each in offers],
                                          "filters": {"refuse_seconds": 0}}}
                    equal(calls.ask(call(SCHEDULER, answer, Mesos_Stream_Id=events.id)).status, 202)
                    declined[me] += 1
                end = {"type": "TEARDOWN", "framework_id": framework}
                equal(calls.ask(call(SCHEDULER, end, Mesos_Stream_Id=events.id)).status, 202)
        except Exception as failure:
            failures.append(repr(failure))

    threads = [threading.Thread(target=decline_on, args=(each,)) for each in range(len(declined))]
    def main_declines_too():
        offers = list(cluster.main.offers.values())
        if offers:
            cluster.main.decline(*offers)

    def declined_more(than):
        main_declines_too()
        return failures or all(now > before for now, before in zip(declined, than))

    cluster.main.call("SUPPRESS")
    for thread in threads:
        thread.start()
    wait_for(lambda: declined_more([0] * len(declined)), "each to have declined something")
    cluster.main.call("REVIVE")
    others_go_on(cluster)
    cluster.main.call("SUPPRESS")
    before = list(declined)
    wait_for(lambda: declined_more(before), "each to decline more")
    stop.set()
    wait_for(lambda: main_declines_too() or not any(each.is_alive() for each in threads),
             "them to end")
    equal(failures, [])
    cluster.main.call("REVIVE")


def test_calls_without_end_of_one_scheduler(cluster):
    """Pipelined, and their answers are not read: they wait in its own socket."""
    body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "talker"},
                                               "suppressed_roles": ["*"]}}
    with Events(cluster.port, SCHEDULER, body) as events:
        framework = events.event("SUBSCRIBED")["subscribed"]["framework_id"]
        calls = call(SCHEDULER, {"type": "SUPPRESS", "framework_id": framework},
                     Mesos_Stream_Id=events.id) * 1000
        with Raw(cluster.port, patience=1, receive_buffer=4096) as talker:
            end = time.monotonic() + 3
            try:
                while time.monotonic() < end and talker.send(calls):
                    pass
            except TimeoutError:
                pass
            others_go_on(cluster)
        end = {"type": "TEARDOWN", "framework_id": framework}
        equal(exchange(cluster.port, call(SCHEDULER, end, Mesos_Stream_Id=events.id)).status, 202)


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
