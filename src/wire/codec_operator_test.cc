#include "wire/codec_operator.h"

#include <gtest/gtest.h>

#include <set>

#include "mesos/v1/master/master.pb.h"
#include "wire/codec_model.h"
#include "wire/json.h"
#include "wire/message_codec.h"
#include "wire/test_support.h"

namespace souk::wire {
namespace {

using protocol::HttpAnswer;
namespace call = protocol::operator_call;

// The change that a call asks for; its refusal as a test failure.
template <class Call>
Call change(const std::string& json) {
  for (const ContentType type : {ContentType::kProtobuf, ContentType::kJson}) {
    std::string body = json;
    if (type == ContentType::kProtobuf) {
      pb::master::Call message;
      EXPECT_TRUE(from_json(json, message).has_value()) << json;
      body = serialize(message);
    }
    const auto decoded = decode_operator_call(body, type);
    EXPECT_TRUE(decoded.has_value()) << json << ": " << (decoded ? "" : decoded.error().body);
    if (!decoded) return {};
    if (type == ContentType::kJson)
      return std::get<Call>(std::get<protocol::OperatorCall>(*decoded));
  }
  return {};
}

HttpAnswer refusal(const std::string& json) {
  const auto decoded = decode_operator_call(json, ContentType::kJson);
  EXPECT_FALSE(decoded.has_value()) << json;
  return decoded ? HttpAnswer{200, {}} : decoded.error();
}

HttpAnswer refusal(const DecodedChange& decoded) {
  return decoded ? HttpAnswer{200, {}} : decoded.error();
}

protocol::MasterView view() {
  protocol::MasterView view;
  view.info = {.id = "M", .hostname = "m1", .ip = "10.0.0.1", .port = 5050};
  view.recovered = true;
  view.elected_at = WallTime(20s);
  protocol::RoleSettings roles;
  roles.weights = {{"eng", Scalar{2500}}, {"ops/x", Scalar{500}}};
  roles.quotas = {
      {"eng", {{{"cpus", Scalar{10'000}}}, {{"cpus", Scalar{20'000}}, {"mem", Scalar{0}}}}},
      {"lim", {{}, {{"disk", Scalar{1500}}}}}};
  view.roles = std::make_shared<const protocol::RoleSettings>(std::move(roles));
  protocol::FrameworkView framework;
  framework.info.id = FrameworkId("F");
  framework.info.roles = {"eng/web"};
  framework.offers.push_back(
      {OfferId("O"), AgentId("S"), "eng/web", Resources::parse("cpus:1;cpus(eng):2").value()});
  view.frameworks.push_back(std::move(framework));
  protocol::AgentSummary agent;
  agent.info.id = AgentId("S");
  agent.info.resources =
      Resources::parse("cpus:4;cpus(eng):2;mem(lim):64;ports(lim):[1-2]").value();
  view.agents.emplace_back(std::move(agent));
  return view;
}

std::string answer(const std::string& type) {
  const auto decoded = decode_operator_call(R"({"type":")" + type + "\"}", ContentType::kJson);
  EXPECT_TRUE(decoded.has_value()) << type;
  const std::vector<std::pair<std::string, std::string>> flags{{"port", "5050"}};
  const DocumentContext document{flags, WallTime(10s)};
  const SystemFacts system;
  const protocol::MasterView there = view();
  const OperatorContext context{there, document, system};
  const auto question = std::get<OperatorQuestion>(*decoded);
  const std::string json = answer_operator_question(question, context, ContentType::kJson);
  // The same in the other encoding.
  pb::master::Response message;
  EXPECT_TRUE(
      parse_binary(answer_operator_question(question, context, ContentType::kProtobuf), message));
  EXPECT_EQ(to_json(message), json);
  return json;
}

TEST(OperatorCodec, ReadsWeights) {
  const auto update = change<call::UpdateWeights>(
      R"({"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[
          {"role":"eng","weight":2.5},{"role":"*","weight":"0.001"}]}})");
  EXPECT_EQ(update.weights,
            (std::vector<protocol::RoleWeight>{{"eng", Scalar{2500}}, {"*", Scalar{1}}}));
  EXPECT_TRUE(change<call::UpdateWeights>(R"({"type":"UPDATE_WEIGHTS","update_weights":{}})")
                  .weights.empty());
}

TEST(OperatorCodec, RefusesWhatIsNoWeight) {
  for (const char* weight : {"0", "-1", "-0.0", "1e300", "0.0001", "\"NaN\"", "\"Infinity\""}) {
    const auto answer =
        refusal(fmt::format(R"({{"type":"UPDATE_WEIGHTS","update_weights":{{"weight_infos":[)"
                            R"({{"role":"a","weight":{}}}]}}}})",
                            weight));
    EXPECT_EQ(answer.status, 400) << weight;
    EXPECT_NE(answer.body.find("weight"), std::string::npos) << answer.body;
  }
  const char* const no_number = R"({"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[)"
                                R"({"role":"a","weight":"x"}]}})";
  for (const char* body : {
           R"({"type":"UPDATE_WEIGHTS"})",
           R"({"type":"UPDATE_WEIGHTS","update_weights":[]})",
           R"({"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[{"weight":1}]}})",
           R"({"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[{"role":"a"}]}})",
           no_number,
       }) {
    EXPECT_EQ(refusal(body).status, 400) << body;
  }
}

