#include "wire/codec_model.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

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

Resources resources(std::string_view text) {
  auto parsed = Resources::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Resources());
}

Resource reserved(std::vector<Reservation> stack) {
  return {.name = "cpus", .value = Scalar{2000}, .reservations = std::move(stack)};
}

std::string encoded(const Resource& resource, ReservationFormat format, std::string_view role) {
  pb::TaskInfo holder;
  encode_resources(Resources({resource}), format, role, *holder.mutable_resources());
  return to_json(holder.resources(0));
}

std::string error_of(std::string_view json) {
  pb::TaskInfo holder;
  *holder.add_resources() = from_text<pb::Resource>(json);
  const DecodedResources decoded = decode_resources(holder.resources());
  EXPECT_TRUE(decoded.error.empty() || decoded.resources.empty());
  return decoded.error;
}

// --- resources

TEST(CodecResources, ReadsEachType) {
  pb::TaskInfo holder;
  *holder.add_resources() =
      from_text<pb::Resource>(R"({"name":"cpus","type":"SCALAR","scalar":{"value":1.5}})");
  *holder.add_resources() = from_text<pb::Resource>(
      R"({"name":"ports","type":"RANGES",
          "ranges":{"range":[{"begin":5,"end":9},{"begin":1,"end":4}]}})");
  *holder.add_resources() =
      from_text<pb::Resource>(R"({"name":"disks","type":"SET","set":{"item":["b","a"]}})");
  const DecodedResources decoded = decode_resources(holder.resources());
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(decoded.resources, resources("cpus:1.5;ports:[1-9];disks:{a,b}"));
  EXPECT_EQ(decoded.allocation_role, std::nullopt);
}

TEST(CodecResources, RefusesWhatIsMalformed) {
  const std::string head = R"({"name":"cpus","type":"SCALAR",)";
  EXPECT_NE(error_of(head + R"("scalar":{"value":-1}})"), "");
  EXPECT_NE(error_of(head + R"("scalar":{"value":1e300}})"), "");
  EXPECT_NE(error_of(R"({"name":"","type":"SCALAR","scalar":{"value":1}})"), "");
  EXPECT_EQ(error_of(R"({"name":"cpus","type":"SCALAR"})"),
            "resource 'cpus': its type is SCALAR, but 'scalar' is not set");
  EXPECT_EQ(error_of(R"({"name":"p","type":"RANGES","scalar":{"value":1}})"),
            "resource 'p': its type is RANGES, but 'ranges' is not set");
  EXPECT_EQ(error_of(R"({"name":"s","type":"SET"})"),
            "resource 's': its type is SET, but 'set' is not set");
  EXPECT_EQ(error_of(R"({"name":"t","type":"TEXT"})"),
            "resource 't': the type TEXT is none for it");
  EXPECT_NE(error_of(R"({"name":"p","type":"RANGES","ranges":{"range":{"begin":2,"end":1}}})"), "");
  const std::string two = head + R"("scalar":{"value":1},)";
  EXPECT_NE(error_of(two + R"("provider_id":{"value":"p"}})"), "");
  EXPECT_NE(error_of(two + R"("reservation":{"principal":"p"}})"), "");
  EXPECT_NE(error_of(two + R"("role":"a","reservation":{"role":"b"}})"), "");
  EXPECT_NE(error_of(two + R"("role":"a","reservations":{"type":"STATIC","role":"a"}})"), "");
  EXPECT_NE(error_of(two + R"("reservations":{"role":"a"}})"), "");
  EXPECT_EQ(error_of(two + R"("role":"a"})"), "");
}

TEST(CodecResources, RefusesWhatIsNoNumber) {
  pb::TaskInfo holder;
  auto& cpus = *holder.add_resources();
  cpus.set_name("cpus");
  cpus.set_type(pb::Value::SCALAR);
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    cpus.mutable_scalar()->set_value(value);
    EXPECT_NE(decode_resources(holder.resources()).error, "");
  }
}

