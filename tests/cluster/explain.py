"""Why a framework is or is not offered what there is: souk explain, /souk/v1/explain, and the share
at /souk/v1/frameworks/<id>/share."""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import (PATIENCE, check, equal, query, run_tests, task_info, wait_for)

AGENT = "cpus:4;mem:1024;disk:100;ports:[31000-31999]"


def explain(master, framework, **parameters):
    return master.get(query("/souk/v1/explain", framework=framework, **parameters))


def reasons(answer):
    return {each["hostname"]: each["reason"] for each in answer["agents"]}


def command(cluster, *arguments):
    return cluster.souk("explain", f"--master={cluster.master_node.address}", *arguments)


def two_agents(cluster, *master_flags):
    master = cluster.master(*master_flags)
    return master, [cluster.agent(name=f"h{i}", resources=AGENT) for i in (1, 2)]


def offers_of(scheduler, count):
    def found():
        with scheduler.lock:
            return list(scheduler.offers.values()) if len(scheduler.offers) >= count else None
    return wait_for(found, f"{count} offers")


def test_declined(cluster):
    master, agents = two_agents(cluster)
    picky = cluster.scheduler(name="picky")
    offers = offers_of(picky, 2)
    picky.decline(*offers, refuse=1000)
    answer = explain(master, picky.id)
    equal((answer["framework_id"], answer["name"], answer["connected"]), (picky.id, "picky", True))
    equal(answer["counts"], {"refused": 2})
    equal((answer["explained"], answer["left_out"]), (2, 0))
    by_agent = {each["agent_id"]["value"]: each["id"]["value"] for each in offers}
    for row in answer["agents"]:
        equal(row["reason"], "refused")
        equal(row["refused_offer_id"], by_agent[row["agent_id"]])
        check(1000 - PATIENCE < row["seconds_left"] <= 1000, row)
        equal((row["free"]["cpus"], row["offerable"]["cpus"]), (4.0, 4.0))
        for part in (row["hostname"], row["agent_id"], "cpus:4;disk:100;mem:1024;ports:[31000-31999] free", "'picky'",
                     row["refused_offer_id"], "REVIVE"):
            check(part in row["text"], f"{part} in {row['text']}")
    one = explain(master, "picky", agent="h1")
    equal(reasons(one), {"h1": "refused"})
    equal(one["agents"][0]["agent_id"], agents[0].id)
    few = explain(master, picky.id, limit=1)
    equal((len(few["agents"]), few["left_out"], few["counts"]), (1, 1, {"refused": 2}))
    equal(explain(master, picky.id, reason="taken")["agents"], [])

    picky.call("REVIVE")
    offers_of(picky, 2)
    equal(reasons(explain(master, picky.id)), {"h1": "offered", "h2": "offered"})


def test_suppressed(cluster):
    master, _ = two_agents(cluster)
    quiet = cluster.scheduler(name="quiet")
    quiet.decline(*offers_of(quiet, 2), refuse=0)
    quiet.call("SUPPRESS")

    def suppressed():
        # One that was made before the SUPPRESS came has to be given back first.
        with quiet.lock:
            late = list(quiet.offers.values())
        if late:
            quiet.decline(*late, refuse=0)
        return reasons(explain(master, quiet.id)) == {"h1": "suppressed", "h2": "suppressed"}
    wait_for(suppressed, lambda: f"suppressed: {explain(master, quiet.id)}")
    answer = explain(master, quiet.id)
    equal(answer["suppressed_roles"], ["*"])
    check(any("REVIVE" in each for each in answer["summary"]), answer["summary"])


def test_taken(cluster):
    master, _ = two_agents(cluster)
    greedy = cluster.scheduler(name="greedy")
    for offer in offers_of(greedy, 2):
        where = offer["agent_id"]["value"]
        greedy.launch([offer], task_info(f"t-{where}", where, "sleep 1000",
                                         resources=offer["resources"]))
    late = cluster.scheduler(name="late")
    answer = explain(master, late.id)
    equal(answer["counts"], {"taken": 2})
    for row in answer["agents"]:
        equal((row["used"]["cpus"], row["frameworks_using"], row["open_offers"]), (4.0, 1, 0))
        equal(row["holders"], [{"framework_id": greedy.id, "name": "greedy"}])
        check("in use: 4 of 4 cpus" in row["text"] and "'greedy'" in row["text"], row["text"])
    check(any("has not made it an offer" in each for each in answer["summary"]), answer["summary"])
    own = explain(master, greedy.id)
    check("this framework itself" in own["agents"][0]["text"], own["agents"][0]["text"])


