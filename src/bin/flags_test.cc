#include "bin/flags.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "bin/node_flags.h"

namespace souk::bin {
namespace {

// Set for as long as it lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

struct Parsed {
  std::string work_dir = "/var/lib";
  double share = 0.5;
  int count = 3;
  uint16_t port = 5050;
  Duration timeout = 90s;
  bool quiet = false;
  bool loud = true;
  std::vector<std::pair<std::string, std::string>> values;
  std::string error;  // of CLI11
};

Parsed parse(std::vector<std::string> arguments) {
  Parsed out;
  CLI::App app;
  Flags flags(app);
  flags.add("work_dir", out.work_dir, "where");
  flags.add("share", out.share, "how much");
  flags.add("count", out.count, "how many");
  flags.add("port", out.port, "where too");
  flags.add("timeout", out.timeout, "how long");
  flags.add("quiet", out.quiet, "whether");
  flags.add("loud", out.loud, "whether not");
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    out.error = error.what();
  }
  out.values = flags.values();
  return out;
}

TEST(Flags, DefaultsAreWhatTheTargetsHold) {
  const Parsed parsed = parse({});
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.work_dir, "/var/lib");
  EXPECT_EQ(parsed.timeout, 90s);
  EXPECT_FALSE(parsed.quiet);
  EXPECT_TRUE(parsed.loud);
}

TEST(Flags, TakesValuesEitherWay) {
  const Parsed parsed = parse({"--work_dir=/tmp/x", "--share", "0.25", "--count=-7", "--port=0",
                               "--timeout=15secs", "--quiet", "--no-loud"});
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.work_dir, "/tmp/x");
  EXPECT_EQ(parsed.share, 0.25);
  EXPECT_EQ(parsed.count, -7);
  EXPECT_EQ(parsed.port, 0);
  EXPECT_EQ(parsed.timeout, 15s);
  EXPECT_TRUE(parsed.quiet);
  EXPECT_FALSE(parsed.loud);
}

TEST(Flags, RemembersWhatWasSet) {
  const Parsed parsed = parse({"--timeout=250ms", "--no-loud", "--count=4"});
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"work_dir", "/var/lib"}, {"share", "0.5"},   {"count", "4"},   {"port", "5050"},
      {"timeout", "250ms"},     {"quiet", "false"}, {"loud", "false"}};
  EXPECT_EQ(parsed.values, expected);
}

TEST(Flags, BooleansTakeValues) {
  EXPECT_FALSE(parse({"--loud=false"}).loud);
  EXPECT_TRUE(parse({"--quiet=true"}).quiet);
  EXPECT_NE(parse({"--quiet=perhaps"}).error, "");
}

TEST(Flags, DurationsHaveUnits) {
  EXPECT_EQ(parse({"--timeout=1.5mins"}).timeout, 90s);
  EXPECT_EQ(parse({"--timeout=2hrs"}).timeout, 2h);
  EXPECT_EQ(parse({"--timeout=0"}).timeout, 0s);
  EXPECT_NE(parse({"--timeout=5"}).error.find("--timeout"), std::string::npos);
  EXPECT_NE(parse({"--timeout=5 apples"}).error, "");
  EXPECT_NE(parse({"--timeout="}).error, "");
}

TEST(Flags, RefusesWhatIsNoNumber) {
  EXPECT_NE(parse({"--count=many"}).error, "");
  EXPECT_NE(parse({"--port=70000"}).error, "");
  EXPECT_NE(parse({"--port=-1"}).error, "");
  EXPECT_NE(parse({"--share=half"}).error, "");
}

TEST(Flags, ComeFromTheEnvironmentToo) {
  const Environment dir("SOUK_WORK_DIR", "/from/env");
  const Environment timeout("SOUK_TIMEOUT", "7secs");
  const Environment quiet("SOUK_QUIET", "true");
  const Environment loud("SOUK_LOUD", "false");
  const Parsed parsed = parse({});
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.work_dir, "/from/env");
  EXPECT_EQ(parsed.timeout, 7s);
  EXPECT_TRUE(parsed.quiet);
  EXPECT_FALSE(parsed.loud);
  EXPECT_EQ(parse({"--work_dir=/given"}).work_dir, "/given");
}