TEST(CodecResources, WritesReservationsAsTheFrameworkUnderstandsThem) {
  using enum ReservationFormat;
  const std::string scalar = R"("type":"SCALAR","scalar":{"value":2.0})";
  EXPECT_EQ(encoded(reserved({}), kPlain, ""), R"({"name":"cpus",)" + scalar + R"(,"role":"*"})");
  EXPECT_EQ(encoded(reserved({}), kStack, ""), R"({"name":"cpus",)" + scalar + "}");
  const Reservation fixed{Reservation::Type::kStatic, "a", std::nullopt, {}};
  EXPECT_EQ(encoded(reserved({fixed}), kPlain, ""),
            R"({"name":"cpus",)" + scalar + R"(,"role":"a"})");
  EXPECT_EQ(
      encoded(reserved({fixed}), kStack, "a"),
      R"({"name":"cpus",)" + scalar +
          R"(,"allocation_info":{"role":"a"},"reservations":[{"type":"STATIC","role":"a"}]})");
  const Reservation dynamic{Reservation::Type::kDynamic, "a", "ops", {{"k", "v"}}};
  EXPECT_EQ(encoded(reserved({dynamic}), kPlain, ""),
            R"({"name":"cpus",)" + scalar +
                R"(,"role":"a","reservation":{"principal":"ops",)"
                R"("labels":{"labels":[{"key":"k","value":"v"}]}}})");
}

TEST(CodecResources, BothFormatsOfReservationsRoundTrip) {
  const Reservation fixed{Reservation::Type::kStatic, "a", std::nullopt, {}};
  const Reservation dynamic{Reservation::Type::kDynamic, "a", "ops", {{"k", std::nullopt}}};
  const Reservation refined{Reservation::Type::kDynamic, "a/b", std::nullopt, {}};
  const std::vector<std::vector<Reservation>> stacks = {
      {}, {fixed}, {dynamic}, {fixed, refined}, {dynamic, refined}};
  for (const auto& stack : stacks) {
    for (const auto format : {ReservationFormat::kPlain, ReservationFormat::kStack}) {
      const Resources before({reserved(stack)});
      pb::TaskInfo holder;
      encode_resources(before, format, "", *holder.mutable_resources());
      const DecodedResources after = decode_resources(holder.resources());
      EXPECT_EQ(after.error, "");
      EXPECT_EQ(after.resources, before);
    }
  }
}

TEST(CodecResources, KeepsDiskRevocableAndShared) {
  const auto in = from_text<pb::Resource>(R"({"name":"disk","type":"SCALAR","scalar":{"value":10},
    "role":"a","disk":{"persistence":{"id":"v1"},"source":{"type":"MOUNT","mount":{"root":"/m"}}},
    "revocable":{},"shared":{}})");
  const auto decoded = decode_resource(in);
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(decoded->revocable);
  EXPECT_TRUE(decoded->shared);
  EXPECT_FALSE(decoded->disk.empty());
  pb::TaskInfo holder;
  encode_resources(Resources({*decoded}), ReservationFormat::kPlain, "",
                   *holder.mutable_resources());
  EXPECT_EQ(to_json(holder.resources(0)), to_json(in));
}

TEST(CodecResources, NotesAllocationRoles) {
  pb::TaskInfo holder;
  const auto add = [&](std::string_view role) {
    auto& resource = *holder.add_resources();
    resource = from_text<pb::Resource>(
        R"({"name":"cpus","type":"SCALAR","scalar":{"value":1},"allocation_info":{}})");
    if (!role.empty()) resource.mutable_allocation_info()->set_role(std::string(role));
  };
  add("");
  EXPECT_EQ(decode_resources(holder.resources()).allocation_role, std::nullopt);
  add("a");
  add("a");
  EXPECT_EQ(decode_resources(holder.resources()).allocation_role, std::string("a"));
  EXPECT_FALSE(decode_resources(holder.resources()).mixed_allocation_roles);
  add("b");
  EXPECT_TRUE(decode_resources(holder.resources()).mixed_allocation_roles);
}

