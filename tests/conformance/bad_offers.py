"""Calls right in form and wrong in what they ask for: offers, tasks, executors, resources, ids."""
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import (PROTOBUF, SCHEDULER, call, exchange, message, pb_accept, pb_id, pb_scalar,
                      refused, watched)
from souk_cluster import TERMINAL, agent_of, check, equal, run_tests, scalar, task_info, wait_for


def set_up(cluster):
    cluster.node_ = cluster.local("--agents=2", "--resources=cpus:2;mem:512;ports:[31000-31009]",
                                  "--offer_timeout=0secs")
    cluster.port = cluster.node_.port
    cluster.main = cluster.scheduler(port=cluster.port, name="main")
    cluster.number = 0


def new_name(cluster, what="t"):
    cluster.number += 1
    return f"{what}-{cluster.number}"


def whole_agent(cluster, agent=None, scheduler=None):
    """Offers of all that an agent has."""
    return (scheduler or cluster.main).wait_offers(agent, cpus=2)


def verdict(cluster, offers, task, state="TASK_ERROR", reason="REASON_TASK_INVALID", *words):
    """Launches one; the master must refuse it."""
    mark = cluster.main.mark()
    cluster.main.launch(offers, task)
    name = task["task_id"]["value"]
    status = cluster.main.wait_status(name, state, mark, reason=reason, source="SOURCE_MASTER")
    check("uuid" not in status, "the master's statuses need no acknowledgement")
    for word in words:
        check(word in status["message"], f"{name!r}: {word!r} is not in {status['message']!r}")
    return status["message"]


def error(cluster, change, *words, **more):
    """What is said of a good task with this change."""
    offers = cluster.main.wait_offers(cpus=1)
    task = task_info(new_name(cluster), agent_of(offers), "true", **more)
    return verdict(cluster, offers, {**task, **change}, "TASK_ERROR", "REASON_TASK_INVALID", *words)


# --- offers


def lost(cluster, offers, agent, *words):
    return verdict(cluster, offers, task_info(new_name(cluster), agent, "true"), "TASK_DROPPED",
                   "REASON_INVALID_OFFERS",
                   *words)


def test_offers_used_twice(cluster):
    offers = whole_agent(cluster)
    lost(cluster, offers + offers, agent_of(offers), "Duplicate offer")
    offers = whole_agent(cluster)
    name = new_name(cluster)
    cluster.main.launch(offers, task_info(name, agent_of(offers), "true"))
    lost(cluster, offers, agent_of(offers), "no longer valid")
    cluster.main.decline(*offers)
    equal(cluster.main.wait_terminal(name)["state"], "TASK_FINISHED")


def test_declined_offers(cluster):
    offers = whole_agent(cluster)
    cluster.main.decline(*offers, refuse=0)
    lost(cluster, offers, agent_of(offers), "no longer valid")


def test_offers_of_two_agents(cluster):
    one = whole_agent(cluster)
    other = wait_for(lambda: [each for each in cluster.main.offers.values()
                              if agent_of([each]) != agent_of(one)],
                     "offers of the other agent")
    lost(cluster, one + other, agent_of(one), "one single agent")
    lost(cluster, [{"id": {"value": "no-such-offer"}}], agent_of(one), "no longer valid")
    lost(cluster, [], agent_of(one), "No offers")


def test_offers_of_someone_else(cluster):
    thief = cluster.scheduler(port=cluster.port, name="thief", capabilities=())
    offers = whole_agent(cluster)
    thief.launch(offers, task_info("stolen", agent_of(offers), "true"))
    status = thief.wait_terminal("stolen")
    equal((status["state"], status["reason"]), ("TASK_LOST", "REASON_INVALID_OFFERS"),
          "without PARTITION_AWARE")
    check(all(each["id"]["value"] in cluster.main.offers for each in offers),
          "the owner keeps them")
    thief.call("TEARDOWN")
    name = new_name(cluster)
    cluster.main.launch(offers, task_info(name, agent_of(offers), "true"))
    equal(cluster.main.wait_terminal(name)["state"], "TASK_FINISHED")


