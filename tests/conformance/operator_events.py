"""SUBSCRIBE of the operator API: what is there, and then all that happens, to everybody who listens
and reads."""
import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import JSON, PROTOBUF, Events, call, exchange, message, parse_json, refused, watched
from proto_table import to_json
from souk_cluster import check, equal, run_tests, wait_for

API = "/api/v1"
SUBSCRIBE = {"type": "SUBSCRIBE"}
BOUND = 1 << 20
MOST = 30


def set_up(cluster):
    flags = ("--heartbeat_interval=1secs", "--agent_ping_timeout=1secs",
             "--max_agent_ping_timeouts=2", "--offer_timeout=1secs", f"--max_stream_buffer_bytes={BOUND}",
             f"--max_operator_event_stream_subscribers={MOST}")
    cluster.node_, _ = cluster.pair(*flags)
    cluster.port = cluster.node_.port
    cluster.main = cluster.scheduler(name="main")
    cluster.number = 0


def subscribe(cluster, accept=JSON, **more):
    return Events(cluster.port, API, SUBSCRIBE, accept=accept, **more)


def run_one(cluster, command="true"):
    cluster.number += 1
    name = f"task-{cluster.number}"
    cluster.main.run(name, command)
    return name


def as_json(record, binary):
    return to_json(record, "mesos.v1.master.Event") if binary else parse_json(record)


class Model:
    """What a reader makes of the stream: the latest of each task, agent and framework."""

    def __init__(self, events):
        self.events = events
        first = self.next()
        equal(first["type"], "SUBSCRIBED")
        self.interval = first["subscribed"]["heartbeat_interval_seconds"]
        state = first["subscribed"]["get_state"]
        self.first = state
        self.tasks, self.agents, self.frameworks = {}, {}, {}
        for task in state["get_tasks"].get("tasks", []):
            self.tasks[task["task_id"]["value"]] = task["state"]
        for agent in state["get_agents"].get("agents", []):
            self.agents[agent["agent_info"]["id"]["value"]] = agent
        for framework in state["get_frameworks"].get("frameworks", []):
            self.frameworks[framework["framework_info"]["id"]["value"]] = framework

    def next(self):
        record = self.events.record()
        check(record is not None, "the stream has ended")
        return as_json(record, self.events.binary)

    def until(self, kind, condition=lambda body: True):
        """The bodies of all events on the way, with their types; the last is the wanted one."""
        seen = []
        while True:
            event = self.next()
            body = event.get(event["type"].lower(), {})
            self.apply(event["type"], body)
            seen.append((event["type"], body))
            if event["type"] == kind and condition(body):
                return seen

    def apply(self, kind, body):
        if kind == "TASK_ADDED":
            self.tasks[body["task"]["task_id"]["value"]] = body["task"]["state"]
        elif kind == "TASK_UPDATED":
            self.tasks[body["status"]["task_id"]["value"]] = body["state"]
        elif kind == "AGENT_ADDED":
            self.agents[body["agent"]["agent_info"]["id"]["value"]] = body["agent"]
        elif kind == "AGENT_REMOVED":
            del self.agents[body["agent_id"]["value"]]
        elif kind in ("FRAMEWORK_ADDED", "FRAMEWORK_UPDATED"):
            self.frameworks[body["framework"]["framework_info"]["id"]["value"]] = body["framework"]
        elif kind == "FRAMEWORK_REMOVED":
            del self.frameworks[body["framework_info"]["id"]["value"]]


def states_of(seen, name):
    """What is said of one task, in order, as (kind of event, state)."""
    states = []
    for kind, body in seen:
        if kind == "TASK_ADDED" and body["task"]["task_id"]["value"] == name:
            states.append((kind, body["task"]["state"]))
        elif kind == "TASK_UPDATED" and body["status"]["task_id"]["value"] == name:
            states.append((kind, body["status"]["state"]))
    return states


def is_end_of(name):
    """Its last status: `state` may be ahead of that."""
    return lambda body: body["status"]["task_id"]["value"] == name and \
        body["status"]["state"] in ("TASK_FINISHED", "TASK_KILLED", "TASK_FAILED")


def test_the_head_and_the_first_events(cluster):
    for accept in (JSON, PROTOBUF):
        with subscribe(cluster, accept) as events:
            equal(events.opened.status, 200)
            equal(events.opened.header("Content-Type"), accept)
            equal(events.opened.header("Transfer-Encoding"), "chunked")
            model = Model(events)
            equal(model.interval, 1.0)
            check(cluster.main.id in model.frameworks, "the framework")
            equal(len(model.agents), 1)
            equal([kind for kind, _ in model.until("HEARTBEAT")], ["HEARTBEAT"])
            model.until("HEARTBEAT")  # a second later


def test_in_protobuf_too(cluster):
    body = message((1, 18))
    with Events(cluster.port, API, body, PROTOBUF, PROTOBUF) as events:
        equal(events.opened.status, 200)
        model = Model(events)
        state = parse_json(exchange(cluster.port, call(API, {"type": "GET_STATE"})).body)
        equal(model.first["get_agents"], state["get_state"]["get_agents"])