RC_GTEST_PROP(CodecResources, AnyScalarsAndRangesRoundTrip, ()) {
  std::vector<Resource> items;
  items.push_back({.name = "cpus", .value = Scalar{*rc::gen::inRange<int64_t>(0, kMaxScalar)}});
  items.push_back({.name = "mem",
                   .value = Scalar{*rc::gen::inRange<int64_t>(0, kMaxScalar)},
                   .revocable = *rc::gen::arbitrary<bool>()});
  const auto begin = *rc::gen::inRange<uint64_t>(0, 1000);
  const auto extent = *rc::gen::inRange<uint64_t>(0, 1000);
  items.push_back({.name = "ports", .value = Ranges({{begin, begin + extent}, {5000, 6000}})});
  const Resources before(items);
  pb::TaskInfo holder;
  encode_resources(before, ReservationFormat::kPlain, "r", *holder.mutable_resources());
  const DecodedResources after = decode_resources(holder.resources());
  RC_ASSERT(after.error.empty());
  RC_ASSERT(after.resources == before);
  RC_ASSERT(before.empty() || after.allocation_role == std::string("r"));
}

TEST(CodecAttribute, RoundTrips) {
  const auto attributes = parse_attributes("rack:abc;gen:3.5;slots:[1-3];os:{a,b}");
  ASSERT_TRUE(attributes);
  for (const Attribute& attribute : *attributes) {
    pb::Attribute out;
    encode_attribute(attribute, out);
    const auto back = decode_attribute(out);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, attribute);
  }
  EXPECT_FALSE(decode_attribute(from_text<pb::Attribute>(R"({"name":"a","type":"TEXT"})")));
  EXPECT_FALSE(decode_attribute(from_text<pb::Attribute>(R"({"name":"a","type":"SET"})")));
}

// --- frameworks

FrameworkInfo framework(std::string_view json) {
  return decode_framework(from_text<pb::FrameworkInfo>(json));
}

TEST(CodecFramework, ReadsAllFields) {
  const FrameworkInfo info = framework(R"({"user":"u","name":"n","id":{"value":"F1"},
    "failover_timeout":60.5,"checkpoint":true,"role":"eng","hostname":"h","principal":"p",
    "webui_url":"http://w","capabilities":[{"type":"PARTITION_AWARE"},{"type":"FROM_THE_FUTURE"}],
    "labels":{"labels":[{"key":"k"}]}})");
  EXPECT_EQ(info.id, FrameworkId("F1"));
  EXPECT_EQ(info.user, "u");
  EXPECT_EQ(info.name, "n");
  EXPECT_EQ(info.failover_timeout, 60500ms);
  EXPECT_TRUE(info.checkpoint);
  EXPECT_EQ(info.roles, std::vector<std::string>{"eng"});
  EXPECT_EQ(info.hostname, "h");
  EXPECT_EQ(info.principal, "p");
  EXPECT_EQ(info.webui_url, "http://w");
  EXPECT_TRUE(info.has(Capability::kPartitionAware));
  EXPECT_FALSE(info.has(Capability::kMultiRole));
  EXPECT_EQ(info.labels, (Labels{{"k", std::nullopt}}));
  EXPECT_EQ(info.role_error, "");
}

TEST(CodecFramework, RolesFollowTheCapability) {
  EXPECT_EQ(framework(R"({"user":"u","name":"n"})").roles, std::vector<std::string>{"*"});
  const std::string multi = R"({"user":"u","name":"n","capabilities":{"type":"MULTI_ROLE"})";
  EXPECT_EQ(framework(multi + R"(,"roles":["a","b"]})").roles,
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(framework(multi + "}").roles, std::vector<std::string>{});
  EXPECT_EQ(framework(multi + "}").role_error, "");
  EXPECT_EQ(framework(multi + R"(,"role":"a"})").role_error,
            "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable");
  const FrameworkInfo twice = framework(multi + R"(,"roles":["a","a"]})");
  EXPECT_EQ(twice.role_error, "'FrameworkInfo.roles' cannot contain duplicate items: 'a'");
  EXPECT_EQ(twice.roles.size(), 1u);
  EXPECT_EQ(framework(R"({"user":"u","name":"n","roles":["a"]})").role_error,
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable");
}

TEST(CodecFramework, ReadsMinimumOffers) {
  const FrameworkInfo info = framework(R"({"user":"u","name":"n","offer_filters":{
    "a":{"min_allocatable_resources":{"quantities":[
      {"quantities":{"mem":{"value":32},"cpus":{"value":1}}},{"quantities":{"gpus":{"value":1}}}]}},
    "b":{"min_allocatable_resources":{}}, "c":{}}})");
  const std::vector<Quantities> a = {{{"cpus", Scalar{1000}}, {"mem", Scalar{32000}}},
                                     {{"gpus", Scalar{1000}}}};
  EXPECT_EQ(info.min_allocatable.at("a"), a);
  EXPECT_EQ(info.min_allocatable.at("b"), std::vector<Quantities>{Quantities{}});
  EXPECT_FALSE(info.min_allocatable.contains("c"));
  const FrameworkInfo bad = framework(R"({"user":"u","name":"n","offer_filters":{
    "a":{"min_allocatable_resources":{"quantities":{"quantities":{"mem":{"value":-1}}}}}}})");
  EXPECT_NE(bad.role_error, "");
}