def test_little_is_left(cluster):
    master, _ = two_agents(cluster)
    greedy = cluster.scheduler(name="greedy")
    for offer in offers_of(greedy, 2):
        where = offer["agent_id"]["value"]
        greedy.launch([offer], task_info(f"t-{where}", where, "sleep 1000", cpus=4, mem=1024))
    late = cluster.scheduler(name="late")
    answer = explain(master, late.id)
    equal(answer["counts"], {"below_minimum": 2})
    for part in ("disk:100;ports:[31000-31999] free", "cpus:0.01 or mem:32",
                 "in use: 4 of 4 cpus and 1024 of 1024 mem (by 'greedy')"):
        check(part in answer["agents"][0]["text"], f"{part} in {answer['agents'][0]['text']}")


def test_in_the_offers_of_another(cluster):
    master, _ = two_agents(cluster)
    first = cluster.scheduler(name="first")
    offers_of(first, 2)
    second = cluster.scheduler(name="second")
    answer = explain(master, second.id)
    equal(answer["counts"], {"taken": 2})
    check("in open offers: 4 of 4 cpus" in answer["agents"][0]["text"], answer["agents"][0]["text"])
    check("'first' (" in answer["agents"][0]["text"], answer["agents"][0]["text"])
    check(any("has not made it an offer" in each for each in answer["summary"]), answer["summary"])
    mine = explain(master, first.id)
    equal(mine["open_offers"], 2)
    equal(sorted(sum((each["open_offer_ids"] for each in mine["agents"]), [])), sorted(first.offers))


def test_gpus_and_minimum(cluster):
    master = cluster.master("--min_allocatable_resources=cpus:2")
    cluster.agent(name="gpu", resources="cpus:4;mem:1024;gpus:1")
    cluster.agent(name="small", resources="cpus:1;mem:1024")
    plain = cluster.scheduler(name="plain")
    answer = explain(master, plain.id)
    equal(reasons(answer), {"gpu": "gpus", "small": "below_minimum"})
    equal(answer["counts"], {"gpus": 1, "below_minimum": 1})
    texts = {each["hostname"]: each["text"] for each in answer["agents"]}
    check("GPU_RESOURCES" in texts["gpu"], texts)
    check("minimum" in texts["small"] and "cpus:2" in texts["small"], texts)


def test_quota_limit(cluster):
    master, _ = two_agents(cluster)
    status, _, err = cluster.souk("quota", "set", "eng", "--limit=cpus:1;mem:128",
                                  f"--master={master.address}")
    equal(status, 0, err)
    limited = cluster.scheduler(name="limited", roles=["eng"],
                                capabilities=("PARTITION_AWARE", "MULTI_ROLE"))
    offers = limited.wait_offers(cpus=1)
    equal(len(offers), 1)
    equal(explain(master, limited.id)["open_offers"], 1)
    limited.launch(offers, task_info("t", offers[0]["agent_id"]["value"], "sleep 1000", cpus=1,
                                     mem=128))
    answer = explain(master, limited.id)
    equal(answer["counts"], {"limit": 2})
    for row in answer["agents"]:
        equal(row["detail"], "eng")
        check("quota limit of role eng" in row["text"], row["text"])
    share = master.get(f"/souk/v1/frameworks/{limited.id}/share")
    equal(share["current"], {"cpus": 1.0, "mem": 128.0})


def test_headroom_and_guarantee(cluster):
    master, _ = two_agents(cluster)
    status, _, err = cluster.souk("quota", "set", "ops", "--guarantee=cpus:8;mem:2048",
                                  f"--master={master.address}")
    equal(status, 0, err)
    other = cluster.scheduler(name="other")
    answer = explain(master, other.id)
    equal(answer["counts"], {"headroom": 2})
    check("guarantees of other roles" in answer["agents"][0]["text"], answer["agents"][0]["text"])
    owner = cluster.scheduler(name="owner", roles=["ops"],
                              capabilities=("PARTITION_AWARE", "MULTI_ROLE"))
    offers_of(owner, 2)
    share = master.get(f"/souk/v1/frameworks/{owner.id}/share")
    equal(share["guaranteed"], {"cpus": 8.0, "mem": 2048.0})
    check("It has all that is guaranteed to it: cpus:8;mem:2048." in
          explain(master, owner.id)["summary"], explain(master, owner.id)["summary"])


def test_constraints_and_short_slots(cluster):
    master = cluster.master()
    cluster.agent("--attributes=rack:r1", "--short_task_resources=cpus:1;mem:128",
                  "--max_short_task_duration=60secs", name="h1", resources=AGENT)
    picky = cluster.scheduler(name="picky")
    offers_of(picky, 1)
    rows = explain(master, picky.id)["agents"]
    equal([each["reason"] for each in rows], ["offered", "short_slots"])
    equal(rows[1]["max_task_duration_seconds"], 60.0)
    check("souk.short_slots" in rows[1]["text"], rows[1]["text"])
    other_rack = {"selector": {"attribute_name": "rack"},
                  "predicate": {"text_equals": {"value": "r2"}}}
    picky.call("UPDATE_FRAMEWORK", {"framework_info": picky.info, "offer_constraints": {
        "role_constraints": {"*": {"groups": [{"attribute_constraints": [other_rack]}]}}}},
        expected=200)
    picky.decline(*offers_of(picky, 1), refuse=0)

    def constrained():
        return explain(master, picky.id)["agents"][0]["reason"] == "constraint"
    wait_for(constrained, lambda: f"a constraint: {explain(master, picky.id)}")
    row = explain(master, picky.id)["agents"][0]
    check("rack" in row["detail"] and row["detail"] in row["text"], row)


