#include "wire/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mesos/v1/master/master.pb.h"
#include "mesos/v1/mesos.pb.h"
#include "mesos/v1/scheduler/scheduler.pb.h"
#include "wire/json_reader.h"

namespace souk::wire {
namespace {

namespace v1 = mesos::v1;

template <class T>
T parse(std::string_view text) {
  T message;
  const auto parsed = from_json(text, message);
  EXPECT_TRUE(parsed.has_value()) << text << "\n" << (parsed ? "" : parsed.error().message);
  return message;
}

template <class T>
std::string error_of(std::string_view text) {
  T message;
  const auto parsed = from_json(text, message);
  return parsed ? "no error: " + to_json(message) : parsed.error().message;
}

// --- Output ---

TEST(ToJson, PrintsFieldsInTheirOrderWithExplicitDefaults) {
  v1::FrameworkInfo info;
  info.set_name("batch");
  info.set_user("root");
  EXPECT_EQ(to_json(info),
            R"({"user":"root","name":"batch","failover_timeout":0.0,"checkpoint":false})");
}

TEST(ToJson, LeavesDeprecatedDefaultsOut) {
  v1::Resource cpus;
  cpus.set_name("cpus");
  cpus.set_type(v1::Value::SCALAR);
  cpus.mutable_scalar()->set_value(2);
  EXPECT_EQ(to_json(cpus), R"({"name":"cpus","type":"SCALAR","scalar":{"value":2.0}})");
  cpus.set_role("*");
  EXPECT_EQ(to_json(cpus), R"({"name":"cpus","type":"SCALAR","scalar":{"value":2.0},"role":"*"})");
}

TEST(ToJson, PrintsDefaultsOfEveryType) {
  EXPECT_EQ(to_json(v1::Filters()), R"({"refuse_seconds":5.0})");
  EXPECT_EQ(to_json(v1::NetworkInfo::IPAddress()), R"({"protocol":"IPv4"})");
  v1::CSIPluginInfo plugin;
  plugin.set_type("t");
  EXPECT_EQ(to_json(plugin), R"({"type":"t","name":"default"})");
  v1::AgentInfo agent;
  agent.set_hostname("h");
  EXPECT_EQ(to_json(agent), R"({"hostname":"h","port":5051})");
}

TEST(ToJson, PrintsWideIntegersAsNumbers) {
  v1::TimeInfo time;
  time.set_nanoseconds(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(to_json(time), R"({"nanoseconds":-9223372036854775808})");
  v1::Value::Range range;
  range.set_begin(0);
  range.set_end(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(to_json(range), R"({"begin":0,"end":18446744073709551615})");
}

TEST(ToJson, PrintsBytesAsBase64) {
  v1::TaskStatus status;
  status.mutable_task_id()->set_value("t");
  status.set_state(v1::TASK_RUNNING);
  status.set_uuid(std::string("\x00\xff\x10", 3));
  status.set_data("");
  EXPECT_EQ(to_json(status),
            R"({"task_id":{"value":"t"},"state":"TASK_RUNNING","data":"","uuid":"AP8Q"})");
}

TEST(ToJson, KeepsToOneLineOfAscii) {
  v1::Label label;
  label.set_key("a/b\n\"");
  label.set_value("\xF0\x9F\x98\x80\xff");
  EXPECT_EQ(to_json(label), R"({"key":"a/b\n\"","value":"\ud83d\ude00\ufffd"})");
}

TEST(ToJson, PrintsMapsAsObjectsSortedByKey) {
  v1::TaskInfo task;
  for (const char* name : {"mem", "cpus", "disk"}) (*task.mutable_limits())[name].set_value(1);
  (*task.mutable_limits())["mem"].set_value(INFINITY);
  EXPECT_EQ(to_json(task),
            R"({"limits":{"cpus":{"value":1.0},"disk":{"value":1.0},"mem":{"value":null}}})");
}

TEST(ToJson, PrintsRepeatedFieldsOfScalarsAndEnums) {
  v1::CapabilityInfo info;
  info.add_capabilities(v1::CapabilityInfo::CHOWN);
  info.add_capabilities(v1::CapabilityInfo::BPF);
  EXPECT_EQ(to_json(info), R"({"capabilities":["CHOWN","BPF"]})");
  v1::HealthCheck::HTTPCheckInfo http;
  http.set_port(80);
  http.add_statuses(200);
  http.add_statuses(204);
  EXPECT_EQ(to_json(http), R"({"protocol":"IPv4","port":80,"statuses":[200,204]})");
}

TEST(ToJson, AppendsInPlace) {
  std::string out = "x";
  v1::AgentID id;
  id.set_value("S1");
  append_json(out, id);
  EXPECT_EQ(out, R"(x{"value":"S1"})");
}

// --- Input ---

TEST(FromJson, ReadsACall) {
  const auto call = parse<v1::scheduler::Call>(R"({
    "type": "ACCEPT", "framework_id": {"value": "f"},
    "accept": {"offer_ids": [{"value": "o1"}, {"value": "o2"}],
               "operations": [{"type": "LAUNCH", "launch": {"task_infos": [
                 {"name": "n", "task_id": {"value": "t"}, "agent_id": {"value": "a"}, "data": "AP8Q",
                  "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}],
                  "limits": {"cpus": {"value": 2}, "mem": {"value": 32.5}}}]}}],
               "filters": {"refuse_seconds": 1e1}}})");
  EXPECT_EQ(call.type(), v1::scheduler::Call::ACCEPT);
  EXPECT_EQ(call.accept().offer_ids(1).value(), "o2");
  const auto& task = call.accept().operations(0).launch().task_infos(0);
  EXPECT_EQ(task.data(), std::string("\x00\xff\x10", 3));
  EXPECT_EQ(task.resources(0).scalar().value(), 0.1);
  EXPECT_EQ(task.limits().at("cpus").value(), 2.0);
  EXPECT_EQ(task.limits().at("mem").value(), 32.5);
  EXPECT_EQ(call.accept().filters().refuse_seconds(), 10.0);
}

TEST(FromJson, ReplacesWhatWasThere) {
  v1::Label label;
  label.set_value("old");
  ASSERT_TRUE(from_json(R"({"key":"k"})", label));
  EXPECT_FALSE(label.has_value());
}

TEST(FromJson, IgnoresUnknownFields) {
  const auto id = parse<v1::AgentID>(R"({"x":[{"y":[null,1,"z"]}],"value":"a","Value":5})");
  EXPECT_EQ(id.value(), "a");
  EXPECT_EQ(error_of<v1::AgentID>(R"({"value":"a","x":[1,}]})"), "byte 20: expected a value");
}

TEST(FromJson, TakesNullForUnset) {
  const auto info = parse<v1::FrameworkInfo>(
      R"({"user":"u","name":"n","id":null,"roles":null,"capabilities":[null,{"type":"MULTI_ROLE"},null],)"
      R"("failover_timeout":null,"offer_filters":{"r":null},"labels":{"labels":null}})");
  EXPECT_FALSE(info.has_id());
  EXPECT_FALSE(info.has_failover_timeout());
  ASSERT_EQ(info.capabilities_size(), 1);
  EXPECT_TRUE(info.offer_filters().empty());
  EXPECT_TRUE(info.has_labels());
  EXPECT_EQ(error_of<v1::AgentID>(R"({"value":null})"), "missing required field: value");
}

TEST(FromJson, TakesASingleValueForARepeatedField) {
  const auto call = parse<v1::scheduler::Call>(R"({"decline":{"offer_ids":{"value":"o"}}})");
  EXPECT_EQ(call.decline().offer_ids(0).value(), "o");
  EXPECT_EQ(parse<v1::FrameworkInfo>(R"({"user":"u","name":"n","roles":"r"})").roles(0), "r");
  EXPECT_EQ(parse<v1::CapabilityInfo>(R"({"capabilities":"KILL"})").capabilities(0),
            v1::CapabilityInfo::KILL);
}

TEST(FromJson, TakesTheLastOfAKeyGivenTwice) {
  const auto info = parse<v1::FrameworkInfo>(
      R"({"user":"a","roles":["x","y"],"name":"n","user":"b","roles":["z"],"labels":{"labels":[]},"labels":null})");
  EXPECT_EQ(info.user(), "b");
  ASSERT_EQ(info.roles_size(), 1);
  EXPECT_EQ(info.roles(0), "z");
  EXPECT_FALSE(info.has_labels());
}

TEST(FromJson, TakesTheLastOfAMapKeyGivenTwice) {
  const auto config = parse<v1::quota::QuotaConfig>(
      R"({"role":"r","limits":{"cpus":{"value":1},"mem":{"value":2},"cpus":{"value":3}}})");
  EXPECT_EQ(to_json(config), R"({"role":"r","limits":{"cpus":{"value":3.0},"mem":{"value":2.0}}})");
}

TEST(FromJson, TakesTheLastOfAOneof) {
  const auto selector = parse<v1::scheduler::AttributeConstraint::Selector>(
      R"({"pseudoattribute_type":"ZONE","attribute_name":"rack","pseudoattribute_type":null})");
  EXPECT_EQ(selector.attribute_name(), "rack");
  EXPECT_FALSE(selector.has_pseudoattribute_type());
}

TEST(FromJson, TakesNumbersAndBooleansInQuotes) {
  EXPECT_EQ(parse<v1::TimeInfo>(R"({"nanoseconds":"-42"})").nanoseconds(), -42);
  EXPECT_EQ(parse<v1::Filters>(R"({"refuse_seconds":"2.5"})").refuse_seconds(), 2.5);
  EXPECT_TRUE(parse<v1::CommandInfo::URI>(R"({"value":"u","cache":"true"})").cache());
  EXPECT_EQ(error_of<v1::TimeInfo>(R"({"nanoseconds":" 1"})"),
            "nanoseconds: expected a number, not ' 1'");
  EXPECT_EQ(error_of<v1::TimeInfo>(R"({"nanoseconds":""})"),
            "nanoseconds: expected a number, not ''");
  EXPECT_EQ(error_of<v1::Filters>(R"({"refuse_seconds":"NaN"})"),
            "refuse_seconds: expected a number, not 'NaN'");
  EXPECT_EQ(error_of<v1::CommandInfo>(R"({"shell":"yes"})"),
            "shell: expected a boolean, not 'yes'");
}

TEST(FromJson, TakesWholeNumbersForIntegers) {
  EXPECT_EQ(parse<v1::TimeInfo>(R"({"nanoseconds":5.0})").nanoseconds(), 5);
  EXPECT_EQ(parse<v1::TimeInfo>(R"({"nanoseconds":1.5e3})").nanoseconds(), 1500);
  EXPECT_EQ(parse<v1::TimeInfo>(R"({"nanoseconds":1.7e18})").nanoseconds(),
            1'700'000'000'000'000'000);
  EXPECT_EQ(parse<v1::TimeInfo>(R"({"nanoseconds":9007199254740993.000})").nanoseconds(),
            9007199254740993);
  EXPECT_EQ(parse<v1::TimeInfo>(R"({"nanoseconds":-9223372036854775808})").nanoseconds(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse<v1::Value::Range>(R"({"begin":-0,"end":18446744073709551615})").end(),
            std::numeric_limits<std::uint64_t>::max());
}

TEST(FromJson, RefusesNumbersThatDoNotFit) {
  EXPECT_EQ(error_of<v1::TimeInfo>(R"({"nanoseconds":1.5})"), "nanoseconds: '1.5' is no int64");
  EXPECT_EQ(error_of<v1::TimeInfo>(R"({"nanoseconds":9223372036854775808})"),
            "nanoseconds: '9223372036854775808' is no int64");
  EXPECT_EQ(error_of<v1::TimeInfo>(R"({"nanoseconds":-9223372036854775809})"),
            "nanoseconds: '-9223372036854775809' is no int64");
  EXPECT_EQ(error_of<v1::TimeInfo>(R"({"nanoseconds":1e400})"), "nanoseconds: '1e400' is no int64");
  EXPECT_EQ(error_of<v1::Value::Range>(R"({"begin":-1,"end":1})"), "begin: '-1' is no uint64");
  EXPECT_EQ(error_of<v1::Value::Range>(R"({"begin":18446744073709551616,"end":1})"),
            "begin: '18446744073709551616' is no uint64");
  EXPECT_EQ(error_of<v1::Address>(R"({"port":2147483648})"), "port: '2147483648' is no int32");
  EXPECT_EQ(error_of<v1::Address>(R"({"port":-2147483649})"), "port: '-2147483649' is no int32");
  EXPECT_EQ(error_of<v1::CheckInfo::Tcp>(R"({"port":4294967296})"),
            "port: '4294967296' is no uint32");
  EXPECT_EQ(error_of<v1::Value::Scalar>(R"({"value":1e400})"), "value: '1e400' is no double");
}

TEST(FromJson, DropsUnknownEnumNamesUnlessRequired) {
  EXPECT_FALSE(parse<v1::scheduler::Call>(R"({"type":"DANCE"})").has_type());
  EXPECT_EQ(parse<v1::CapabilityInfo>(R"({"capabilities":["KILL","FLY"]})").capabilities_size(), 1);
  EXPECT_EQ(error_of<v1::Volume>(R"({"container_path":"/","mode":"WO"})"),
            "mode: unknown Mode 'WO'");
  EXPECT_EQ(parse<v1::Volume>(R"({"container_path":"/","mode":2})").mode(), v1::Volume::RO);
  EXPECT_EQ(error_of<v1::Volume>(R"({"container_path":"/","mode":7})"), "mode: unknown Mode '7'");
  EXPECT_EQ(error_of<v1::Volume>(R"({"container_path":"/","mode":true})"),
            "mode: expected a name of Mode, not a boolean");
}

TEST(FromJson, ReadsBase64InItsVariants) {
  for (const char* text : {"+/8=", "-_8=", "+/8", "-_8"}) {
    EXPECT_EQ(parse<v1::UUID>(std::string(R"({"value":")") + text + "\"}").value(), "\xfb\xff");
  }
  EXPECT_EQ(error_of<v1::UUID>(R"({"value":"!"})"), "value: expected base64");
}

TEST(FromJson, ReadsDurationsAsObjectsAndAsText) {
  using Call = v1::master::Call;
  const auto text =
      parse<Call>(R"({"drain_agent":{"agent_id":{"value":"a"},"max_grace_period":"10mins"}})");
  EXPECT_EQ(text.drain_agent().max_grace_period().seconds(), 600);
  const auto object = parse<Call>(
      R"({"drain_agent":{"agent_id":{"value":"a"},"max_grace_period":{"seconds":"9","nanos":5}}})");
  EXPECT_EQ(object.drain_agent().max_grace_period().seconds(), 9);
  EXPECT_EQ(object.drain_agent().max_grace_period().nanos(), 5);
  EXPECT_EQ(
      error_of<Call>(R"({"drain_agent":{"agent_id":{"value":"a"},"max_grace_period":"soon"}})"),
      "drain_agent.max_grace_period: expected a duration such as \"10mins\"");
}

TEST(FromJson, NamesTheMissingFieldAndItsPlace) {
  EXPECT_EQ(error_of<v1::FrameworkInfo>("{}"), "missing required field: user, name");
  EXPECT_EQ(error_of<v1::scheduler::Call>(R"({"decline":{"offer_ids":[{"value":"o"},{}]}})"),
            "decline.offer_ids[1]: missing required field: value");
  EXPECT_EQ(error_of<v1::quota::QuotaConfig>(R"({"role":"r","limits":{"cp\u00fcs":{}}})"),
            "limits['cp\xC3\xBCs']: missing required field: value");
}

TEST(FromJson, NamesThePlaceOfAWrongKind) {
  using Call = v1::scheduler::Call;
  EXPECT_EQ(error_of<Call>("[]"), "expected an object, not an array");
  EXPECT_EQ(error_of<Call>(R"({"accept":{"operations":[{"launch":5}]}})"),
            "accept.operations[0].launch: expected an object, not a number");
  EXPECT_EQ(error_of<Call>(R"({"accept":[]})"), "accept: expected an object, not an array");
  EXPECT_EQ(error_of<Call>(R"({"framework_id":{"value":5}})"),
            "framework_id.value: expected a string, not a number");
  EXPECT_EQ(error_of<Call>(R"({"decline":{"offer_ids":[[]]}})"),
            "decline.offer_ids[0]: expected an object, not an array");
  EXPECT_EQ(error_of<v1::TimeInfo>(R"({"nanoseconds":true})"),
            "nanoseconds: expected a number, not a boolean");
  EXPECT_EQ(error_of<v1::CommandInfo>(R"({"shell":1})"), "shell: expected a boolean, not a number");
  EXPECT_EQ(error_of<v1::quota::QuotaConfig>(R"({"role":"r","limits":[]})"),
            "limits: expected an object, not an array");
}

TEST(FromJson, NamesThePlaceOfMalformedText) {
  using Call = v1::scheduler::Call;
  EXPECT_EQ(error_of<Call>(""), "byte 0: expected a value");
  EXPECT_EQ(error_of<Call>("{} {}"), "byte 3: text after the value");
  EXPECT_EQ(error_of<Call>(R"({"framework_id":{"value" "x"}})"),
            "framework_id: byte 25: expected ':'");
  EXPECT_EQ(error_of<Call>(R"({"framework_id":{"value":-}})"),
            "framework_id.value: expected a string, not a number");
  EXPECT_EQ(error_of<v1::TimeInfo>(R"({"nanoseconds":-})"),
            "nanoseconds: byte 15: expected a number");
  EXPECT_EQ(
      error_of<v1::TaskInfo>(R"({"limits":{"a key too long for a short string":{"value":r}}})"),
      "limits['a key too long for a short string'].value: byte 56: expected a value");
  EXPECT_EQ(error_of<v1::CommandInfo>(R"({"shell":tru})"), "shell: byte 9: expected a value");
  EXPECT_EQ(error_of<v1::CapabilityInfo>(R"({"capabilities":-})"),
            "capabilities: byte 16: expected a number");
}

TEST(FromJson, BoundsTheDepth) {
  const auto nested = [](int depth) {
    std::string text = R"({"value":"0"})";
    for (int i = 1; i < depth; ++i) text.insert(0, R"({"value":"x","parent":)").push_back('}');
    return text;
  };
  parse<v1::ContainerID>(nested(kMaxJsonDepth));
  EXPECT_NE(error_of<v1::ContainerID>(nested(kMaxJsonDepth + 1)).find("nested deeper than 64"),
            std::string::npos);
}

TEST(FromJson, RefusesATextCutAnywhere) {
  const std::string text =
      R"({"type":"KILL","framework_id":{"value":"\u00e9\ud83d\ude00"},"kill":{"task_id":{"value":"t"},)"
      R"("kill_policy":{"grace_period":{"nanoseconds":-15e8}},"x":[true,false,null]}})";
  parse<v1::scheduler::Call>(text);
  for (std::size_t size = 0; size < text.size(); ++size) {
    v1::scheduler::Call call;
    EXPECT_FALSE(from_json(std::string_view(text).substr(0, size), call)) << size;
  }
}

TEST(FromJson, ShortensWhatItQuotes) {
  const std::string many(10'000, '9');
  EXPECT_LT(error_of<v1::TimeInfo>("{\"nanoseconds\":\"\\u0007" + many + "\"}").size(), 200U);
  EXPECT_LT(error_of<v1::TimeInfo>("{\"nanoseconds\":" + many + "}").size(), 200U);
  EXPECT_LT(error_of<v1::TaskInfo>("{\"limits\":{\"" + many + "\":{}}}").size(), 200U);
}

}  // namespace
}  // namespace souk::wire