TEST(OperatorCodec, ReadsQuotas) {
  const auto update = change<call::UpdateQuota>(R"({"type":"UPDATE_QUOTA","update_quota":{
      "force":true,"quota_configs":[
        {"role":"eng","guarantees":{"mem":{"value":64.5},"cpus":{"value":2}},
         "limits":{"cpus":{"value":0}}},
        {"role":"ops"}]}})");
  EXPECT_TRUE(update.force);
  EXPECT_EQ(update.quotas,
            (std::vector<protocol::RoleQuota>{
                {"eng", {{{"cpus", Scalar{2000}}, {"mem", Scalar{64'500}}}, {{"cpus", Scalar{0}}}}},
                {"ops", {}}}));
  const auto set = change<call::SetQuota>(R"({"type":"SET_QUOTA","set_quota":{"quota_request":{
      "role":"eng","guarantee":[
        {"name":"mem","type":"SCALAR","scalar":{"value":64}},
        {"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"*"}]}}})");
  EXPECT_EQ(set.role, "eng");
  EXPECT_FALSE(set.force);
  EXPECT_EQ(set.guarantee, (Quantities{{"cpus", Scalar{1000}}, {"mem", Scalar{64'000}}}));
  EXPECT_EQ(
      change<call::RemoveQuota>(R"({"type":"REMOVE_QUOTA","remove_quota":{"role":"a/b"}})").role,
      "a/b");
}

TEST(OperatorCodec, RefusesWhatIsNoQuota) {
  const auto config = [](const std::string& text) {
    return refusal(R"({"type":"UPDATE_QUOTA","update_quota":{"quota_configs":[)" + text + "]}}")
        .status;
  };
  for (const char* bad :
       {R"({"guarantees":{}})", R"({"role":"a","limits":{"cpus":{"value":-1}}})",
        R"({"role":"a","guarantees":{"cpus":{"value":1e30}}})",
        R"({"role":"a","guarantees":{"cpus":{"value":"NaN"}}})",
        R"({"role":"a","guarantees":{"cpus":{}}})", R"({"role":"a","guarantees":{"cpus":"x"}})",
        R"({"role":"a","guarantees":[1]})", "7"}) {
    EXPECT_EQ(config(bad), 400) << bad;
  }
  EXPECT_EQ(refusal(R"({"type":"UPDATE_QUOTA"})").status, 400);
  EXPECT_EQ(refusal(R"({"type":"REMOVE_QUOTA"})").status, 400);
  EXPECT_EQ(refusal(R"({"type":"REMOVE_QUOTA","remove_quota":{}})").status, 400);
  EXPECT_EQ(refusal(R"({"type":"SET_QUOTA","set_quota":{}})").status, 400);
}

TEST(OperatorCodec, AGuaranteeIsAPlainScalar) {
  const auto with = [](const std::string& guarantee) {
    return refusal(decode_quota_request(R"({"role":"a","guarantee":[)" + guarantee + "]}"));
  };
  const std::string plain = R"({"name":"cpus","type":"SCALAR","scalar":{"value":1})";
  EXPECT_EQ(with(plain + "}").status, 200);
  EXPECT_EQ(with("").status, 400);
  for (const char* more :
       {R"(,"role":"b"})", R"(,"revocable":{}})", R"(,"shared":{}})", R"(,"disk":{}})",
        R"(,"reservation":{}})", R"(,"reservations":[{"type":"STATIC","role":"b"}]})"}) {
    const HttpAnswer answer = with(plain + more);
    EXPECT_EQ(answer.status, 400) << more;
    EXPECT_NE(answer.body.find("'cpus'"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(with(R"({"name":"cpus","type":"SCALAR"})").status, 400);
  EXPECT_EQ(with(R"({"name":"cpus","type":"SCALAR","scalar":{"value":-1}})").status, 400);
  EXPECT_EQ(with(R"({"name":"ports","type":"RANGES","ranges":{"range":[]}})").status, 400);
  EXPECT_EQ(refusal(decode_quota_request(R"({"guarantee":[]})")).status, 400);
  for (const char* body : {"", "[]", "{", "null", "x"}) {
    EXPECT_EQ(refusal(decode_quota_request(body)).status, 400) << body;
  }
}

TEST(OperatorCodec, TheBodyOfPutWeightsIsAnArray) {
  const auto decoded = decode_weights(R"( [{"role":"a","weight":2}, {"role":"b","weight":0.5}] )");
  ASSERT_TRUE(decoded.has_value()) << decoded.error().body;
  EXPECT_EQ(std::get<call::UpdateWeights>(*decoded).weights,
            (std::vector<protocol::RoleWeight>{{"a", Scalar{2000}}, {"b", Scalar{500}}}));
  EXPECT_EQ(refusal(decode_weights("[]")).status, 200);
  for (const char* body :
       {"", "{}", "null", "[", "[]]", R"({"role":"a","weight":2})", "[1]", "[[]]",
        R"([{"role":"a","weight":0}])", R"([{"weight":1}])", R"([{"role":"a"}])",
        R"([], "weight_infos": [{"role":"a","weight":2}])", R"([{"role":"a","weight":2}] x)"}) {
    EXPECT_EQ(refusal(decode_weights(body)).status, 400) << body;
  }
}

// Every type of call is answered, changes something, or is refused by its name.
TEST(OperatorCodec, EveryCallIsKnown) {
  std::set<std::string> asking;
  const auto* types = pb::master::Call::Type_descriptor();
  for (int i = 0; i < types->value_count(); ++i) {
    const std::string& name = types->value(i)->name();
    const auto decoded = decode_operator_call(R"({"type":")" + name + "\"}", ContentType::kJson);
    if (decoded && std::holds_alternative<OperatorSubscribe>(*decoded)) {
      EXPECT_EQ(name, "SUBSCRIBE");
    } else if (decoded) {
      EXPECT_TRUE(std::holds_alternative<OperatorQuestion>(*decoded)) << name;
      expect_sound(answer(name));
      asking.insert(name);
    } else if (decoded.error().status == 501) {
      EXPECT_NE(decoded.error().body.find(name), std::string::npos) << decoded.error().body;
    } else {
      EXPECT_EQ(decoded.error().status, 400) << name;
      EXPECT_TRUE(name.ends_with("_QUOTA") || name.ends_with("_WEIGHTS")) << name;
    }
  }
  EXPECT_TRUE(asking.contains("GET_ROLES") && asking.contains("GET_VERSION")) << asking.size();
  EXPECT_EQ(refusal("{}").body, "Failed to validate master::Call: Expecting 'type' to be present");
  EXPECT_EQ(refusal(R"({"type":"GET_WISDOM"})").status, 400);
  EXPECT_EQ(refusal("no json").status, 400);
  EXPECT_FALSE(decode_operator_call("\xff\xff", ContentType::kProtobuf).has_value());
}

TEST(OperatorCodec, Answers) {
  EXPECT_EQ(answer("GET_HEALTH"), R"({"type":"GET_HEALTH","get_health":{"healthy":true}})");
  EXPECT_EQ(answer("GET_FLAGS"),
            R"({"type":"GET_FLAGS","get_flags":{"flags":[{"name":"port","value":"5050"}]}})");
  EXPECT_EQ(answer("GET_VERSION"),
            R"({"type":"GET_VERSION","get_version":{"version_info":{"version":"1.11.0"}}})");
  EXPECT_EQ(answer("GET_WEIGHTS"),
            R"({"type":"GET_WEIGHTS","get_weights":{"weight_infos":[{"weight":2.5,"role":"eng"},)"
            R"({"weight":0.5,"role":"ops/x"}]}})");
  const std::string status =
      R"({"infos":[{"role":"eng","guarantee":[)"
      R"({"name":"cpus","type":"SCALAR","scalar":{"value":10.0}}]},)"
      R"({"role":"lim"}],"configs":[{"role":"eng","guarantees":{"cpus":{"value":10.0}},)"
      R"("limits":{"cpus":{"value":20.0},"mem":{"value":0.0}}},)"
      R"({"role":"lim","limits":{"disk":{"value":1.5}}}]})";
  EXPECT_EQ(answer("GET_QUOTA"), R"({"type":"GET_QUOTA","get_quota":{"status":)" + status + "}}");
  EXPECT_EQ(render_quota(view()), status);
  EXPECT_EQ(render_weights(view()),
            R"([{"weight":2.5,"role":"eng"},{"weight":0.5,"role":"ops/x"}])");
  EXPECT_EQ(render_weights({}), "[]");
  EXPECT_EQ(render_quota({}), "{}");
  EXPECT_NE(answer("GET_MASTER").find(R"("start_time":10.0,"elected_time":20.0)"),
            std::string::npos);
  EXPECT_NE(answer("GET_METRICS").find(R"({"name":"master/elected","value":1.0})"),
            std::string::npos);
}

// With all that stand above one, whose sums are of the whole subtree.
TEST(OperatorCodec, Roles) { expect_golden("operator_roles.json", answer("GET_ROLES")); }

}  // namespace
}  // namespace souk::wire
