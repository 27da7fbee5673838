#include "wire/command.h"

#include <gtest/gtest.h>

#include "wire/codec_model.h"
#include "wire/json.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

Blob raw_task(std::string_view command) {
  pb::TaskInfo task;
  const std::string json =
      R"({"name":"n","task_id":{"value":"t"},"agent_id":{"value":"S"},"command":)" +
      std::string(command) + "}";
  EXPECT_TRUE(from_json(json, task)) << json;
  return Blob(serialize(task));
}

TEST(Command, IsReadFromATask) {
  const auto shell = task_command(raw_task(
      R"({"value":"echo $A","user":"nobody","environment":{"variables":
         [{"name":"A","value":"1"},{"name":"A","value":"2"},{"name":"EMPTY"}]}})"));
  ASSERT_TRUE(shell);
  EXPECT_EQ(*shell, (CommandSpec{.shell = true,
                                 .value = "echo $A",
                                 .environment = {{"A", "1"}, {"A", "2"}, {"EMPTY", ""}},
                                 .user = "nobody"}));
  const auto argv = task_command(
      raw_task(R"({"shell":false,"value":"/bin/echo","arguments":["echo","hi there"]})"));
  ASSERT_TRUE(argv);
  EXPECT_FALSE(argv->shell);
  EXPECT_EQ(argv->arguments, (std::vector<std::string>{"echo", "hi there"}));
}

TEST(Command, IsReadFromAnExecutor) {
  const ExecutorSpec spec = with_command(
      ExecutorSpec{.id = ExecutorId("e")},
      {.shell = false, .value = "/bin/true", .arguments = {"true"}, .environment = {{"A", "b"}}});
  EXPECT_TRUE(spec.has_command);
  const auto command = executor_command(spec.raw);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->value, "/bin/true");
  EXPECT_EQ(command->environment.size(), 1u);
}

TEST(Command, WithCommandReplacesTheOldOneAndKeepsTheRest) {
  TaskSpec task;
  task.id = TaskId("t");
  task.name = "n";
  task.agent_id = AgentId("S");
  task = with_command(task, {.value = "one", .arguments = {"x"}});
  task.agent_id = AgentId("T");
  task = with_command(task, {.value = "two"});
  const auto command = task_command(task.raw);
  ASSERT_TRUE(command);
  EXPECT_EQ(*command, (CommandSpec{.value = "two"}));
  pb::TaskInfo info;
  ASSERT_TRUE(parse_binary(task.raw.view(), info));
  EXPECT_EQ(info.agent_id().value(), "T");
}

TEST(Command, RefusesWhatNoProcessCanBeStartedBy) {
  EXPECT_FALSE(task_command(Blob()));
  EXPECT_FALSE(task_command(Blob("\xff garbage")));
  for (const char* bad : {
           R"({})",
           R"({"value":""})",
           R"({"shell":false})",
           R"({"value":"a\u0000b"})",
           R"({"value":"a","user":"\u0000"})",
           R"({"shell":false,"value":"a","arguments":["\u0000"]})",
           R"({"value":"a","environment":{"variables":{"name":"","value":"b"}}})",
           R"({"value":"a","environment":{"variables":{"name":"A=B","value":"b"}}})",
           R"({"value":"a","environment":{"variables":{"name":"A","value":"\u0000"}}})",
           R"({"value":"a","environment":{"variables":{"name":"A","type":"SECRET"}}})",
       }) {
    const auto command = task_command(raw_task(bad));
    ASSERT_FALSE(command) << bad;
    EXPECT_NE(command.error().message, "");
  }
}

TEST(Command, ParsesResourcesAsTextOrJson) {
  const auto expected = Resources::parse("cpus:4;mem(eng):100");
  EXPECT_EQ(parse_resources("cpus:4;mem(eng):100"), expected);
  EXPECT_EQ(parse_resources(R"( [{"name":"cpus","type":"SCALAR","scalar":{"value":4}},
    {"name":"mem","type":"SCALAR","scalar":{"value":100},"role":"eng"}] )"),
            expected);
  EXPECT_EQ(parse_resources("[]"), Resources());
  EXPECT_FALSE(parse_resources("["));
  EXPECT_FALSE(parse_resources(R"([{"name":"cpus"}])"));
  EXPECT_FALSE(parse_resources(R"([{"name":"cpus","type":"SCALAR"}])"));
  EXPECT_FALSE(parse_resources(R"([]},"x":{)"));
  EXPECT_FALSE(parse_resources("nonsense"));
}

}  // namespace
}  // namespace souk::wire
