"""souk sim --trace: the examples are replayed, the same twice; what it prints for scripts and plots
adds up; what is wrong with a trace is said with its place."""
import csv
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from souk_cluster import check, equal, run_tests

TRACES = ROOT / "examples/traces"
TEAMS = f"--trace={TRACES / 'two_teams.json'}"
JOBS = f"--trace={TRACES / 'jobs.csv'}"
MACHINES = "--agents=24*cpus:16;mem:65536"


def sim(cluster, *arguments, expected=0):
    status, out, err = cluster.souk("sim", *arguments)
    equal(status, expected, f"souk sim {arguments}: {out} {err}")
    return out if expected == 0 else err


def digest(text):
    last = text.splitlines()[-1].split()
    equal((len(last), last[0]), (2, "digest"))
    return last[1]


def report(cluster, *arguments):
    return json.loads(sim(cluster, *arguments, "--json"))


def framework(said, name):
    return next(each for each in said["frameworks"] if each["name"] == name)


def test_examples_are_the_same_twice(cluster):
    for arguments in ((TEAMS,), (TEAMS, "--allocator=lottery"), (JOBS, MACHINES)):
        first, again = (sim(cluster, *arguments) for _ in range(2))
        equal(digest(first), digest(again), str(arguments))
        check("All jobs were done after" in first, first)
    check(digest(sim(cluster, JOBS, MACHINES, "--seed=2")) != digest(again), "another seed")


def test_policies_differ_as_their_names_say(cluster):
    def slow(*arguments):
        said = report(cluster, TEAMS, *arguments)
        equal(said["end"], "all_done")
        return framework(said, "adhoc")["wait_secs"]["p95"]

    drf = slow()
    check(slow("--allocator=priority") < drf, "the higher level waits less")
    check(slow("--weights=batch=3,queries=1") > drf, "a smaller weight waits longer")
    check(slow("--more_agents=20*cpus:8;mem:32768") < drf, "more machines help")


def test_the_report_adds_up(cluster):
    plot = cluster.folder / "shares.csv"
    said = report(cluster, TEAMS, "--sample=1mins", f"--csv={plot}")
    equal(said["agents"], 60)
    equal(sum(each["jobs_done"] for each in said["frameworks"]), len(said["jobs"]))
    equal(sum(each["tasks_finished"] for each in said["frameworks"]),
          sum(each["tasks"] for each in said["jobs"]))
    for name, each in said["resources"].items():
        parts = each["used"] + each["idle_no_work"] + each["idle_too_small"] + each["idle_other"]
        check(0.9 < parts < 1.1, f"{name}: {each}")
    for job in said["jobs"]:
        check(job["completion_secs"] >= job["wait_secs"] + job["alone_secs"], str(job))
    check(len(said["samples"]) > 50, "a sample each minute")
    for sample in said["samples"]:
        check(sum(sample["dominant_shares"].values()) < 2, str(sample))
        check(max(sample["used"].values()) <= 1, str(sample))
    rows = list(csv.DictReader(plot.open()))
    equal(len(rows), len(said["samples"]))
    for row in rows:
        held = float(row["etl cpus"]) + float(row["adhoc cpus"])
        check(abs(held - 480 * float(row["used cpus"])) < 0.01, str(row))


def test_it_stops_when_told(cluster):
    said = report(cluster, TEAMS, "--until=10mins", "--sample=2mins")
    equal(said["end"], "until")
    equal([each["end_secs"] for each in said["samples"]], [120.0, 240.0, 360.0, 480.0, 600.0])
    check(framework(said, "etl")["jobs_done"] < 12, "not all were done")
    out = sim(cluster, TEAMS, "--until=1mins")
    check("Stopped after 60.0 s, as --until says" in out, out)


def test_a_trace_of_two_files(cluster):
    more = cluster.folder / "more.csv"
    more.write_text("framework,arrival,duration,cpus\nadhoc,5mins,30,1\n")
    said = report(cluster, TEAMS, f"--trace_jobs={more}", "--until=1mins")
    equal(len(said["jobs"]), 154)


def test_errors_say_where_and_what(cluster):
    trace = cluster.folder / "trace.json"
    for text, arguments, error in (
            ('{"cluster": {"agents": [\n{"count": "x"}]}}', (),
             f"{trace}: line 2: cluster.agents[0].count: expected a number, not a string"),
            ("{}", (), "there are no agents"),
            ("{}", ("--agents=x*cpus:1",), "--agents: 'x' is no number of agents"),
            ("framework,duration,cpus\na,1,100\n", ("--agents=cpus:1",),
             f"{trace}: line 2: job 'job1': demand: no agent is large enough for cpus:100"),
            ("framework,duration,cpus\na,1,1\n", ("--agents=cpus:1", "--allocator=x"), "x"),
            ("framework,duration,cpus\na,1,1\n", ("--agents=cpus:1", "--sample=0secs"), "--sample"),
            ("framework,duration,cpus\na,1,1\n", ("--agents=cpus:1", "--csv=/nowhere/x"), "--csv")):
        trace.write_text(text)
        err = sim(cluster, f"--trace={trace}", *arguments, expected=1)
        check(error in err, f"expected {error!r} in {err!r}")
    check("cannot read" in sim(cluster, "--trace=/nowhere/at/all", expected=1), "no such file")


if __name__ == "__main__":
    run_tests(globals())
