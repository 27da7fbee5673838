"""Weights and quota of roles: set by the commands, kept by the registry when the master is killed,
and held by the allocator before and after."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import amount, check, equal, run_tests, wait_for

AGENT = "cpus:4;mem:2048"


def souk(cluster, *arguments, expected=0):
    status, out, err = cluster.souk(*arguments, f"--master={cluster.master_node.address}")
    equal(status, expected, f"souk {arguments}: {out} {err}")
    return out if expected == 0 else err


def roles(cluster):
    return {each["name"]: each for each in cluster.master_node.get("/roles")["roles"]}


def held(scheduler):
    """The CPUs that are on offer to it."""
    with scheduler.lock:
        return sum(amount(offer, "cpus") for offer in scheduler.offers.values())


def stays(condition, what, seconds=1.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check(condition(), what)
        time.sleep(0.02)


def test_commands_show_what_they_set(cluster):
    cluster.master()
    cluster.agent(resources=AGENT)
    equal(souk(cluster, "quota").split(), ["ROLE", "GUARANTEE", "LIMIT", "CONSUMED"])
    equal(souk(cluster, "weights", "set", "eng=2", "ops/x=0.5"), "")
    equal(souk(cluster, "quota", "set", "eng", "--guarantee", "cpus:1;mem:100.5", "--limit",
               "cpus:2"), "")
    equal([line.split() for line in souk(cluster, "weights").splitlines()],
          [["ROLE", "WEIGHT"], ["eng", "2"], ["ops", "1"], ["ops/x", "0.5"]])
    equal(souk(cluster, "quota").splitlines()[1].split(), ["eng", "cpus:1;mem:100.5", "cpus:2", "-"])
    check('"role":"eng"' in souk(cluster, "quota", "--json"), "JSON")
    check('"weight":0.5' in souk(cluster, "weights", "--json"), "JSON")
    for arguments, text in (
            (("quota", "set", "eng", "--guarantee", "cpus:9"), "5 too many"),
            (("quota", "set", "eng", "--guarantee", "cpus:x"), "--guarantee"),
            (("quota", "set", "eng"), "--limit"), (("quota", "remove", "nobody"), "nobody"),
            (("weights", "set", "eng"), "ROLE=WEIGHT"), (("weights", "set", "eng=0"), "positive"),
            (("weights", "set", "eng=two"), "ROLE=WEIGHT")):
        check(text in souk(cluster, *arguments, expected=1), f"{arguments}")
    souk(cluster, "quota", "set", "eng", "--guarantee", "cpus:9", "--force")
    souk(cluster, "quota", "remove", "eng")
    equal(len(souk(cluster, "quota").splitlines()), 1)


def test_a_killed_master_keeps_weights_and_quota(cluster):
    master = cluster.master("--weights=flagged=4,eng=9")
    agent = cluster.agent(resources=AGENT)
    souk(cluster, "weights", "set", "eng=2", "ops=0.5")
    souk(cluster, "quota", "set", "eng", "--guarantee", "cpus:3", "--limit", "cpus:3.5;mem:1024")
    souk(cluster, "quota", "set", "ops", "--limit", "cpus:1")
    souk(cluster, "quota", "set", "gone", "--limit", "cpus:1")
    souk(cluster, "quota", "remove", "gone")
    before = {path: master.get(path) for path in ("/weights", "/quota")}
    equal({each["role"]: each["weight"] for each in before["/weights"]},
          {"eng": 2.0, "flagged": 4.0, "ops": 0.5})
    for _ in range(2):
        master.kill()
        master.restart()
        equal({path: master.get(path) for path in before}, before)
    wait_for(lambda: any(each["active"] for each in master.state()["slaves"]), "the agent back")
    equal(agent.state()["id"], agent.id)
    eng = roles(cluster)["eng"]
    equal((eng["weight"], eng["quota"]["guarantee"], eng["quota"]["limit"]),
          (2.0, {"cpus": 3.0}, {"cpus": 3.5, "mem": 1024.0}))
    check("not the 9 of --weights" in master.text(), master.text())


def test_quota_holds_before_and_after_a_restart(cluster):
    master = cluster.master()
    cluster.agent(resources=AGENT)
    souk(cluster, "quota", "set", "eng", "--guarantee", "cpus:3")
    souk(cluster, "quota", "set", "ops", "--limit", "cpus:1.5")
    ops = cluster.scheduler(name="ops", role="ops")
    for restarted in (False, True):
        if restarted:
            master.kill()
            master.restart()
            ops.subscribe()
        # What is guaranteed to eng is held back, though nobody of eng is there.
        wait_for(lambda: held(ops) > 0, "an offer to ops")
        stays(lambda: held(ops) <= 1, f"ops is offered {held(ops)}")
    eng = cluster.scheduler(name="eng", role="eng")
    wait_for(lambda: held(eng) >= 3, "what is guaranteed to eng")
    # Without the guarantee the limit is what stops ops.
    eng.call("TEARDOWN")
    souk(cluster, "quota", "remove", "eng")
    ops.call("REVIVE")
    wait_for(lambda: held(ops) == 1.5, lambda: f"ops to be offered up to its limit, not {held(ops)}")
    stays(lambda: held(ops) <= 1.5, "ops is above its limit")


if __name__ == "__main__":
    run_tests(globals())
