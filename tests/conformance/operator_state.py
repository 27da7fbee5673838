"""GET_STATE and its parts: the same in JSON and protobuf, read by the table of messages, and the same
as /state says in its own words."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import JSON, PROTOBUF, call, exchange, message, parse_json, request, watched
from proto_table import to_json
from souk_cluster import check, command_info, equal, run_tests, scalar, task_info, wait_for

API = "/api/v1"
PARTS = ("GET_TASKS", "GET_EXECUTORS", "GET_FRAMEWORKS", "GET_AGENTS")
NUMBERS = {"GET_STATE": 9, "GET_AGENTS": 10, "GET_FRAMEWORKS": 11, "GET_EXECUTORS": 12,
           "GET_TASKS": 13}  # of Call.Type


def set_up(cluster):
    cluster.node_ = cluster.local("--agents=2", "--resources=cpus:2;mem:512;cpus(eng):1",
                                  "--attributes=rack:r1", "--offer_timeout=0secs")
    cluster.port = cluster.node_.port
    wait_for(lambda: len(cluster.node_.state()["slaves"]) == 2, "the agents")
    over = cluster.scheduler(port=cluster.port, name="over")
    over.run("was", "true")
    over.wait_terminal("was")
    over.call("TEARDOWN")
    cluster.main = cluster.scheduler(port=cluster.port, name="main", role="eng")
    cluster.main.run("done", "exit 3")
    cluster.main.wait_terminal("done")
    cluster.main.run("runs", "sleep 1000", labels={"labels": [{"key": "tier", "value": "é\n"}]})
    cluster.main.wait_status("runs", "TASK_RUNNING")
    launch_custom(cluster)


def launch_custom(cluster):
    """A task of an executor that never registers: it is there all the same."""
    offers = cluster.main.wait_offers(cpus=0.5)
    agent = offers[0]["agent_id"]["value"]
    task = task_info("custom", agent, None)
    task["executor"] = {"executor_id": {"value": "own"}, "type": "CUSTOM", "name": "Own",
                        "framework_id": {"value": cluster.main.id},
                        "command": command_info("sleep 1000"),
                        "resources": [scalar("cpus", 0.1), scalar("mem", 32)]}
    cluster.main.launch(offers, task)
    wait_for(lambda: any(each["executors"] for each in cluster.node_.state()["frameworks"]),
             "the executor")


def ask(cluster, kind, accept=JSON, **headers):
    answer = exchange(cluster.port, call(API, {"type": kind}, Accept=accept, **headers))
    equal((answer.status, answer.header("Content-Type")), (200, accept), answer.text[:300])
    equal(int(answer.header("Content-Length")), len(answer.body))
    equal(answer.header("Transfer-Encoding"), None)
    return answer.body


def state_of(cluster):
    """Of one moment, as both say it."""
    for _ in range(20):
        legacy = cluster.node_.state()
        parsed = parse_json(ask(cluster, "GET_STATE"))
        if legacy == cluster.node_.state():
            return legacy, parsed["get_state"]
    raise AssertionError("the cluster never rests")


def by_id(rows, key):
    found = {each[key]["value"]: each for each in rows}
    equal(len(found), len(rows))
    return found


def sums(resources):
    """As /state has them: {name: total}, of scalars."""
    total = dict.fromkeys(("cpus", "gpus", "mem", "disk"), 0)
    for each in resources:
        if each["type"] == "SCALAR":
            total[each["name"]] = total[each["name"]] + each["scalar"]["value"]
    return total


def same_amounts(resources, legacy):
    for name, amount in sums(resources).items():
        check(abs(amount - legacy[name]) < 1e-6, f"{name}: {resources} is not {legacy}")


def test_both_encodings_say_the_same(cluster):
    state_of(cluster)
    for kind in ("GET_STATE",) + PARTS:
        parsed = parse_json(ask(cluster, kind))
        equal(list(parsed), ["type", kind.lower()])
        for request_body, content_type in (({"type": kind}, JSON),
                                           (message((1, NUMBERS[kind])), PROTOBUF)):
            answer = exchange(cluster.port, call(API, request_body, content_type, Accept=PROTOBUF))
            equal(answer.header("Content-Type"), PROTOBUF)
            equal(to_json(answer.body, "mesos.v1.master.Response"), parsed, kind)


def test_the_parts_are_those_of_the_state(cluster):
    _, state = state_of(cluster)
    equal(list(state), [kind.lower() for kind in ("GET_TASKS", "GET_EXECUTORS", "GET_FRAMEWORKS",
                                                  "GET_AGENTS")])
    for kind in PARTS:
        equal(parse_json(ask(cluster, kind))[kind.lower()], state[kind.lower()])


def test_tasks(cluster):
    legacy, state = state_of(cluster)
    for name in ("tasks", "completed_tasks"):
        seen = {each["task_id"]["value"]: each for each in state["get_tasks"][name]}
        told = {each["id"]: each for framework in
                legacy["frameworks"] + legacy["completed_frameworks"] for each in framework[name]}
        equal(sorted(seen), sorted(told))
        for key, task in seen.items():
            old = told[key]
            equal((task["name"], task["framework_id"]["value"], task["agent_id"]["value"],
                   task["state"], task["user"], task.get("executor_id", {}).get("value", "")),
                  (old["name"], old["framework_id"], old["slave_id"], old["state"], old["user"],
                   old["executor_id"]))
            equal(task.get("labels", {}).get("labels", []), old.get("labels", []))
            equal([(each["state"], each["timestamp"], each["task_id"]["value"])
                   for each in task.get("statuses", [])],
                  [(each["state"], each["timestamp"], key) for each in old["statuses"]])
            same_amounts(task["resources"], old["resources"])
            equal({each["allocation_info"]["role"] for each in task["resources"]}, {old["role"]})
    tasks = {each["task_id"]["value"]: each["state"] for each in state["get_tasks"]["tasks"]}
    equal(tasks["runs"], "TASK_RUNNING")
    ended = {each["task_id"]["value"]: each["state"]
             for each in state["get_tasks"]["completed_tasks"]}
    equal((ended["done"], ended["was"]), ("TASK_FAILED", "TASK_FINISHED"))


def test_frameworks_and_executors(cluster):
    legacy, state = state_of(cluster)
    for name in ("frameworks", "completed_frameworks"):
        told = {each["id"]: each for each in legacy[name]}
        rows = state["get_frameworks"][name]
        equal([each["framework_info"]["id"]["value"] for each in rows], list(told))
        for row in rows:
            info, old = row["framework_info"], told[row["framework_info"]["id"]["value"]]
            equal((info["name"], info["user"], row["active"], row["connected"], row["recovered"]),
                  (old["name"], old["user"], old["active"], old["connected"], old["recovered"]))
            check(abs(row["registered_time"]["nanoseconds"] / 1e9 - old["registered_time"]) < 1e-3,
                  "registered")
            equal([(each["id"]["value"], each["agent_id"]["value"]) for each in
                   row.get("offers", [])],
                  [(each["id"], each["slave_id"]) for each in old["offers"]])
            same_amounts(row.get("allocated_resources", []), old["used_resources"])
            same_amounts(row.get("offered_resources", []), old["offered_resources"])
    executors = state["get_executors"]["executors"]
    equal([(each["executor_info"]["executor_id"]["value"], each["agent_id"]["value"])
           for each in executors],
          [(each["executor_id"], each["slave_id"]) for framework in legacy["frameworks"]
           for each in framework["executors"]])
    equal(executors[0]["executor_info"]["framework_id"]["value"], cluster.main.id)


def test_agents(cluster):
    legacy, state = state_of(cluster)
    told = {each["id"]: each for each in legacy["slaves"]}
    agents = {each["agent_info"]["id"]["value"]: each for each in state["get_agents"]["agents"]}
    equal(list(agents), list(told))
    for key, agent in agents.items():
        old, info = told[key], agent["agent_info"]
        equal((info["hostname"], info["port"], agent["active"], agent["pid"], agent["version"]),
              (old["hostname"], old["port"], old["active"], old["pid"], old["version"]))
        equal([(each["name"], each["text"]["value"]) for each in info["attributes"]],
              [("rack", "r1")])
        for name, part in (("total", "resources"), ("allocated", "used_resources"),
                           ("offered", "offered_resources")):
            same_amounts(agent.get(f"{name}_resources", []), old[part])
        reserved = [each for each in agent["total_resources"] if "reservations" in each]
        equal([(each["name"], each["reservations"][0]["role"]) for each in reserved],
              [("cpus", "eng")])


def test_large_answers_are_the_same_for_all(cluster):
    bodies = {ask(cluster, "GET_STATE") for _ in range(20)}
    check(len(bodies) <= 2, "rendered once for a snapshot")
    packed = exchange(cluster.port, call(API, {"type": "GET_STATE"}, Accept=JSON,
                                         Accept_Encoding="gzip"))
    equal(packed.status, 200)


def test_what_is_refused(cluster):
    for accept, status in (("text/html", 406), ("*/*", 200), ("application/*", 200)):
        answer = exchange(cluster.port, call(API, {"type": "GET_STATE"}, Accept=accept))
        equal(answer.status, status, accept)
    equal(exchange(cluster.port, request("GET", API)).status, 405)
    parse_json(exchange(cluster.port, call("/master/api/v1/", {"type": "GET_TASKS"})).body)


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