def test_a_tasks_whole_life(cluster):
    with subscribe(cluster) as plain, subscribe(cluster, PROTOBUF) as binary:
        models = [Model(plain), Model(binary)]
        name = run_one(cluster)
        for model in models:
            seen = model.until("TASK_UPDATED", is_end_of(name))
            equal(states_of(seen, name),
                  [("TASK_ADDED", "TASK_STAGING"), ("TASK_UPDATED", "TASK_STARTING"),
                   ("TASK_UPDATED", "TASK_RUNNING"), ("TASK_UPDATED", "TASK_FINISHED")])
            task = next(body for kind, body in seen if kind == "TASK_ADDED")["task"]
            equal((task["name"], task["framework_id"]["value"]), (name, cluster.main.id))
            update = seen[-1][1]
            equal(update["framework_id"]["value"], cluster.main.id)
            order = ("TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED")
            for kind, body in seen:
                if kind == "TASK_UPDATED" and body["status"]["task_id"]["value"] == name:
                    check(order.index(body["state"]) >= order.index(body["status"]["state"]),
                          f"{body}")
            equal(update["state"], "TASK_FINISHED")
            check("uuid" in update["status"] and "agent_id" in update["status"], f"{update}")


def test_a_view_and_what_follows_are_without_a_gap(cluster):
    """Many subscribe while tasks come and go: each ends up with the same."""
    names, failures = [], []

    def listen(number):
        try:
            with subscribe(cluster, PROTOBUF if number % 2 else JSON) as events:
                model = Model(events)
                known = {each["task_id"]["value"] for each in
                         model.first["get_tasks"].get("completed_tasks", [])}
                model.until("TASK_UPDATED", is_end_of("last"))
                for name in names:
                    ended = model.tasks.get(name) == "TASK_FINISHED" or name in known
                    check(ended, f"{name} is {model.tasks.get(name)} to number {number}")
        except Exception as failure:
            failures.append(repr(failure))

    threads = []
    for number in range(20):
        threads.append(threading.Thread(target=listen, args=(number,)))
        threads[-1].start()
        names.append(run_one(cluster))
    for name in names:
        cluster.main.wait_terminal(name)
    wait_for(lambda: metric(cluster, "souk_http_connections") >= 20, "all to be there")
    cluster.main.run("last", "sleep 2")
    for thread in threads:
        thread.join()
    equal(failures, [])


def metric(cluster, name):
    text = cluster.node_.request("GET", "/metrics")[1].decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


def test_frameworks_come_and_go(cluster):
    with subscribe(cluster) as events:
        model = Model(events)
        other = cluster.scheduler(name="other", failover_timeout=60)
        body = model.until("FRAMEWORK_ADDED")[-1][1]
        equal((body["framework"]["framework_info"]["name"], body["framework"]["active"]),
              ("other", True))
        other.disconnect()
        body = model.until("FRAMEWORK_UPDATED")[-1][1]
        equal((body["framework"]["active"], body["framework"]["connected"]), (False, False))
        other.subscribe()
        check(model.until("FRAMEWORK_UPDATED")[-1][1]["framework"]["active"], "back")
        other.run("with-it", "sleep 1000")
        other.wait_status("with-it", "TASK_RUNNING")
        other.call("TEARDOWN")
        seen = model.until("FRAMEWORK_REMOVED")
        equal(seen[-1][1]["framework_info"]["id"]["value"], other.id)
        equal(states_of(seen, "with-it")[-1], ("TASK_UPDATED", "TASK_KILLED"))
        check(other.id not in model.frameworks, "gone")


def test_agents_come_and_go(cluster):
    with subscribe(cluster) as events:
        model = Model(events)
        agent = cluster.agent(name="second")
        added = model.until("AGENT_ADDED")[-1][1]["agent"]
        equal((added["agent_info"]["hostname"], added["agent_info"]["id"]["value"],
               added["active"]), ("second", agent.id, True))
        cluster.main.run("lost", "sleep 1000", agent=agent.id)
        cluster.main.wait_status("lost", "TASK_RUNNING")
        agent.kill()
        seen = model.until("AGENT_REMOVED")
        equal(seen[-1][1]["agent_id"]["value"], agent.id)
        equal(states_of(seen, "lost")[-1], ("TASK_UPDATED", "TASK_UNREACHABLE"))
        equal(len(model.agents), 1)


def fill_until(cluster, done):
    """Fills the streams: frameworks that come and go with long names."""
    for number in range(3000):
        if done():
            return
        body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            "user": "root", "name": f"{number}-" + "x" * 4000}, "suppressed_roles": ["*"]}}
        with Events(cluster.port, "/api/v1/scheduler", body) as events:
            events.event("SUBSCRIBED")
    raise AssertionError("never cut off")


def test_a_reader_that_does_not_read_is_cut_off(cluster):
    cut_off = "cut off a client that does not read"
    check(cut_off not in cluster.node_.text(), "nobody yet")
    with subscribe(cluster, receive_buffer=4096), subscribe(cluster) as good:
        model = Model(good)
        reader = threading.Thread(target=lambda: model.until("TASK_UPDATED", is_end_of("after")))
        reader.start()
        fill_until(cluster, lambda: cut_off in cluster.node_.text())
        cluster.main.run("after", "true")
        reader.join(60)
        check(not reader.is_alive(), "the others go on")


def test_the_first_makes_room(cluster):
    first = subscribe(cluster)
    Model(first)
    others = [subscribe(cluster) for _ in range(MOST)]
    for each in others:
        Model(each)
    while first.record() is not None:
        pass
    check("the one that came first is dropped" in cluster.node_.text(), "a line in the log")
    name = run_one(cluster)
    for each in others:
        while not is_end_of(name)(json_of(each, "TASK_UPDATED")):
            pass
        each.close()
    first.close()


def json_of(events, kind):
    event = events.event(kind)
    check(event is not None, "the stream has ended")
    return event[kind.lower()]


def test_what_is_refused(cluster):
    refused(exchange(cluster.port, call(API, SUBSCRIBE, Accept="text/html")), 406)
    refused(exchange(cluster.port, call(API, json.dumps(SUBSCRIBE).encode(), "text/plain")), 415)
    with subscribe(cluster, "*/*") as events:
        equal(events.opened.header("Content-Type"), JSON)
        Model(events)


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
