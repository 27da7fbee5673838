#include "sim/trace.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souk::sim {
namespace {

constexpr std::string_view kGood = R"json({
  "comment": "anything",
  "cluster": {"agents": [
    {"count": 2, "resources": "cpus:8;mem:32768", "attributes": "rack:a;gen:3", "hostname": "small"},
    {"resources": "cpus:16;mem:65536;gpus:4"},
    {"resources": "cpus:8;mem:1024", "hostname": "small"}
  ]},
  "roles": {
    "prod": {"weight": 2.5, "priority": 7, "guarantee": "cpus:4", "limit": "cpus:16;mem:40000"},
    "prod/web": {"weight": 1}
  },
  "frameworks": [
    {"name": "web", "role": "prod/web", "order": "fair", "rigid": true, "max_running": 7,
     "refuse": "2secs", "locality_wait": 1.5},
    {"name": "batch"}
  ],
  "jobs": [
    {"name": "etl", "framework": "batch", "arrival": "10mins", "stages": [
      {"tasks": 3, "duration": "exponential(30secs)",
                           "demand" : "cpus:1;mem:512"
},
      {"duration": 4, "demand": "gpus:1", "hosts": ["node1", "small3"]}
    ]
},
    {"framework": "web", "tasks": 2, "duration": "1mins", "demand": "cpus:2",
     "repeat": {"times": 3, "every": "5secs"}}
  ]
})json";

Result<Trace> read(std::string_view text) {
  auto trace = parse_trace_json(text);
  if (!trace) return trace;
  if (auto done = complete(*trace); !done) return std::unexpected(done.error());
  return trace;
}

// kGood with one part of it replaced.
std::string with(std::string_view old, std::string_view fresh) {
  std::string text(kGood);
  const std::size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), fresh);
}

void expect_error(const std::string& text, std::string_view error) {
  const auto trace = read(text);
  ASSERT_FALSE(trace.has_value()) << error;
  EXPECT_NE(trace.error().message.find(error), std::string::npos)
      << trace.error().message << "\n  does not hold: " << error;
}

Resources bag(std::string_view text) { return Resources::parse(text).value(); }

TEST(Trace, HoldsWhatTheFileSays) {
  const auto trace = read(kGood);
  ASSERT_TRUE(trace.has_value()) << trace.error().message;
  EXPECT_EQ(count_agents(*trace), 4u);
  EXPECT_EQ(hostnames(*trace), (std::vector<std::string>{"small1", "small2", "node1", "small3"}));
  EXPECT_EQ(trace->agents[0].attributes.size(), 2u);
  ASSERT_EQ(trace->roles.size(), 2u);
  EXPECT_EQ(trace->roles[0].weight, Scalar{2500});
  EXPECT_EQ(trace->roles[0].priority, 7);
  EXPECT_EQ(to_string(trace->roles[0].quota.guarantees), "cpus:4");
  EXPECT_EQ(to_string(trace->roles[0].quota.limits), "cpus:16;mem:40000");
  EXPECT_EQ(trace->frameworks[0], (TraceFramework{.name = "web",
                                                  .role = "prod/web",
                                                  .order = workloads::JobOrder::kFair,
                                                  .rigid = true,
                                                  .max_running = 7,
                                                  .refuse = 2s,
                                                  .locality_wait = 1500ms}));
  EXPECT_EQ(trace->frameworks[1], (TraceFramework{.name = "batch"}));
  ASSERT_EQ(trace->jobs.size(), 4u);
  const TraceJob& etl = trace->jobs[0];
  EXPECT_EQ(etl.name, "etl");
  EXPECT_EQ(etl.arrival, 10min);
  EXPECT_EQ(etl.stages[0].tasks, 3u);
  EXPECT_EQ(etl.stages[0].lengths.kind, workloads::Lengths::Kind::kExponential);
  EXPECT_EQ(etl.stages[0].demand, bag("cpus:1;mem:512"));
  EXPECT_EQ(etl.stages[1].lengths.mean, 4s);
  EXPECT_EQ(etl.stages[1].hosts, (std::vector<std::string>{"node1", "small3"}));
  EXPECT_EQ(trace->jobs[1].name, "job2");
  EXPECT_EQ(trace->jobs[3].arrival, 10s);
  EXPECT_EQ(trace->jobs[3].stages[0].tasks, 2u);
}