def test_an_accept_of_nothing_is_a_decline(cluster):
    for operations in ([], [{"type": "LAUNCH", "launch": {}}],
                       [{"type": "LAUNCH", "launch": {"task_infos": []}}]):
        offers = whole_agent(cluster)
        cluster.main.accept(offers, operations)
        fresh = whole_agent(cluster, agent_of(offers))
        check(fresh != offers, "they come again")


def test_strange_filters(cluster):
    for seconds in (-1, -1e300, 1e300, 0, 1e-300):
        offers = whole_agent(cluster)
        cluster.main.decline(*offers, refuse=seconds)
        cluster.main.call("REVIVE")
    for seconds in (math.nan, math.inf, -math.inf):
        offers = whole_agent(cluster)
        ids = [each["id"]["value"] for each in offers]
        for each in ids:
            cluster.main.offers.pop(each)
        body = pb_accept(cluster.main.id, ids, refuse=seconds)
        equal(exchange(cluster.port, call(SCHEDULER, body, PROTOBUF,
                                          Mesos_Stream_Id=cluster.main.stream.id)).status, 202)
        cluster.main.call("REVIVE")
    whole_agent(cluster)


# --- tasks


def test_more_than_offered(cluster):
    error(cluster, {}, "more resources", cpus=1000)
    error(cluster, {}, "more resources", mem=1e8)
    error(cluster, {}, "more resources", cpus=2.001)
    ports = {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31005,
                                                                      "end": 31010}]}}
    error(cluster, {"resources": [scalar("cpus", 0.1), scalar("mem", 32), ports]}, "more resources")
    error(cluster, {"resources": [scalar("cpus", 0.1), scalar("bananas", 1)]}, "more resources")
    offers = whole_agent(cluster)
    names = [new_name(cluster) for _ in range(3)]
    cluster.main.launch(offers, *[task_info(name, agent_of(offers), "true", cpus=0.9)
                                  for name in names])
    ends = [cluster.main.wait_terminal(name) for name in names]
    equal([each["state"] for each in ends], ["TASK_FINISHED", "TASK_FINISHED", "TASK_ERROR"])
    check("more resources" in ends[2]["message"], ends[2]["message"])


def test_duplicate_tasks(cluster):
    offers = whole_agent(cluster)
    name = new_name(cluster)
    task = task_info(name, agent_of(offers), "sleep 1000")
    cluster.main.launch(offers, task, task)
    cluster.main.wait_status(name, "TASK_ERROR", reason="REASON_TASK_INVALID")
    cluster.main.wait_status(name, "TASK_RUNNING")
    mark = cluster.main.mark()
    offers = cluster.main.wait_offers(cpus=1)
    cluster.main.launch(offers, {**task, "agent_id": offers[0]["agent_id"]})
    status = cluster.main.wait_status(name, "TASK_ERROR", mark)
    check("duplicate ID" in status["message"], status["message"])
    cluster.main.kill(name, grace=0)
    cluster.main.wait_status(name, "TASK_KILLED")
    again = new_name(cluster)
    cluster.main.run(again, "true")
    equal(cluster.main.wait_terminal(again)["state"], "TASK_FINISHED")


BAD_IDS = ["a/b", "a\\b", "..", ".", "", "x" * 256, "a\nb", "\0", "\x1f", "\x7f",
           "../../../etc/passwd", "/"]


def test_bad_task_ids(cluster):
    for bad in BAD_IDS:
        error(cluster, {"task_id": {"value": bad}}, "Task ID")


def test_good_task_ids(cluster):
    for good in ("x" * 255, "...", " ", "gr\u00f6\u00dfe \U0001f600", "-rf", "a'b\"c;$(d)`e`",
                 "%2e%2e", "~", "*"):
        cluster.main.run(good, "true")
        equal(cluster.main.wait_terminal(good)["state"], "TASK_FINISHED", good)


