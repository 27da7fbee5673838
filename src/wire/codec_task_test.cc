#include <gtest/gtest.h>

#include "wire/codec_model.h"
#include "wire/json.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

template <class Message>
Message from_text(std::string_view json) {
  Message message;
  const auto parsed = from_json(json, message);
  EXPECT_TRUE(parsed) << parsed.error().message << "\n" << json;
  return message;
}

// A task with these fields besides the three that it must have.
TaskSpec task(std::string_view fields) {
  auto info =
      from_text<pb::TaskInfo>(R"({"name":"n","task_id":{"value":"t"},"agent_id":{"value":"S1"})" +
                              std::string(fields) + "}");
  return decode_task(info);
}

TEST(CodecTask, ReadsTheFieldsThatDecide) {
  const TaskSpec spec = task(R"(,"command":{"value":"true"},
    "resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":1},
                  "allocation_info":{"role":"r"}}],
    "kill_policy":{"grace_period":{"nanoseconds":5000000000}},
    "max_completion_time":{"nanoseconds":7}, "data":"aGk=")");
  EXPECT_EQ(spec.id, TaskId("t"));
  EXPECT_EQ(spec.name, "n");
  EXPECT_EQ(spec.agent_id, AgentId("S1"));
  EXPECT_EQ(spec.resources, *Resources::parse("cpus:1"));
  EXPECT_EQ(spec.allocation_role, std::string("r"));
  EXPECT_FALSE(spec.mixed_allocation_roles);
  EXPECT_TRUE(spec.has_command);
  EXPECT_FALSE(spec.executor);
  EXPECT_EQ(spec.kill_grace, 5s);
  EXPECT_EQ(spec.max_completion_time, 7ns);
  EXPECT_EQ(spec.features, Features{});
  EXPECT_FALSE(spec.resource_error);
  pb::TaskInfo raw;
  ASSERT_TRUE(parse_rest(spec.raw.view(), raw));
  EXPECT_EQ(raw.data(), "hi");
  // These are in the fields, and need not be kept twice.
  EXPECT_FALSE(raw.has_task_id() || raw.has_name() || raw.has_agent_id());
}

TEST(CodecTask, KeepsUnknownFields) {
  auto info =
      from_text<pb::TaskInfo>(R"({"name":"n","task_id":{"value":"t"},"agent_id":{"value":"S1"}})");
  info.GetReflection()->MutableUnknownFields(&info)->AddVarint(999, 42);
  const std::string before = serialize(info);
  const TaskSpec spec = decode_task(info);
  pb::TaskInfo out;
  encode_task(spec, out);
  EXPECT_EQ(serialize(out), before);
}

TEST(CodecTask, NamesWhatItAsksFor) {
  const auto features = [](std::string_view fields) { return task(fields).features; };
  EXPECT_EQ(features(R"(,"command":{"uris":[{"value":"http://x"}]})"), Features{Feature::kUris});
  EXPECT_EQ(features(R"(,"health_check":{"type":"TCP","tcp":{"port":1}})"),
            Features{Feature::kHealthCheck});
  EXPECT_EQ(features(R"(,"check":{"type":"TCP","tcp":{"port":1}})"), Features{Feature::kCheck});
  EXPECT_EQ(features(R"(,"limits":{"cpus":{"value":2}})"), Features{Feature::kLimits});
  EXPECT_EQ(features(R"(,"command":{"environment":{"variables":
              [{"name":"a","value":"b"},{"name":"s","type":"SECRET","secret":{}}]}})"),
            Features{Feature::kSecrets});
  EXPECT_EQ(features(R"(,"command":{"environment":{"variables":{"name":"a","value":"b"}}})"),
            Features{});
}