TEST(CodecFramework, HostileTimesAreCut) {
  pb::FrameworkInfo in;
  in.set_user("u");
  in.set_name("n");
  in.set_failover_timeout(1e300);
  EXPECT_EQ(decode_framework(in).failover_timeout, kMaxSpan);
  in.set_failover_timeout(-5);
  EXPECT_EQ(decode_framework(in).failover_timeout, -5s);
  in.set_failover_timeout(std::nan(""));
  EXPECT_EQ(decode_framework(in).failover_timeout, 0s);
  pb::DurationInfo span;
  span.set_nanoseconds(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(decode_span(span), kMaxSpan);
}

TEST(CodecFramework, FieldsLieOverTheRawBytes) {
  FrameworkInfo info = framework(R"({"user":"u","name":"n","role":"r","checkpoint":true,
    "failover_timeout":0.1,"labels":{"labels":{"key":"k"}},"offer_filters":{"r":{}}})");
  pb::FrameworkInfo same;
  encode_framework(info, same);
  EXPECT_EQ(serialize(same), info.raw.view());
  info.id = FrameworkId("F1");
  info.user = "other";
  info.checkpoint = false;
  info.capabilities.add(Capability::kGpuResources);
  info.roles = {"s"};
  info.labels.clear();
  pb::FrameworkInfo out;
  encode_framework(info, out);
  EXPECT_EQ(to_json(out),
            R"({"user":"other","name":"n","id":{"value":"F1"},"failover_timeout":0.1,)"
            R"("checkpoint":false,"role":"s","capabilities":[{"type":"GPU_RESOURCES"}],)"
            R"("labels":{},"offer_filters":{"r":{}}})");
}

TEST(CodecFramework, BuiltFromNothing) {
  FrameworkInfo info;
  info.user = "u";
  info.name = "n";
  info.roles = {"a", "b"};
  info.capabilities.add(Capability::kMultiRole);
  info.failover_timeout = 90s;
  info.min_allocatable["a"] = {{{"cpus", Scalar{500}}}};
  pb::FrameworkInfo out;
  encode_framework(info, out);
  ASSERT_TRUE(out.IsInitialized());
  FrameworkInfo back = decode_framework(out);
  back.raw = {};
  EXPECT_EQ(back, info);
}

TEST(CodecFramework, BadRawBytesAreNotPassedOn) {
  FrameworkInfo info;
  info.user = "u";
  info.name = "n";
  info.roles = {"*"};
  info.raw = Blob("\xff\xff garbage");
  pb::FrameworkInfo out;
  encode_framework(info, out);
  EXPECT_TRUE(out.IsInitialized());
  EXPECT_TRUE(out.GetReflection()->GetUnknownFields(out).empty());
}

// --- masters, agents, offers

TEST(CodecMaster, IsWhatClientsLookFor) {
  pb::MasterInfo out;
  encode_master({"M", "m1", "10.0.0.1", 5050}, out);
  EXPECT_EQ(to_json(out),
            R"({"id":"M","ip":16777226,"port":5050,"pid":"master@10.0.0.1:5050","hostname":"m1",)"
            R"("version":"1.11.0","address":{"hostname":"m1","ip":"10.0.0.1","port":5050}})");
  EXPECT_EQ(decode_master(out), (MasterInfo{"M", "m1", "10.0.0.1", 5050}));
}