TEST(Trace, NamesRepeatedJobsByNumber) {
  const auto trace = read(with(R"({"framework": "web")", R"({"name": "q", "framework": "web")"));
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->jobs[1].name, "q-1");
  EXPECT_EQ(trace->jobs[3].name, "q-3");
}

TEST(Trace, FrameworksThatAreNotNamedAreThoseOfTheJobs) {
  const auto trace = read(R"({"cluster": {"agents": [{"resources": "cpus:1"}]}, "jobs": [
    {"framework": "b", "duration": "1secs", "demand": "cpus:1"},
    {"framework": "a", "duration": "1secs", "demand": "cpus:1"},
    {"framework": "b", "duration": "1secs", "demand": "cpus:1"}]})");
  ASSERT_TRUE(trace.has_value()) << trace.error().message;
  ASSERT_EQ(trace->frameworks.size(), 2u);
  EXPECT_EQ(trace->frameworks[0], (TraceFramework{.name = "b"}));
  EXPECT_EQ(trace->frameworks[1], (TraceFramework{.name = "a"}));
}

struct Wrong {
  std::string_view old;
  std::string_view fresh;
  std::string_view error;
};

TEST(Trace, ErrorsNameLineFieldAndRemedy) {
  for (const Wrong& each : std::vector<Wrong>{
           {"\"cluster\"", "\"clutser\"", "line 3: clutser: not known here: did you mean cluster?"},
           {"\"count\": 2", "\"count\": 0", "line 4: cluster.agents[0].count: '0' is not a whole"},
           {"\"count\": 2", "\"count\": 2.5", "cluster.agents[0].count: '2.5' is not a whole"},
           {"\"count\": 2", "\"count\": \"2\"", "expected a number, not a string"},
           {"\"count\": 2", "\"count\": 100001", "from 1 to 100000"},
           {"\"count\": 2", "\"count\": 100000", "more than 100000 agents in all"},
           {"\"count\": 2", "\"count\": 2, \"count\": 2",
            "cluster.agents[0].count: is there twice"},
           {"cpus:8;mem:32768\", \"at", "cpus:x\", \"at", "line 4: cluster.agents[0].resources: "},
           {"cpus:8;mem:32768\", \"at", "\", \"at", "cluster.agents[0].resources: an agent needs"},
           {"cpus:8;mem:32768\", \"at", "cpus(a):8\", \"at", "reservations are not replayed"},
           {"rack:a;gen:3", "rack", "line 4: cluster.agents[0].attributes: "},
           {"\"hostname\": \"small\"", "\"hostname\": \"\"", "[0].hostname: an agent needs a name"},
           {"\"hostname\": \"small\"", "\"hostname\": \"node\"", ""},
           {"\"weight\": 2.5", "\"weight\": 0", "roles.prod.weight: '0' is no weight"},
           {"\"weight\": 2.5", "\"weight\": -1", "roles.prod.weight: '-1' is no weight"},
           {"\"priority\": 7", "\"priority\": 1000001", "roles.prod.priority: '1000001' is not"},
           {"\"prod/web\": {\"weight\": 1}", "\"prod/web\": {\"priority\": 1}",
            "roles.prod/web.priority: levels are of top-level roles"},
           {"\"prod/web\": {", "\"-web\": {", "roles: '-web' is not a role"},
           {"\"guarantee\": \"cpus:4\"", "\"guarantee\": \"cpus\"",
            "line 9: roles.prod.guarantee: "},
           {"\"guarantee\": \"cpus:4\"", "\"guarantee\": \"cpus:17\"", "roles: "},
           {"\"guarantee\": \"cpus:4\"", "\"quota\": \"cpus:4\"",
            "roles.prod.quota: not known here"},
           {"\"name\": \"web\"", "\"name\": \"\"", "frameworks[0].name: a framework needs a name"},
           {"\"name\": \"web\"", "\"name\": \"batch\"",
            "frameworks[1].name: 'batch' is there twice"},
           {"\"name\": \"web\"", "\"name\": \"a\\n\"", "frameworks[0].name: "},
           {"\"role\": \"prod/web\"", "\"role\": \"a//b\"",
            "frameworks[0].role: 'a//b' is not a role"},
           {"\"role\": \"prod/web\"", "\"weight\": 2", "frameworks[0].weight: not known here"},
           {"\"order\": \"fair\"", "\"order\": \"lifo\"",
            "frameworks[0].order: 'lifo' is no order"},
           {"\"rigid\": true", "\"rigid\": 1", "frameworks[0].rigid: expected a boolean"},
           {"\"max_running\": 7", "\"max_running\": 0", "frameworks[0].max_running: '0' is not"},
           {"\"refuse\": \"2secs\"", "\"refuse\": \"2 moons\"", "frameworks[0].refuse: "},
           {"\"locality_wait\": 1.5", "\"locality_wait\": -1", "locality_wait: '-1' is below zero"},
           {"\"framework\": \"batch\"", "\"framework\": \"bach\"",
            "line 18: jobs[0]: job 'etl': framework 'bach' is not among the frameworks: did you "
            "mean "
            "'batch'?"},
           {"\"10mins\"", "\"400days\"", "line 18: jobs[0].arrival: '400days' is more than"},
           {"\"10mins\"", "[]", "jobs[0].arrival: expected a string, not an array"},
           {"\"tasks\": 3", "\"tasks\": 0", "line 19: jobs[0].stages[0].tasks: '0' is not"},
           {"\"tasks\": 3", "\"tasks\": 5000000", "more than 5000000 in all jobs together"},
           {"exponential(30secs)", "poisson(30secs)",
            "stages[0].duration: 'poisson(30secs)' is no"},
           {"cpus:1;mem:512", "cpus:17", "job 'etl': stages[0]: demand: no agent is large enough"},
           {"cpus:1;mem:512", "ports:[1-2]", "demand: ports is no amount"},
           {"cpus:1;mem:512", "", "demand: a task needs something to run on"},
           {"small3", "small4", "hosts: no agent has the hostname 'small4'"},
           {"\"tasks\": 2, \"duration\"", "\"stages\": [{}], \"duration\"",
            "jobs[1]: say either stages or demand, not both"},
           {"\"times\": 3", "\"times\": 0", "jobs[1].repeat.times: '0' is not"},
           {"\"5secs\"", "\"300days\"", "jobs[1]: repeat: the last would arrive after more than"},
           {"\"demand\": \"cpus:2\"", "\"demand\": \"cpus:2;mem:50000\"",
            "is above the limit of the role prod, mem:40000"},
       }) {
    if (!each.error.empty()) expect_error(with(each.old, each.fresh), each.error);
  }
  expect_error(
      with("\"hostname\": \"small\"}\n  ]", "\"hostname\": \"small\", \"count\": 2,}\n  ]"),
      "line 6: cluster.agents[2]: not JSON");
}