TEST(CodecTask, NamesContainersUnlessThereIsNothingInThem) {
  const auto features = [](const std::string& container) {
    return task(R"(,"container":)" + container).features;
  };
  EXPECT_EQ(features(R"({"type":"MESOS"})"), Features{});
  EXPECT_EQ(features(R"({"type":"MESOS","mesos":{},"volumes":[]})"), Features{});
  EXPECT_EQ(features(R"({"type":"DOCKER","docker":{"image":"i"}})"), Features{Feature::kContainer});
  const std::string image = R"({"type":"DOCKER","docker":{"name":"i"}})";
  EXPECT_EQ(features(R"({"type":"MESOS","mesos":{"image":)" + image + "}}"),
            Features{Feature::kContainer});
  EXPECT_EQ(features(R"({"type":"MESOS","hostname":"h"})"), Features{Feature::kContainer});
  EXPECT_EQ(features(R"({"type":"MESOS","network_infos":{"name":"n"}})"),
            Features{Feature::kContainer});
  EXPECT_EQ(features(R"({"type":"MESOS","rlimit_info":{}})"), Features{Feature::kContainer});
  EXPECT_EQ(features(R"({"type":"MESOS","tty_info":{}})"), Features{Feature::kContainer});
  EXPECT_EQ(features(R"({"type":"MESOS","linux_info":{}})"), Features{Feature::kContainer});
  EXPECT_EQ(features(R"({"type":"MESOS","volumes":{"mode":"RW","container_path":"p"}})"),
            Features{Feature::kVolumes});
  EXPECT_EQ(features(R"({"type":"DOCKER","volumes":{"mode":"RW","container_path":"p"}})"),
            (Features{Feature::kContainer, Feature::kVolumes}));
}

TEST(CodecTask, NamesSpecialResources) {
  const auto features = [](const std::string& name, const std::string& fields) {
    return task(R"(,"resources":{"name":")" + name + R"(","type":"SCALAR","scalar":{"value":1})" +
                fields + "}")
        .features;
  };
  EXPECT_EQ(features("cpus", ""), Features{});
  EXPECT_EQ(features("gpus", ""), Features{Feature::kGpus});
  EXPECT_EQ(features("cpus", R"(,"revocable":{})"), Features{Feature::kRevocable});
  EXPECT_EQ(features("cpus", R"(,"shared":{})"), Features{Feature::kShared});
  EXPECT_EQ(features("cpus", R"(,"role":"a")"), Features{Feature::kReservation});
  EXPECT_EQ(features("disk", R"(,"disk":{"source":{"type":"PATH"}})"), Features{Feature::kDisk});
}

TEST(CodecTask, BadResourcesBecomeATextOfTheTask) {
  const TaskSpec spec =
      task(R"(,"resources":{"name":"cpus","type":"SCALAR","scalar":{"value":-1}})");
  ASSERT_TRUE(spec.resource_error);
  EXPECT_NE(spec.resource_error->find("'cpus'"), std::string::npos) << *spec.resource_error;
  EXPECT_TRUE(spec.resources.empty());
  const TaskSpec with_executor = task(R"(,"executor":{"executor_id":{"value":"e"},
    "resources":{"name":"mem","type":"SCALAR"}})");
  ASSERT_TRUE(with_executor.resource_error);
  EXPECT_NE(with_executor.resource_error->find("executor 'e'"), std::string::npos);
}

TEST(CodecTask, AllocationRolesOfTaskAndExecutorMustAgree) {
  const auto resources = [](const std::string& role) {
    return R"("resources":{"name":"cpus","type":"SCALAR","scalar":{"value":1},
              "allocation_info":{"role":")" +
           role + R"("}})";
  };
  const TaskSpec same = task("," + resources("a") + R"(,"executor":{"executor_id":{"value":"e"},)" +
                             resources("a") + "}");
  EXPECT_FALSE(same.mixed_allocation_roles);
  const TaskSpec mixed = task(
      "," + resources("a") + R"(,"executor":{"executor_id":{"value":"e"},)" + resources("b") + "}");
  EXPECT_TRUE(mixed.mixed_allocation_roles);
  EXPECT_EQ(mixed.allocation_role, std::string("a"));
  const TaskSpec only = task(R"(,"executor":{"executor_id":{"value":"e"},)" + resources("b") + "}");
  EXPECT_EQ(only.allocation_role, std::string("b"));
}