TEST(Flags, TheNamesOfMesosAreUnderstood) {
  const Environment theirs("MESOS_PORT", "6060");
  EXPECT_EQ(parse({}).port, 6060);
  const Environment ours("SOUK_PORT", "7070");
  EXPECT_EQ(parse({}).port, 7070);
}

TEST(Flags, ABadValueInTheEnvironmentIsAnError) {
  const Environment timeout("SOUK_TIMEOUT", "soon");
  EXPECT_NE(parse({}).error, "");
}

// --- texts for mistakes

std::string explained(std::vector<std::string> arguments) {
  CLI::App app;
  app.require_subcommand(1);
  std::string dir;
  int port = 0;
  CLI::App* master = app.add_subcommand("master", "leads");
  Flags flags(*master);
  flags.add("work_dir", dir, "where");
  flags.add("port", port, "where too");
  app.add_subcommand("agent", "runs");
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return explain_parse_error(app, error, arguments);
  }
  return "parsed";
}

TEST(Flags, ExplainsMistakesByWhatIsNear) {
  EXPECT_EQ(explained({"master", "--port=1"}), "parsed");
  EXPECT_EQ(explained({"master", "--workdir=/x"}),
            "souk master: there is no flag --workdir; did you mean --work_dir?\n"
            "Try `souk master --help`.");
  EXPECT_EQ(explained({"master", "--qqqqqqqqqq"}),
            "souk master: there is no flag --qqqqqqqqqq\nTry `souk master --help`.");
  EXPECT_EQ(explained({"mastre"}),
            "souk: there is no command 'mastre'; did you mean `souk master`?\nTry `souk --help`.");
  EXPECT_EQ(explained({"xyzzyxyzzy"}),
            "souk: there is no command 'xyzzyxyzzy'\nTry `souk --help`.");
}

TEST(Flags, ExplainsABadValueByItsFlag) {
  const std::string text = explained({"master", "--port=many"});
  EXPECT_TRUE(text.starts_with("souk master: ")) << text;
  EXPECT_NE(text.find("--port"), std::string::npos) << text;
}

// --- what several commands share

TEST(Flags, ParsesMasters) {
  using Masters = std::vector<std::string>;
  EXPECT_EQ(parse_masters("a").value(), Masters{"a:5050"});
  EXPECT_EQ(parse_masters("a:1, b , http://c:3/").value(), (Masters{"a:1", "b:5050", "c:3"}));
  EXPECT_EQ(parse_masters("a,,b,").value(), (Masters{"a:5050", "b:5050"}));
  for (const char* nothing : {"", " ", ",", "http://"}) {
    EXPECT_EQ(parse_masters(nothing).error().message,
              "no master was given: say --master=HOST:PORT");
  }
  EXPECT_NE(parse_masters("a,zk://x:2181/mesos").error().message.find("ZooKeeper"),
            std::string::npos);
}

TEST(Flags, LogFlagsAreChecked) {
  LogFlags flags;
  flags.level = "loud";
  EXPECT_FALSE(flags.set_up().has_value());
  flags.level = "info";
  flags.format = "xml";
  EXPECT_FALSE(flags.set_up().has_value());
}

Result<void> master_finish(std::vector<std::string> arguments, MasterFlags& master) {
  CLI::App app;
  Flags flags(app);
  master.add_policy(flags);
  std::reverse(arguments.begin(), arguments.end());
  app.parse(arguments);
  return master.finish(flags);
}