TEST(Trace, RefusesWhatIsNoTrace) {
  expect_error("", "a value is missing");
  expect_error("[]", "expected an object, not an array");
  expect_error("{} {}", "not JSON");
  expect_error("{}", "there are no agents: describe them in cluster.agents, or by --agents");
  expect_error(R"({"cluster": {"agents": [{"resources": "cpus:1"}]}})", "there are no jobs");
  expect_error(R"({"cluster": {"agents": [{"hostname": "a", "count": 11, "resources": "cpus:1"},
                                          {"hostname": "a1", "resources": "cpus:1"}]}})",
               "two agents would have the hostname 'a11'");
  expect_error(R"({"cluster": {"agents": [{"resources": "cpus:1"}]},
                   "roles": {"a": {"guarantee": "cpus:2"}},
                   "jobs": [{"framework": "b", "duration": 1, "demand": "cpus:1"}]})",
               "roles.a.guarantee: cpus:2 is more than the cluster has");
}

TEST(Trace, PreferencesHaveABound) {
  std::string hosts;
  for (int i = 1; i <= 100; ++i) hosts += (i > 1 ? ",\"node" : "\"node") + std::to_string(i) + '"';
  const auto text = [&](int tasks) {
    return R"({"cluster": {"agents": [{"count": 100, "resources": "cpus:1"}]}, "jobs": [{
      "framework": "a", "duration": 1, "demand": "cpus:1", "tasks": )" +
           std::to_string(tasks) + R"(, "hosts": [)" + hosts + "]}]}";
  };
  EXPECT_TRUE(read(text(50'000)).has_value());
  expect_error(text(50'001), "hosts: their number times that of the tasks");
}

// A few bytes must not become gigabytes.
TEST(Trace, RepeatsHaveABound) {
  const auto text = [](int times, int stages) {
    std::string text = R"({"jobs": [{"framework": "a", "repeat": {"times": )" +
                       std::to_string(times) + R"(}, "stages": [)";
    for (int i = 0; i < stages; ++i) text += R"({"duration": 1, "demand": "cpus:1"},)";
    text.back() = ']';
    return text + "}]}";
  };
  EXPECT_EQ(parse_trace_json(text(500, 100))->jobs.size(), 500u);
  EXPECT_NE(parse_trace_json(text(50'001, 100)).error().message.find("more than 5000000 stages"),
            std::string::npos);
  EXPECT_NE(parse_trace_json(text(500'001, 1)).error().message.find("repeat.times: '500001'"),
            std::string::npos);
}

TEST(TraceLengths, AreAllThatAWorkloadKnows) {
  using workloads::Lengths;
  EXPECT_EQ(parse_lengths("1.5")->mean, 1500ms);
  EXPECT_EQ(parse_lengths(" 2mins ")->mean, 2min);
  EXPECT_EQ(parse_lengths("exponential(3)")->kind, Lengths::Kind::kExponential);
  const auto normal = parse_lengths("normal( 30secs, 5secs )");
  ASSERT_TRUE(normal.has_value());
  EXPECT_EQ(normal->mean, 30s);
  EXPECT_EQ(normal->deviation, 5s);
  EXPECT_EQ(parse_lengths("list(1 2 3)")->values, (std::vector<Duration>{1s, 2s, 3s}));
  for (const char* wrong : {"", "x", "normal(1)", "list()", "exponential(1 2)", "list(1", "-1",
                            "uniform(1 2)", "exponential(-1)", "1e3", "nan", "inf"}) {
    EXPECT_FALSE(parse_lengths(wrong).has_value()) << wrong;
  }
}

TEST(TraceAgentsText, IsACountAndResources) {
  EXPECT_EQ(parse_agents("60*cpus:8;mem:32768"),
            (TraceAgents{.count = 60, .resources = bag("cpus:8;mem:32768")}));
  EXPECT_EQ(parse_agents("cpus:8"), TraceAgents{.resources = bag("cpus:8")});
  for (const char* wrong : {"", "60", "60*", "*cpus:1", "0*cpus:1", "x*cpus:1", "100001*cpus:1"}) {
    EXPECT_FALSE(parse_agents(wrong).has_value()) << wrong;
  }
}

// --- CSV

TEST(JobsCsv, ColumnsMayStandInAnyOrder) {
  const auto jobs = parse_jobs_csv(
      "# exported\n\n"
      "arrival,framework,duration,demand,tasks,name,hosts\n"
      "90,etl,exponential(2mins),cpus:1;mem:512,3,\"a \"\"b\"\", c\",node1 node2\r\n"
      "\n2mins,adhoc,5,cpus:2,1,,\n");
  ASSERT_TRUE(jobs.has_value()) << jobs.error().message;
  ASSERT_EQ(jobs->size(), 2u);
  const TraceJob& first = jobs->front();
  EXPECT_EQ(first.name, "a \"b\", c");
  EXPECT_EQ(first.framework, "etl");
  EXPECT_EQ(first.arrival, 90s);
  EXPECT_EQ(first.where, "line 4");
  EXPECT_EQ(first.stages[0].tasks, 3u);
  EXPECT_EQ(first.stages[0].demand, bag("cpus:1;mem:512"));
  EXPECT_EQ(first.stages[0].hosts, (std::vector<std::string>{"node1", "node2"}));
  EXPECT_EQ(jobs->back().where, "line 6");
  EXPECT_EQ(jobs->back().stages[0].lengths.mean, 5s);
}

TEST(JobsCsv, TakesAmountsAndTimesAsOtherProgramsWriteThem) {
  const auto jobs = parse_jobs_csv(
      "name|framework|submitted|duration|cpus|mem|\n"
      "7|physics|1700000060|30|2|4G|\n"
      "8|biology|1700000000|40|1.5|512M|\n"
      "9|biology|1700000001|40|1|2048|\n");
  ASSERT_TRUE(jobs.has_value()) << jobs.error().message;
  EXPECT_EQ(jobs->at(0).arrival, 60s);
  EXPECT_EQ(jobs->at(1).arrival, 0s);
  EXPECT_EQ(jobs->at(0).stages[0].demand, bag("cpus:2;mem:4096"));
  EXPECT_EQ(jobs->at(1).stages[0].demand, bag("cpus:1.5;mem:512"));
  EXPECT_EQ(jobs->at(2).stages[0].demand, bag("cpus:1;mem:2048"));
}

TEST(JobsCsv, ErrorsNameLineAndColumn) {
  const std::string head = "framework,arrival,tasks,duration,cpus,mem\n";
  struct Case {
    std::string text;
    std::string_view error;
  };
  for (const Case& each : std::vector<Case>{
           {"", "its first row has to name the columns"},
           {"framework,duration,demnad\n",
            "line 1: column 'demnad' is not known: did you mean demand?"},
           {"framework,duration,cpus,cpus\n", "line 1: column 'cpus' is there twice"},
           {"duration,cpus\n", "a column 'framework' is missing"},
           {"framework,cpus\n", "a column 'duration' is missing"},
           {"framework,duration\n", "say what a task needs either"},
           {"framework,duration,demand,cpus\n", "say what a task needs either"},
           {"framework,duration,cpus,arrival,submitted\n", "say either arrival or submitted"},
           {head + "a,0,1,5,1\n", "line 2: 5 fields, not 6"},
           {head + "a,0,1,5,1,1,1\n", "line 2: 7 fields, not 6"},
           {head + "a,0,1,5,1,1\na,x,1,5,1,1\n", "line 3: arrival: 'x' is not a duration"},
           {head + "a,0,0,5,1,1\n", "line 2: tasks: '0' is not a whole number"},
           {head + "a,0,1,five,1,1\n", "line 2: duration: "},
           {head + "a,0,1,5,many,1\n", "line 2: "},
           {head + "a,0,1,5,1,4X\n", "line 2: mem: '4X' is no amount of memory"},
           {head + "a,0,1,5,1,\"4\n", "line 2: a \" is not closed"},
           {"framework,duration,cpus,submitted\na,1,1,yesterday\n",
            "line 2: submitted: 'yesterday'"},
           {"framework,duration,cpus,submitted\na,1,1,0\na,1,1,99999999\n",
            "line 3: submitted: more"},
           {head + std::string(100, ','), "line 2: too many fields"},
       }) {
    const auto jobs = parse_jobs_csv(each.text);
    ASSERT_FALSE(jobs.has_value()) << each.error;
    EXPECT_NE(jobs.error().message.find(each.error), std::string::npos)
        << jobs.error().message << "\n  does not hold: " << each.error;
  }
}

}  // namespace
}  // namespace souk::sim