TEST(CodecMaster, TellsItsDomainIfItHasOne) {
  const MasterInfo master{"M", "m1", "10.0.0.1", 5050, {"eu", "eu-1"}};
  pb::MasterInfo out;
  encode_master(master, out);
  EXPECT_EQ(to_json(out.domain()),
            R"({"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1"}}})");
  EXPECT_EQ(decode_master(out), master);
}

TEST(CodecMaster, AddressesThatAreNoneAreZero) {
  EXPECT_EQ(encode_ipv4("127.0.0.1"), 0x0100007fu);
  for (const char* bad :
       {"", "::1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2..3", "a"}) {
    EXPECT_EQ(encode_ipv4(bad), 0u) << bad;
  }
}

TEST(CodecAgent, RoundTrips) {
  AgentInfo agent{.id = AgentId("S1"), .hostname = "h", .port = 5051};
  agent.resources = resources("cpus:4;mem(eng):100");
  agent.attributes = *parse_attributes("rack:a");
  agent.domain = {"eu", "eu-1"};
  pb::AgentInfo out;
  encode_agent(agent, out);
  ASSERT_TRUE(out.IsInitialized());
  EXPECT_EQ(decode_agent(out), agent);
}

Offer an_offer() {
  Offer offer{.id = OfferId("O1"),
              .framework_id = FrameworkId("F1"),
              .agent_id = AgentId("S1"),
              .hostname = "h",
              .ip = "10.0.0.2",
              .port = 5051};
  offer.role = "eng";
  offer.resources = resources("cpus:4;ports:[1-5]");
  offer.attributes = *parse_attributes("rack:a");
  offer.executor_ids = {ExecutorId("e1")};
  return offer;
}

TEST(CodecOffer, CarriesAllocationInfoOnlyIfAskedFor) {
  pb::Offer out;
  encode_offer(an_offer(), {.with_allocation_info = false}, out);
  EXPECT_EQ(
      to_json(out),
      R"({"id":{"value":"O1"},"framework_id":{"value":"F1"},"agent_id":{"value":"S1"},)"
      R"("hostname":"h","url":{"scheme":"http",)"
      R"x("address":{"hostname":"h","ip":"10.0.0.2","port":5051},"path":"/slave(1)"},)x"
      R"("resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":4.0},"role":"*"},)"
      R"({"name":"ports","type":"RANGES","ranges":{"range":[{"begin":1,"end":5}]},"role":"*"}],)"
      R"("attributes":[{"name":"rack","type":"TEXT","text":{"value":"a"}}],)"
      R"("executor_ids":[{"value":"e1"}]})");
  pb::Offer with;
  encode_offer(an_offer(), {.with_allocation_info = true}, with);
  EXPECT_EQ(with.allocation_info().role(), "eng");
  for (const auto& resource : with.resources()) {
    EXPECT_EQ(resource.allocation_info().role(), "eng");
  }
  EXPECT_EQ(decode_offer(with), an_offer());
}

// --- bytes

TEST(MessageCodec, NamesTheFirstMissingFieldsOnly) {
  std::string bytes;  // a Labels with a hundred empty labels
  for (int i = 0; i < 100; ++i) bytes += std::string("\x0a\x00", 2);
  pb::Labels labels;
  const auto parsed = parse_binary(bytes, labels);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message,
            "missing required field: labels[0].key, labels[1].key, labels[2].key, labels[3].key, "
            "labels[4].key, labels[5].key, labels[6].key, labels[7].key, ...");
}

TEST(MessageCodec, NestingHasALimit) {
  std::string bytes = "\x0a\x01x";  // a ContainerID, then parents around it
  for (int i = 0; i < 5000; ++i) {
    std::string wrapped = "\x0a\x01x\x12";
    std::size_t size = bytes.size();
    for (; size >= 128; size >>= 7) wrapped.push_back(static_cast<char>(size | 0x80));
    wrapped.push_back(static_cast<char>(size));
    bytes.insert(0, wrapped);
  }
  pb::ContainerID id;
  EXPECT_FALSE(parse_binary(bytes, id));
}

}  // namespace
}  // namespace souk::wire