TEST(MasterFlags, ParsesWeightsAndMinima) {
  MasterFlags master;
  ASSERT_TRUE(master_finish({"--weights=a=2, b=0.5"}, master).has_value());
  EXPECT_EQ(master.options.allocation.role_weights.at("a").thousandths, 2000);
  EXPECT_EQ(master.options.allocation.role_weights.at("b").thousandths, 500);
  EXPECT_FALSE(master.options.allocation.min_allocatable.empty());
  EXPECT_FALSE(master.options.flags.empty());
}

TEST(MasterFlags, ParsesLimitsOfOfferConstraints) {
  MasterFlags master;
  ASSERT_TRUE(master_finish({}, master).has_value());
  EXPECT_EQ(master.options.allocation.constraint_limits.re2_max_mem, 4096);
  EXPECT_EQ(master.options.allocation.constraint_limits.re2_max_program_size, 100);
  const std::string size = "--offer_constraints_re2_max_program_size=7";
  for (const auto& [text, bytes] : std::map<std::string, int64_t>{
           {"1", 1}, {"5000B", 5000}, {"8KB", 8192}, {"1024MB", int64_t{1} << 30}}) {
    MasterFlags other;
    ASSERT_TRUE(master_finish({"--offer_constraints_re2_max_mem=" + text, size}, other)) << text;
    EXPECT_EQ(other.options.allocation.constraint_limits.re2_max_mem, bytes) << text;
    EXPECT_EQ(other.options.allocation.constraint_limits.re2_max_program_size, 7);
  }
}

constexpr const char* kDomain =
    R"({"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1"}}})";

template <class NodeFlags>
Result<void> place_finish(const std::string& argument, NodeFlags& node) {
  CLI::App app;
  Flags flags(app);
  node.add_place(flags);
  node.add_policy(flags);
  app.parse(std::vector<std::string>{argument});
  return node.finish(flags);
}

TEST(NodeFlags, ParseDomains) {
  const std::string file = ::testing::TempDir() + "souk-domain.json";
  std::ofstream(file) << kDomain << '\n';
  for (const std::string& value : {std::string(kDomain), file, "file://" + file}) {
    MasterFlags master;
    ASSERT_TRUE(place_finish("--domain=" + value, master).has_value()) << value;
    EXPECT_EQ(master.options.allocation.domain, (FaultDomain{"eu", "eu-1"}));
    AgentFlags agent;
    ASSERT_TRUE(place_finish("--domain=" + value, agent).has_value()) << value;
    EXPECT_EQ(agent.options.domain, (FaultDomain{"eu", "eu-1"}));
  }
  std::remove(file.c_str());
  for (const char* bad : {"eu", "{}", "/nowhere/domain.json", R"({"fault_domain":{}})"}) {
    MasterFlags master;
    const auto refused = place_finish(std::string("--domain=") + bad, master);
    ASSERT_FALSE(refused.has_value()) << bad;
    EXPECT_TRUE(refused.error().message.starts_with("--domain: ")) << refused.error().message;
    AgentFlags agent;
    EXPECT_FALSE(place_finish(std::string("--domain=") + bad, agent).has_value()) << bad;
  }
}

TEST(MasterFlags, RefusesWhatCannotBe) {
  for (const char* bad :
       {"--offer_constraints_re2_max_mem=0", "--offer_constraints_re2_max_mem=-1",
        "--offer_constraints_re2_max_mem=4kb", "--offer_constraints_re2_max_mem=1025MB",
        "--offer_constraints_re2_max_mem=9999999999999999999", "--offer_constraints_re2_max_mem=x",
        "--offer_constraints_re2_max_program_size=0", "--weights=a", "--weights=a=0",
        "--weights=a=-1", "--weights=a=x", "--weights=a=1x", "--min_allocatable_resources=cpus",
        "--heartbeat_interval=0", "--agent_ping_timeout=-1secs", "--max_agent_ping_timeouts=0"}) {
    MasterFlags master;
    EXPECT_FALSE(master_finish({bad}, master).has_value()) << bad;
  }
}

}  // namespace
}  // namespace souk::bin