TEST(CodecExecutor, ReadsTheFieldsThatDecide) {
  const ExecutorSpec spec = decode_executor(from_text<pb::ExecutorInfo>(
                                                R"({"type":"CUSTOM","executor_id":{"value":"e"},
    "framework_id":{"value":"F"},"command":{"value":"x","uris":{"value":"u"}},"name":"n",
    "container":{"type":"DOCKER"},"shutdown_grace_period":{"nanoseconds":9},
    "resources":{"name":"gpus","type":"SCALAR","scalar":{"value":1}}})"))
                                .spec;
  EXPECT_EQ(spec.id, ExecutorId("e"));
  EXPECT_EQ(spec.framework_id, FrameworkId("F"));
  EXPECT_EQ(spec.type, ExecutorSpec::Type::kCustom);
  EXPECT_TRUE(spec.has_command);
  EXPECT_EQ(spec.name, "n");
  EXPECT_EQ(spec.shutdown_grace, 9ns);
  EXPECT_EQ(spec.features, (Features{Feature::kUris, Feature::kContainer, Feature::kGpus}));
}

TEST(CodecExecutor, FieldsLieOverTheRawBytes) {
  ExecutorSpec spec =
      decode_executor(from_text<pb::ExecutorInfo>(
                          R"({"executor_id":{"value":"e"},"command":{"value":"x"},"data":"aGk="})"))
          .spec;
  spec.framework_id = FrameworkId("F");
  spec.type = ExecutorSpec::Type::kCustom;
  spec.shutdown_grace = 3ns;
  pb::ExecutorInfo out;
  encode_executor(spec, out);
  EXPECT_EQ(to_json(out),
            R"({"type":"CUSTOM","executor_id":{"value":"e"},"framework_id":{"value":"F"},)"
            R"("command":{"shell":true,"value":"x"},"data":"aGk=",)"
            R"("shutdown_grace_period":{"nanoseconds":3}})");
}

TEST(CodecTask, BuiltFromNothing) {
  TaskSpec spec;
  spec.id = TaskId("t");
  spec.name = "n";
  spec.agent_id = AgentId("S1");
  spec.resources = *Resources::parse("cpus:1;ports:[1-2]");
  spec.kill_grace = 4s;
  spec.max_completion_time = 1h;
  spec.executor = ExecutorSpec{.id = ExecutorId("e"),
                               .type = ExecutorSpec::Type::kDefault,
                               .name = "x",
                               .resources = *Resources::parse("mem:32")};
  pb::TaskInfo out;
  encode_task(spec, out);
  ASSERT_TRUE(out.IsInitialized());
  TaskSpec back = decode_task(out);
  EXPECT_FALSE(back.raw.empty());
  back.raw = {};
  back.executor->raw = {};
  EXPECT_EQ(back, spec);
}

// --- statuses

