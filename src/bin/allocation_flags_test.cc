#include "bin/allocation_flags.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "allocator/modules.h"

namespace souk::bin {
namespace {

struct Parsed {
  runtime::MasterNodeOptions options;
  std::string error;
  std::vector<std::pair<std::string, std::string>> values;
  std::string help;

  const allocator::Options& allocation() const { return options.allocation; }
};

Parsed parse(std::vector<std::string> arguments) {
  Parsed out;
  CLI::App app;
  Flags flags(app);
  AllocationFlags allocation;
  allocation.add_to(flags);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
  try {
    app.parse(arguments);
    const auto ready = allocation.finish(out.options);
    if (!ready) out.error = ready.error().message;
  } catch (const CLI::ParseError& error) {
    out.error = error.what();
  }
  out.values = flags.values();
  out.help = app.help();
  return out;
}

std::string value_of(const Parsed& parsed, const std::string& name) {
  for (const auto& [flag, value] : parsed.values) {
    if (flag == name) return value;
  }
  return "not there";
}

TEST(AllocationFlags, WithoutThemTheDefaultsHold) {
  const Parsed parsed = parse({});
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.options.allocator, allocator::kDefaultModule);
  EXPECT_EQ(parsed.allocation().fair_resource, "cpus");
  EXPECT_EQ(parsed.allocation().revocation_delay, std::nullopt);
  EXPECT_EQ(parsed.allocation().revocation_grace, 30s);
  EXPECT_TRUE(parsed.allocation().role_priorities.empty());
  EXPECT_TRUE(parsed.allocation().excluded_from_share.empty());
  EXPECT_TRUE(parsed.allocation().parameters.empty());
  EXPECT_EQ(value_of(parsed, "revocation_delay"), "");
  EXPECT_EQ(value_of(parsed, "revocation_grace_period"), "30secs");
}

TEST(AllocationFlags, AllOfThem) {
  const Parsed parsed =
      parse({"--allocator=./mine.so", "--allocator_options=a=1; b = x=y ;", "--fair_resource=mem",
             "--role_priorities=prod=10, batch=-1", "--revocation_delay=5mins",
             "--fair_sharing_excluded_resource_names=gpus, disk", "--revocation_grace_period=0"});
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.options.allocator, "./mine.so");
  const std::map<std::string, std::string> parameters = {{"a", "1"}, {"b", "x=y"}};
  EXPECT_EQ(parsed.allocation().parameters, parameters);
  EXPECT_EQ(parsed.allocation().fair_resource, "mem");
  const std::map<std::string, int64_t> priorities = {{"prod", 10}, {"batch", -1}};
  EXPECT_EQ(parsed.allocation().role_priorities, priorities);
  const std::set<std::string> excluded = {"gpus", "disk"};
  EXPECT_EQ(parsed.allocation().excluded_from_share, excluded);
  EXPECT_EQ(parsed.allocation().revocation_delay, 5min);
  EXPECT_EQ(parsed.allocation().revocation_grace, 0s);
  EXPECT_EQ(value_of(parsed, "revocation_delay"), "5mins");
}

TEST(AllocationFlags, MistakesNameTheFlag) {
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"--allocator_options=fast", "--allocator_options: 'fast' is not KEY=VALUE"},
      {"--allocator_options==1", "--allocator_options: '=1' is not KEY=VALUE"},
      {"--allocator_options=a=1;a=2", "--allocator_options: 'a' is set twice"},
      {"--fair_resource=", "--fair_resource"},
      {"--fair_resource=cpus:4", "--fair_resource: 'cpus:4' is not the name"},
      {"--fair_resource=ports", "--fair_resource: ports are no amount"},
      {"--role_priorities=prod", "--role_priorities: 'prod' is not KEY=VALUE"},
      {"--role_priorities=prod=high", "--role_priorities: 'high' is not a whole number"},
      {"--role_priorities=prod=1.5", "--role_priorities: '1.5' is not a whole number"},
      {"--role_priorities=prod=", "--role_priorities: '' is not a whole number"},
      {"--role_priorities=prod=1000001", "is not a whole number from -1000000 to 1000000"},
      {"--role_priorities=prod=99999999999999999999", "is not a whole number"},
      {"--role_priorities=a/b=1", "--role_priorities: a/b: levels are of top-level roles"},
      {"--role_priorities=-x=1", "--role_priorities: '-x' is not a role"},
      {"--role_priorities=a=1,a=2", "--role_priorities: 'a' is set twice"},
      {"--fair_sharing_excluded_resource_names=a b", "resource_names: 'a b' is not the name"},
      {"--revocation_delay=0", "--revocation_delay must be above zero"},
      {"--revocation_delay=-5secs", "--revocation_delay must be above zero"},
      {"--revocation_delay=soon", "--revocation_delay"},
      {"--revocation_grace_period=-1secs", "--revocation_grace_period must not be below zero"},
  };
  for (const auto& [argument, text] : mistakes) {
    const std::string error = parse({argument}).error;
    EXPECT_NE(error.find(text), std::string::npos) << argument << ": " << error;
  }
}

TEST(AllocationFlags, HelpNamesEveryModule) {
  std::string help = parse({}).help;
  for (const auto& module : allocator::modules()) {
    EXPECT_NE(help.find(module.name), std::string::npos) << module.name;
  }
}

}  // namespace
}  // namespace souk::bin
