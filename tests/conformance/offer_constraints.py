"""Offers narrowed: by offer constraints of the framework, and by the region of the master."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import Scheduler, check, equal, run_tests, wait_for

AGENTS = {  # attributes, zone
    "eu-a": ("rack:r1;cores:8", ("eu", "eu-1")),
    "eu-b": ("rack:r2;ssd:yes", ("eu", "eu-2")),
    "us-a": ("rack:r1;ssd:yes", ("us", "us-1")),
    "bare": ("", None),
}


def domain_flag(region, zone):
    domain = {"fault_domain": {"region": {"name": region}, "zone": {"name": zone}}}
    return f"--domain={json.dumps(domain)}"


def set_up(cluster):
    cluster.master("--offer_timeout=0secs", domain_flag("eu", "eu-1"))
    for name, (attributes, place) in AGENTS.items():
        flags = [f"--attributes={attributes}"] if attributes else []
        flags += [domain_flag(*place)] if place else []
        cluster.agent(*flags, name=name, resources="cpus:1;mem:128;disk:10;ports:[31000-31009]")


def on(selector, kind, **body):
    """A constraint on a pseudo-attribute, which is in capitals, or on an attribute."""
    key = "pseudoattribute_type" if selector.isupper() else "attribute_name"
    return {"selector": {key: selector}, "predicate": {kind: body}}


def groups(*those):
    return {"groups": [{"attribute_constraints": list(each)} for each in those]}


class Constrained(Scheduler):
    def __init__(self, port, constraints=None, **info):
        super().__init__(port, **info)
        self.constraints = constraints

    def subscribe_call(self):
        call = super().subscribe_call()
        if self.constraints is not None:
            call["subscribe"]["offer_constraints"] = {"role_constraints": self.constraints}
        return call

    def hosts(self):
        with self.lock:
            return {each["hostname"] for each in self.offers.values()}

    def wait_hosts(self, *expected):
        wait_for(lambda: self.hosts() == set(expected),
                 lambda: f"offers of {expected}, saw {self.hosts()}")

    def decline_all(self, refuse=0.0):
        with self.lock:
            ids = [each["id"] for each in self.offers.values()]
            self.offers.clear()
        self.call("DECLINE", {"offer_ids": ids, "filters": {"refuse_seconds": refuse}})

    def tear_down(self):
        self.call("TEARDOWN")
        self.stream.closed.wait(10)


def constrained(cluster, constraints, capabilities=("REGION_AWARE",), **info):
    made = Constrained(cluster.master_node.port, constraints, capabilities=list(capabilities),
                       **info)
    cluster.schedulers.append(made)
    return made.subscribe()


def expect(cluster, constraint, *hosts):
    """Offers of these agents come, and no others: what is left goes to a framework that takes all."""
    one = constrained(cluster, {"*": groups(*constraint)}, name="one")
    one.wait_hosts(*hosts)
    others = constrained(cluster, None, name="others")
    others.wait_hosts(*set(AGENTS) - set(hosts))
    equal(one.hosts(), set(hosts), str(constraint))
    one.tear_down()
    others.tear_down()


def test_every_predicate(cluster):
    for constraint, hosts in [
            (on("rack", "exists"), ["eu-a", "eu-b", "us-a"]),
            (on("rack", "not_exists"), ["bare"]),
            (on("rack", "text_equals", value="r1"), ["eu-a", "us-a"]),
            (on("rack", "text_not_equals", value="r1"), ["eu-b", "bare"]),
            (on("rack", "text_matches", regex="r[2-9]"), ["eu-b"]),
            (on("rack", "text_matches", regex="r"), []),
            (on("rack", "text_not_matches", regex="r[2-9]"), ["eu-a", "us-a", "bare"]),
            # A number is no text, and passes.
            (on("cores", "text_equals", value="9"), ["eu-a"]),
            (on("cores", "text_not_equals", value="8"), list(AGENTS))]:
        expect(cluster, [[constraint]], *hosts)


def test_every_selector(cluster):
    for constraint, hosts in [
            (on("HOSTNAME", "text_equals", value="eu-b"), ["eu-b"]),
            (on("HOSTNAME", "text_matches", regex="eu-.*|bare"), ["eu-a", "eu-b", "bare"]),
            (on("REGION", "text_equals", value="us"), ["us-a"]),
            (on("REGION", "not_exists"), ["bare"]),
            (on("ZONE", "text_not_equals", value="eu-1"), ["eu-b", "us-a", "bare"])]:
        expect(cluster, [[constraint]], *hosts)


def test_any_group_of_which_all_hold(cluster):
    rack, ssd = on("rack", "text_equals", value="r1"), on("ssd", "exists")
    expect(cluster, [[rack, ssd]], "us-a")
    expect(cluster, [[rack, ssd], [on("HOSTNAME", "text_equals", value="bare")]], "us-a", "bare")


def test_each_role_has_its_own(cluster):
    both = constrained(cluster, {"a": groups([on("HOSTNAME", "text_equals", value="eu-a")]),
                                 "b": groups([on("HOSTNAME", "text_equals", value="eu-b")])},
                       capabilities=["REGION_AWARE", "MULTI_ROLE"], roles=["a", "b"])
    both.wait_hosts("eu-a", "eu-b")
    with both.lock:
        roles = {each["hostname"]: each["allocation_info"]["role"] for each in both.offers.values()}
    equal(roles, {"eu-a": "a", "eu-b": "b"})
    both.tear_down()


def test_update_framework_replaces_them(cluster):
    one = constrained(cluster, {"*": groups([on("HOSTNAME", "text_equals", value="eu-a")])})
    one.wait_hosts("eu-a")
    one.decline_all()

    def update(constraints, expected=200):
        return one.call("UPDATE_FRAMEWORK",
                        {"framework_info": {**one.info, "id": {"value": one.id}},
                         "offer_constraints": {"role_constraints": constraints}}, expected)
    answer = update({"*": groups([on("HOSTNAME", "text_matches", regex="(")])}, 400)
    check(b"regular expression" in answer, f"says what is wrong: {answer!r}")
    answer = update({"nobody": groups([on("rack", "exists")])}, 400)
    check(b"not contained in the set of roles" in answer, f"says what is wrong: {answer!r}")
    update({"*": groups([on("HOSTNAME", "text_equals", value="bare")])})
    # What was on its way when they changed is answered, and does not come again.
    one.call("REVIVE", {})
    wait_for(lambda: "bare" in one.hosts(), "an offer of the other agent")
    one.decline_all()
    wait_for(lambda: one.hosts() == {"bare"}, "offers of that one alone")
    one.tear_down()


def test_bad_ones_are_an_error_event(cluster):
    for constraints, words in [
            ({"*": groups([on("HOSTNAME", "text_matches", regex="a**")])}, "regular expression"),
            ({"*": groups([on("HOSTNAME", "text_matches", regex="a" * 200)])}, "too complex"),
            ({"*": groups([{"selector": {}, "predicate": {"exists": {}}}])}, "selector"),
            ({"*": groups([{"selector": {"attribute_name": "a"}, "predicate": {}}])}, "predicate"),
            ({"*": groups([])}, "no constraints"),
            ({"*": {}}, "no groups"),
            ({"r": groups([on("rack", "exists")])}, "not contained in the set of roles")]:
        bad = constrained(cluster, constraints)
        error = bad.of_type("ERROR")[0]["error"]["message"]
        check(words in error, f"{words!r} is not in {error!r}")
        check(bad.stream.closed.wait(10), "the stream is closed")
        equal(bad.of_type("SUBSCRIBED"), [])


def test_readers_see_them(cluster):
    constraints = {"*": groups([on("rack", "text_matches", regex="r.")])}
    one = constrained(cluster, constraints)
    for path in ("/frameworks", "/state"):
        shown = wait_for(lambda: [each for each in cluster.master_node.get(path)["frameworks"]
                                  if each["id"] == one.id], "the framework to be shown")
        equal(shown[0]["offer_constraints"], {"role_constraints": constraints}, path)
    one.tear_down()


# --- regions


def test_other_regions_only_for_the_region_aware(cluster):
    home = constrained(cluster, None, capabilities=[])
    home.wait_hosts("eu-a", "eu-b", "bare")
    aware = constrained(cluster, None)
    aware.wait_hosts("us-a")
    equal(home.hosts(), {"eu-a", "eu-b", "bare"})
    with aware.lock:
        offer = next(iter(aware.offers.values()))
    equal(offer["domain"], {"fault_domain": {"region": {"name": "us"}, "zone": {"name": "us-1"}}})
    info = aware.of_type("SUBSCRIBED")[0]["subscribed"]["master_info"]
    equal(info["domain"]["fault_domain"]["region"]["name"], "eu")
    equal(cluster.master_node.state()["domain"], info["domain"])
    home.tear_down()
    aware.tear_down()


if __name__ == "__main__":
    run_tests(globals(), set_up)
