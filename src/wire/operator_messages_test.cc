#include "wire/operator_messages.h"

#include <gtest/gtest.h>

#include "wire/codec_operator.h"
#include "wire/json.h"
#include "wire/message_codec.h"
#include "wire/test_support.h"
#include "wire/test_view.h"

namespace souk::wire {
namespace {

using PbResponse = pb::master::Response;

std::string ask(const std::string& type, ContentType accept, const protocol::MasterView& view) {
  const auto decoded = decode_operator_call(R"({"type":")" + type + "\"}", ContentType::kJson);
  EXPECT_TRUE(decoded.has_value()) << type;
  const auto question = std::get<OperatorQuestion>(*decoded);
  EXPECT_TRUE(is_shared(question)) << type;
  const std::vector<std::pair<std::string, std::string>> flags;
  return answer_operator_question(question, {view, {flags, at(0)}, {}}, accept);
}

PbResponse answer(const std::string& type, const protocol::MasterView& view) {
  PbResponse response;
  const auto parsed = parse_binary(ask(type, ContentType::kProtobuf, view), response);
  EXPECT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(to_json(response), ask(type, ContentType::kJson, view));
  EXPECT_EQ(PbResponse::Type_Name(response.type()), type);
  return response;
}

protocol::MasterView rich() {
  protocol::MasterView view = sample();
  view.frameworks[1].inverse_offers = {{.id = OfferId("M-O9"),
                                        .agent_id = AgentId("M-S0"),
                                        .tasks = {TaskId("t")},
                                        .resources = resources("cpus:1"),
                                        .start = at(1100),
                                        .answer = {}}};
  view.frameworks[0].offer_constraints["ops"] = {};
  return view;
}

TEST(OperatorMessages, State) {
  expect_golden("operator_state.json", ask("GET_STATE", ContentType::kJson, rich()));
}

TEST(OperatorMessages, EachPartIsThatOfTheState) {
  const protocol::MasterView view = rich();
  const PbResponse response = answer("GET_STATE", view);
  const auto& state = response.get_state();
  const auto same = [](const google::protobuf::Message& a, const google::protobuf::Message& b) {
    EXPECT_GT(a.ByteSizeLong(), 50u);
    EXPECT_EQ(to_json(a), to_json(b));
  };
  same(answer("GET_TASKS", view).get_tasks(), state.get_tasks());
  same(answer("GET_EXECUTORS", view).get_executors(), state.get_executors());
  same(answer("GET_FRAMEWORKS", view).get_frameworks(), state.get_frameworks());
  same(answer("GET_AGENTS", view).get_agents(), state.get_agents());
}

TEST(OperatorMessages, OfAnEmptyCluster) {
  EXPECT_EQ(ask("GET_STATE", ContentType::kJson, {}),
            R"({"type":"GET_STATE","get_state":{"get_tasks":{},"get_executors":{},)"
            R"("get_frameworks":{},"get_agents":{}}})");
  EXPECT_TRUE(answer("GET_TASKS", {}).has_get_tasks());
}

// Not of its framework, nor that of its executor.
TEST(OperatorMessages, TheUserOfATask) {
  TaskEncoder encoder;
  pb::Task task;
  encoder.encode(rich_task(), "root", "", task);
  EXPECT_EQ(task.user(), "www");
  task.Clear();
  encoder.encode(task_view("t", TaskState::kRunning, {}), "bob", "", task);
  EXPECT_EQ(task.user(), "bob");
  EXPECT_FALSE(task.has_executor_id() || task.has_labels());  // nothing of the one before
}

}  // namespace
}  // namespace souk::wire