def test_bad_executors(cluster):
    executor = {"executor_id": {"value": "e"}, "command": {"value": "sleep 1000"},
                "resources": [scalar("cpus", 0.1)]}
    for bad in BAD_IDS:
        error(cluster, {"command": None, "executor": {**executor, "executor_id": {"value": bad}}},
              "Executor ID")
    error(cluster, {"executor": executor}, "not both")
    error(cluster, {"command": None}, "at least one")
    error(cluster, {"command": None, "executor": {**executor, "framework_id": {"value": "x"}}},
          "FrameworkID")
    error(cluster, {"command": None, "executor": {**executor, "command": None}}, "command")
    error(cluster, {"command": None, "executor": {**executor, "type": "DEFAULT"}}, "DEFAULT")
    error(cluster, {"command": None, "executor": {**executor, "resources": [scalar("cpus", 500)]}},
          "more resources")
    error(cluster, {"agent_id": {"value": "elsewhere"}}, "elsewhere")


def test_bad_resources(cluster):
    mem = scalar("mem", 32)
    ranges = {"name": "ports", "type": "RANGES"}
    bad = [[scalar("cpus", -1), mem], [scalar("cpus", -0.001), mem], [scalar("cpus", 1e300), mem],
           [scalar("cpus", 1e10), mem], [scalar("cpus", 2 ** 63), mem], [scalar("", 1)],
           [scalar("a\nb", 1)],
           [{"name": "cpus", "type": "SCALAR"}], [{"name": "cpus", "type": "RANGES",
                                                   "scalar": {"value": 1}}],
           [{"name": "cpus", "type": "SET", "set": {"item": ["a"]}}],
           [{"name": "cpus", "type": "TEXT"}],
           [scalar("ports", 1)], [{**ranges, "ranges": {"range": [{"begin": 31005,
                                                                   "end": 31001}]}}],
           [{**scalar("cpus", 0.1), "role": "a//b"}],
           [{**scalar("cpus", 0.1), "reservations": [{"type": "DYNAMIC", "role": ".."}]}],
           [{**scalar("cpus", 0.1), "provider_id": {"value": "p"}}]]
    for resources in bad:
        error(cluster, {"resources": resources}, "invalid resources")
    for resources in ([], [scalar("cpus", 0)], [scalar("cpus", 0.0004), scalar("mem", 0)],
                      [{**ranges, "ranges": {"range": []}}]):
        error(cluster, {"resources": resources}, "no resources")
    for resources in ([{**scalar("cpus", 0.1), "revocable": {}}],
                      [{**scalar("cpus", 0.1), "role": "other"}],
                      [{**ranges, "ranges": {"range": [{"begin": 0, "end": 2 ** 64 - 1}]}}]):
        check(len(error(cluster, {"resources": resources})) > 10, f"{resources}")


def test_numbers_that_json_cannot_say(cluster):
    for value in (math.nan, math.inf, -math.inf, -0.5, 1e300):
        offers = cluster.main.wait_offers(cpus=1)
        name, agent = new_name(cluster), agent_of(offers)
        ids = [each["id"]["value"] for each in offers]
        for each in ids:
            cluster.main.offers.pop(each)
        task = message((1, name), (2, pb_id(name)), (3, pb_id(agent)),
                       (4, pb_scalar("cpus", value)), (7, message((3, "true"))))
        body = pb_accept(cluster.main.id, ids, task)
        equal(exchange(cluster.port, call(SCHEDULER, body, PROTOBUF,
                                          Mesos_Stream_Id=cluster.main.stream.id)).status, 202)
        status = cluster.main.wait_terminal(name)
        equal((status["state"], status["reason"]), ("TASK_ERROR", "REASON_TASK_INVALID"),
              f"{value}")


def test_one_bad_resource_spoils_the_operation_and_no_other(cluster):
    offers = whole_agent(cluster)
    agent = agent_of(offers)
    good, bad, other = (new_name(cluster) for _ in range(3))
    spoiled = [task_info(good, agent, "true"), task_info(bad, agent, "true", cpus=-1)]
    cluster.main.accept(offers, [{"type": "LAUNCH", "launch": {"task_infos": spoiled}},
                                 {"type": "LAUNCH", "launch": {"task_infos": [task_info(other,
                                                                                        agent,
                                                                                        "true")]}}])
    equal([cluster.main.wait_terminal(each)["state"] for each in (good, bad, other)],
          ["TASK_ERROR", "TASK_ERROR", "TASK_FINISHED"])