def test_away(cluster):
    master, agents = two_agents(cluster)
    gone = cluster.scheduler(name="gone", failover_timeout=1000.0)
    offers_of(gone, 2)
    gone.disconnect()
    wait_for(lambda: not explain(master, gone.id)["connected"], "the framework to be away")
    equal(explain(master, gone.id)["counts"], {"inactive_framework": 2})
    watcher = cluster.scheduler(name="watcher")
    offers_of(watcher, 2)
    agents[0].kill()
    wait_for(lambda: reasons(explain(master, watcher.id)).get("h1") == "inactive_agent",
             lambda: f"h1 to be away: {explain(master, watcher.id)}")


def test_share(cluster):
    master, agents = two_agents(cluster)
    one = cluster.scheduler(name="one")
    equal(master.get(f"/souk/v1/frameworks/{one.id}/share")["framework_id"], one.id)
    offers = offers_of(one, 2)
    where = offers[0]["agent_id"]["value"]
    one.launch(offers[:1], task_info("t", where, "sleep 1000", cpus=1, mem=512), refuse=1000)
    share = master.get(f"/souk/v1/frameworks/{one.id}/share")
    equal(share["current"], {"cpus": 5.0, "disk": 100.0, "mem": 1536.0})
    equal(share["offered"], {"cpus": 4.0, "disk": 100.0, "mem": 1024.0})
    equal(share["dominant"], {"resource": "mem", "used": 1536.0, "total": 2048.0, "share": 0.75})
    equal((share["guaranteed"], share["fair"]), ({}, 1.0))
    status, body = master.request("GET", "/souk/v1/frameworks/nobody/share")
    equal(status, 404, body.decode())


def test_requests_that_make_no_sense(cluster):
    master = cluster.master()
    cluster.scheduler(name="f")
    for path, expected, part in (
            ("/souk/v1/explain", 400, "framework=ID"),
            ("/souk/v1/explain?framework=f&limit=x", 400, "limit=x"),
            ("/souk/v1/explain?framework=f&reason=x", 400, "below_minimum"),
            ("/souk/v1/explain?framework=f&colour=red", 400, "'colour'"),
            ("/souk/v1/explain?framework=g", 404, "'g'"),
            ("/souk/v1/explain?framework=f&agent=h", 404, "'h'")):
        status, body = master.request("GET", path)
        equal(status, expected, path)
        check(part in body.decode(), f"{part} in {body!r}")
    answer = explain(master, "f")
    equal((answer["explained"], answer["agents"]), (0, []))
    check("There are no agents." in answer["summary"], answer["summary"])


def test_command(cluster):
    master, _ = two_agents(cluster)
    picky = cluster.scheduler(name="picky one")
    picky.decline(*offers_of(picky, 2), refuse=1000)
    status, out, err = command(cluster, picky.id)
    equal((status, err), (0, ""))
    for part in (f"Framework 'picky one' ({picky.id})", "Reasons (2 agents", "refused", "Agents",
                 "Agent h1 (", "Agent h2 (", "REVIVE"):
        check(part in out, f"{part} in {out}")
    equal(command(cluster, "picky one")[0], 0)
    status, out, _ = command(cluster, picky.id, "--lines=1")
    check(status == 0 and "Agent h1 (" in out and "h2" not in out and "1 more" in out, out)
    check("Agent h2 (" in command(cluster, picky.id, "--lines=1", "--all")[1], "all")
    status, out, _ = command(cluster, picky.id, "--agent=h2")
    check("h1" not in out and "Agent h2 (" in out, out)
    status, out, _ = command(cluster, picky.id, "--reason=taken")
    check("refused" in out and "Agent h" not in out, out)
    equal(json.loads(command(cluster, picky.id, "--json")[1])["framework_id"], picky.id)
    cluster.scheduler(name="picky one")
    for arguments, expected, part in (
            (("picky one",), 1, "2 frameworks have the name 'picky one'"),
            (("nobody",), 1, "No framework has the id or the name 'nobody'"),
            ((picky.id, "--agent=h3"), 1, "No agent has the id or the hostname 'h3'"),
            ((picky.id, "--reason=x"), 1, "below_minimum"),
            ((), 2, "framework is required")):
        status, out, err = command(cluster, *arguments)
        equal((status, out), (expected, ""), err)
        check(part in err, f"{part} in {err}")
    status, _, err = cluster.souk("explain", "--master=127.0.0.1:1", "f")
    check(status == 1 and "127.0.0.1:1" in err, err)


if __name__ == "__main__":
    os.environ.pop("SOUK_MASTER", None)
    run_tests(globals())
