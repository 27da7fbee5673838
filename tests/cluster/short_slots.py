"""Slots for short tasks (§4.4): what an agent sets aside, who is offered it, and what becomes of
tasks that stay too long."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import amount, check, equal, run_tests, task_info, wait_for

LABELS = {"labels": [{"key": "souk.short_slots", "value": "true"}]}
ATTRIBUTE = "souk.max_task_duration_secs"


def flags(seconds):
    return ["--short_task_resources=cpus:1;mem:256;ports:[31000-31009]",
            f"--max_short_task_duration={seconds}secs"]


def is_short(offer):
    return any(each["name"] == ATTRIBUTE for each in offer.get("attributes", []))


def offer_of(scheduler, short=True):
    return wait_for(lambda: next((each for each in list(scheduler.offers.values())
                                  if is_short(each) == short), None), f"an offer, short: {short}")


def launch(scheduler, name, command, short=True):
    offer = offer_of(scheduler, short)
    scheduler.launch([offer], task_info(name, offer["agent_id"]["value"], command))
    scheduler.wait_status(name, "TASK_RUNNING")


def overstayed(scheduler, name, seconds):
    status = scheduler.wait_terminal(name)
    equal((status["state"], status["reason"]),
          ("TASK_FAILED", "REASON_MAX_COMPLETION_TIME_REACHED"))
    check(f"longer than the {seconds}secs that its slot" in status["message"], status["message"])


def test_flags_that_do_not_fit(cluster):
    master = cluster.master()

    def why(*wrong):
        status, _, text = cluster.souk("agent", f"--master={master.address}", "--port=0",
                                       f"--work_dir={cluster.folder / 'wrong'}",
                                       "--resources=cpus:2;mem:512", *wrong)
        equal(status, 1, text)
        return text
    check("needs --max_short_task_duration" in why("--short_task_resources=cpus:1"), "no duration")
    check("needs --short_task_resources" in why("--max_short_task_duration=5secs"), "no resources")
    text = why("--short_task_resources=cpus:3", "--max_short_task_duration=5secs")
    check("'cpus:3' is not among what the agent has" in text and "cpus:2" in text, text)


def test_are_offered_to_those_who_asked(cluster):
    cluster.master("--offer_timeout=0secs")
    agent = cluster.agent(*flags(90))
    plain = cluster.scheduler(name="plain")
    offer = wait_for(lambda: next(iter(plain.offers.values()), None), "an offer")
    equal(amount(offer, "cpus"), 3.0, "without what is set aside")
    check(not is_short(offer), "an ordinary offer")
    asked = cluster.scheduler(name="asked", labels=LABELS)
    offer = offer_of(asked)
    equal((amount(offer, "cpus"), amount(offer, "mem")), (1.0, 256.0))
    value = next(each for each in offer["attributes"] if each["name"] == ATTRIBUTE)
    equal(value["scalar"]["value"], 90.0)
    equal(len(plain.offers), 1, "offers to who did not ask")
    equal(agent.state()["resources"]["cpus"], 4.0, "all that the agent has")
    equal(agent.state()["souk_short_slots"]["resources"]["cpus"], 1.0)


def test_long_tasks_are_killed_in_them_only(cluster):
    cluster.master("--offer_timeout=0secs")
    cluster.agent(*flags(1))
    main = cluster.scheduler(name="main", labels=LABELS)
    launch(main, "ordinary", "sleep 1000", short=False)
    launch(main, "short", "sleep 1000")
    overstayed(main, "short", 1)
    launch(main, "stubborn", "trap '' TERM; while :; do sleep 0.1; done")
    overstayed(main, "stubborn", 1)
    launch(main, "brief", "sleep 0.1")
    equal(main.wait_terminal("brief")["state"], "TASK_FINISHED")
    equal(main.states("ordinary")[-1], "TASK_RUNNING")


def test_the_limit_goes_on_while_the_agent_is_away(cluster):
    cluster.master("--offer_timeout=0secs")
    agent = cluster.agent(*flags(6))
    main = cluster.scheduler(name="main", labels=LABELS)
    launch(main, "short", "sleep 1000")
    began = time.monotonic()
    agent.kill()
    time.sleep(2)
    agent.restart()
    overstayed(main, "short", 6)
    check(time.monotonic() - began >= 3, "it had its time")
    launch(main, "next", "true")
    equal(main.wait_terminal("next")["state"], "TASK_FINISHED")


if __name__ == "__main__":
    run_tests(globals())