TEST(CodecStatus, ReadsAllFieldsAndKeepsTheRest) {
  const auto in = from_text<pb::TaskStatus>(R"({"task_id":{"value":"t"},"state":"TASK_RUNNING",
    "source":"SOURCE_EXECUTOR","reason":"REASON_TASK_CHECK_STATUS_UPDATED","message":"m",
    "agent_id":{"value":"S"},"executor_id":{"value":"e"},"timestamp":1.5,
    "uuid":"AAECAwQFBgcICQoLDA0ODw==","healthy":false,"data":"aGk=",
    "labels":{"labels":{"key":"k","value":"v"}},"unreachable_time":{"nanoseconds":5},
    "check_status":{"type":"COMMAND","command":{"exit_code":3}},
    "container_status":{"container_id":{"value":"c"},"executor_pid":7}})");
  const TaskStatus status = decode_status(in);
  EXPECT_EQ(status.task_id, TaskId("t"));
  EXPECT_EQ(status.state, TaskState::kRunning);
  EXPECT_EQ(status.source, StatusSource::kExecutor);
  EXPECT_EQ(status.reason, Reason::kTaskCheckStatusUpdated);
  EXPECT_EQ(status.message, "m");
  EXPECT_EQ(status.agent_id, AgentId("S"));
  EXPECT_EQ(status.executor_id, ExecutorId("e"));
  EXPECT_EQ(status.timestamp, WallTime(1500ms));
  ASSERT_TRUE(status.uuid);
  EXPECT_EQ(status.uuid->bytes[15], 15);
  EXPECT_EQ(status.healthy, false);
  EXPECT_EQ(status.labels, (Labels{{"k", "v"}}));
  EXPECT_EQ(status.unreachable_time, WallTime(5ns));
  EXPECT_EQ(status.container_id, ContainerId("c"));
  pb::TaskStatus out;
  encode_status(status, out);
  EXPECT_EQ(to_json(out), to_json(in));
}

TEST(CodecStatus, RawIsEmptyWhenThereIsNothingMore) {
  const TaskStatus status = decode_status(from_text<pb::TaskStatus>(
      R"({"task_id":{"value":"t"},"state":"TASK_FINISHED","uuid":"AAECAwQFBgcICQoLDA0ODw==",
          "container_status":{"container_id":{"value":"c"}}})"));
  EXPECT_TRUE(status.raw.empty());
}

TEST(CodecStatus, FieldsLieOverTheRawBytes) {
  TaskStatus status = decode_status(from_text<pb::TaskStatus>(
      R"({"task_id":{"value":"t"},"state":"TASK_RUNNING","data":"aGk=","healthy":true,
          "container_status":{"network_infos":{"ip_addresses":{"ip_address":"10.0.0.9"}}}})"));
  status.state = TaskState::kLost;
  status.source = StatusSource::kMaster;
  status.reason = Reason::kAgentRemoved;
  status.healthy = std::nullopt;
  status.container_id = ContainerId("c");
  pb::TaskStatus out;
  encode_status(status, out);
  EXPECT_EQ(to_json(out),
            R"({"task_id":{"value":"t"},"state":"TASK_LOST","source":"SOURCE_MASTER",)"
            R"("reason":"REASON_AGENT_REMOVED","data":"aGk=","container_status":)"
            R"({"container_id":{"value":"c"},"network_infos":[{"ip_addresses":)"
            R"([{"protocol":"IPv4","ip_address":"10.0.0.9"}]}]}})");
}

TEST(CodecStatus, AUuidOfAnotherLengthIsNone) {
  const TaskStatus status = decode_status(from_text<pb::TaskStatus>(
      R"({"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":"AAEC"})"));
  EXPECT_FALSE(status.uuid);
}

TEST(CodecStatus, EveryStateSourceAndReasonHasTheNumberOfTheProtocol) {
  for (uint32_t i = 0; i < 14; ++i) {
    EXPECT_EQ(to_string(*task_state(i)), pb::TaskState_Name(static_cast<pb::TaskState>(i)));
  }
  EXPECT_FALSE(task_state(14));
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(to_string(*status_source(i)),
              pb::TaskStatus::Source_Name(static_cast<pb::TaskStatus::Source>(i)));
  }
  EXPECT_FALSE(status_source(3));
  for (uint32_t i = 0; i < 35; ++i) {
    EXPECT_EQ(to_string(*reason(i)),
              pb::TaskStatus::Reason_Name(static_cast<pb::TaskStatus::Reason>(i)));
  }
  EXPECT_FALSE(reason(35));
}

}  // namespace
}  // namespace souk::wire
