"""Revocation (§3.3): tasks of who has more than its share make room, by the real processes."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import TERMINAL, amount, check, equal, run_tests, wait_for


def start(cluster, grace, capabilities=("PARTITION_AWARE",)):
    """A framework that holds all of the only agent."""
    cluster.master("--offer_timeout=0secs", "--revocation_delay=300ms",
                   f"--revocation_grace_period={grace}")
    agent = cluster.agent()
    hog = cluster.scheduler(name="hog", capabilities=capabilities)
    for i in range(4):
        hog.run(f"t{i}", "sleep 1000", cpus=1, mem=256)
        hog.wait_status(f"t{i}", "TASK_RUNNING")
    hog.call("SUPPRESS", {})
    return agent, hog


def wait_for_room(scheduler):
    def offered():
        for each in list(scheduler.offers.values()):
            if amount(each, "cpus") >= 1:
                return True
            scheduler.decline(each, refuse=0)  # leftovers of disk and memory
        return False
    wait_for(offered, "an offer of what was revoked")


def ends(scheduler):
    return [each for each in list(scheduler.updates) if each["state"] in TERMINAL]


def check_ends(scheduler, state):
    check(ends(scheduler), "nothing ended")
    for status in ends(scheduler):
        equal((status["state"], status["reason"], status["source"]),
              (state, "REASON_CONTAINER_PREEMPTED", "SOURCE_AGENT"))
        equal(status["message"], "Revoked in favour of another framework")


def test_tasks_make_room(cluster):
    _, hog = start(cluster, "500ms")
    wait_for_room(cluster.scheduler(name="newcomer"))
    check(hog.of_type("INVERSE_OFFERS"), "it was asked first")
    check_ends(hog, "TASK_GONE")


def test_those_who_know_nothing_of_partitions(cluster):
    _, hog = start(cluster, "500ms", capabilities=())
    wait_for_room(cluster.scheduler(name="newcomer"))
    check_ends(hog, "TASK_LOST")


def test_the_agent_is_away_at_the_deadline(cluster):
    agent, hog = start(cluster, "1secs")
    newcomer = cluster.scheduler(name="newcomer")
    hog.wait_event("INVERSE_OFFERS")
    agent.kill()
    time.sleep(2)
    equal(ends(hog), [], "its souk-executors run on")
    agent.restart()
    wait_for_room(newcomer)
    check_ends(hog, "TASK_GONE")


if __name__ == "__main__":
    run_tests(globals())