def test_what_is_not_built_is_named(cluster):
    for change, word in (({"container": {"type": "DOCKER", "docker": {"image": "x"}}}, "container"),
                         ({"health_check": {"type": "COMMAND", "command": {"value": "true"}}},
                          "check"),
                         ({"limits": {"cpus": {"value": 1}}}, "limits")):
        error(cluster, change, "not supported yet", word)
    error(cluster, {"kill_policy": {"grace_period": {"nanoseconds": -1}}}, "negative")
    error(cluster, {"max_completion_time": {"nanoseconds": -1}}, "negative")


def test_bad_groups(cluster):
    executor = {"type": "DEFAULT", "executor_id": {"value": "group"},
                "resources": [scalar("cpus", 0.1), scalar("mem", 32)]}

    def group(change, *tasks):
        offers = whole_agent(cluster)
        made = [{**task_info(new_name(cluster), agent_of(offers), "true"), **each}
                for each in tasks]
        mark = cluster.main.mark()
        cluster.main.launch_group(offers, {**executor, **change}, *made)
        for task in made:
            status = cluster.main.wait_terminal(task["task_id"]["value"], mark)
            equal((status["state"], status["reason"]), ("TASK_ERROR", "REASON_TASK_GROUP_INVALID"))

    group({})
    group({}, {}, {"resources": [scalar("cpus", 100)]})
    group({}, {}, {"task_id": {"value": "a/b"}})
    group({"executor_id": {"value": "../x"}}, {})
    group({"command": {"value": "true"}}, {})
    group({"type": "UNKNOWN"}, {})
    twice = new_name(cluster)
    group({}, {"task_id": {"value": twice}}, {"task_id": {"value": twice}})


def test_operations_of_later_times(cluster):
    offers = whole_agent(cluster)
    reserve = {"type": "RESERVE", "reserve": {"resources": [scalar("cpus", 1)]}}
    name = new_name(cluster)
    launch = {"task_infos": [task_info(name, agent_of(offers), "true")]}
    cluster.main.accept(offers, [{**reserve, "id": {"value": "op"}}, reserve,
                                 {"type": "FROM_THE_FUTURE"}, {},
                                 {"type": "LAUNCH", "launch": launch}])
    event = cluster.main.wait_event("UPDATE_OPERATION_STATUS")["update_operation_status"]["status"]
    equal((event["state"], event["operation_id"]["value"]), ("OPERATION_ERROR", "op"))
    check("not supported yet" in event["message"], event["message"])
    equal(cluster.main.wait_terminal(name)["state"], "TASK_FINISHED")
    offers = whole_agent(cluster)
    body = {"type": "ACCEPT", "framework_id": {"value": cluster.main.id},
            "accept": {"offer_ids": [offers[0]["id"]], "operations": [{"type": "LAUNCH"}]}}
    refused(exchange(cluster.port, call(SCHEDULER, body, Mesos_Stream_Id=cluster.main.stream.id)),
            400,
            "Expecting 'accept.operations[0].launch' to be present")
    check(offers[0]["id"]["value"] in cluster.main.offers, "the offer still stands")


def test_ten_thousand_tasks_in_a_call(cluster):
    offers = whole_agent(cluster)
    names = [f"many-{n}" for n in range(10_000)]
    cluster.main.launch(offers, *[task_info(name, agent_of(offers), "true", cpus=50)
                                  for name in names])
    wait_for(lambda: len({s["task_id"]["value"] for s in cluster.main.updates
                          if s["task_id"]["value"].startswith("many-")
                          and s["state"] == "TASK_ERROR"}) == 10_000,
             "all to be refused")


def test_at_the_end_all_is_as_ever(cluster):
    for slave in cluster.node_.state()["slaves"]:
        name = new_name(cluster)
        cluster.main.run(name, "true", agent=slave["id"], cpus=2)
        equal(cluster.main.wait_terminal(name)["state"], "TASK_FINISHED")
    check({s["state"] for s in cluster.main.updates} <= TERMINAL | {"TASK_STARTING",
                                                                    "TASK_RUNNING"}, "states")
    cluster.main.call("TEARDOWN")

    def idle():
        return all(slave["used_resources"]["cpus"] == slave["offered_resources"]["cpus"] == 0
                   for slave in cluster.node_.state()["slaves"])
    wait_for(idle, "nothing to be in use")


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
