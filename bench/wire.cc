// What messages cost to encode and decode: the ten commonest, in nanoseconds each, and the RecordIO
// parser in MB/s.
#include "bench/support.h"
#include "wire/codec_executor.h"
#include "wire/codec_link.h"
#include "wire/codec_scheduler.h"
#include "wire/command.h"
#include "wire/recordio.h"

namespace souk::bench {
namespace {

using wire::ContentType;

void row(Report& report, const std::string& name, std::size_t bytes, double encode, double decode) {
  std::printf("%-36s %8zu %10.0f %10.0f\n", name.c_str(), bytes, encode, decode);
  std::string key = name;
  std::replace(key.begin(), key.end(), ' ', '_');
  report.add(key + "_encode_ns", encode);
  report.add(key + "_decode_ns", decode);
}

const std::string kId = "0d1f7c1e-8a53-4c0a-9d6e-3f1f2ad5e0b7";

Offer make_offer() {
  return {
      .id = OfferId(kId + "-O12345"),
      .framework_id = FrameworkId(kId + "-0001"),
      .agent_id = AgentId(kId + "-S12"),
      .hostname = "agent12.example",
      .ip = "10.0.0.12",
      .port = 5051,
      .role = "*",
      .resources = Resources::parse("cpus:7.9;mem:15872;disk:100000;ports:[31000-32000]").value(),
      .attributes = parse_attributes("rack:r12;os:debian").value()};
}

TaskSpec make_task() {
  TaskSpec task;
  task.id = TaskId("batch.12345");
  task.name = "batch.12345";
  task.agent_id = AgentId(kId + "-S12");
  task.resources = Resources::parse("cpus:0.5;mem:256").value();
  return wire::with_command(std::move(task), {.shell = true,
                                              .value = "./work.sh --part=$SOUK_INSTANCE",
                                              .environment = {{"SOUK_INSTANCE", "12345"}}});
}

TaskStatus make_status() {
  Rng rng(1);
  TaskStatus status;
  status.task_id = TaskId("batch.12345");
  status.state = TaskState::kRunning;
  status.source = StatusSource::kExecutor;
  status.agent_id = AgentId(kId + "-S12");
  status.executor_id = ExecutorId("batch.12345");
  status.timestamp = WallTime(Duration(1'700'000'000'000'000'000));
  status.uuid = Uuid::random(rng);
  status.container_id = ContainerId(kId);
  return status;
}

void call(Report& report, const std::string& name, const protocol::SchedulerCall& message,
          ContentType type) {
  const std::string bytes = wire::encode_scheduler_call(message, type);
  row(report, name, bytes.size(),
      nanoseconds(50ms, [&] { sink += wire::encode_scheduler_call(message, type).size(); }),
      nanoseconds(50ms, [&] { sink += wire::decode_scheduler_call(bytes, type).has_value(); }));
}

void event(Report& report, const std::string& name, const protocol::SchedulerEvent& message,
           ContentType type) {
  std::string bytes;
  wire::append_scheduler_event(bytes, message, type);
  std::string out;
  row(report, name, bytes.size(),
      nanoseconds(50ms,
                  [&] {
                    out.clear();
                    wire::append_scheduler_event(out, message, type);
                    sink += out.size();
                  }),
      nanoseconds(50ms, [&] { sink += wire::decode_scheduler_event(bytes, type).has_value(); }));
}

void up(Report& report, const std::string& name, const protocol::AgentMessage& message) {
  std::string frame;
  (void)wire::append_link_frame(frame, message);
  const std::string bytes = frame.substr(wire::kLinkHeaderBytes);
  std::string out;
  row(report, name, bytes.size(),
      nanoseconds(50ms,
                  [&] {
                    out.clear();
                    (void)wire::append_link_frame(out, message);
                    sink += out.size();
                  }),
      nanoseconds(50ms, [&] { sink += wire::decode_agent_message(bytes).has_value(); }));
}

void down(Report& report, const std::string& name, protocol::MasterMessage body) {
  const protocol::MasterFrame message{7, std::move(body)};
  std::string frame;
  (void)wire::append_link_frame(frame, message);
  const std::string bytes = frame.substr(wire::kLinkHeaderBytes);
  std::string out;
  row(report, name, bytes.size(),
      nanoseconds(50ms,
                  [&] {
                    out.clear();
                    (void)wire::append_link_frame(out, message);
                    sink += out.size();
                  }),
      nanoseconds(50ms, [&] { sink += wire::decode_master_frame(bytes).has_value(); }));
}

double recordio_mb_per_s(std::size_t record_bytes) {
  std::string stream;
  const std::string record(record_bytes, 'x');
  while (stream.size() < (std::size_t{8} << 20)) wire::append_record(stream, record);
  const double ns = nanoseconds(50ms, [&] {
    wire::RecordParser parser;
    constexpr std::size_t kPiece = std::size_t{64} << 10;
    for (std::size_t at = 0; at < stream.size(); at += kPiece) {
      (void)parser.feed(std::string_view(stream).substr(at, kPiece),
                        [](std::string_view one) { sink += one.size(); });
    }
  });
  return static_cast<double>(stream.size()) / 1e6 / (ns / 1e9);
}

void all_messages(Report& report) {
  const FrameworkId framework(kId + "-0001");
  const Offer offer = make_offer();
  const TaskSpec task = make_task();
  const TaskStatus status = make_status();
  FrameworkInfo info;
  info.id = framework;
  info.user = "root";
  info.name = "bench";
  info.roles = {"*"};
  protocol::call::Accept accept{{offer.id}, {}, {5s}};
  accept.operations.push_back({{}, protocol::Launch{{task}}});
  const protocol::call::Acknowledge ack{status.agent_id, status.task_id, *status.uuid};
  for (const ContentType type : {ContentType::kProtobuf, ContentType::kJson}) {
    const std::string suffix = type == ContentType::kJson ? " json" : " protobuf";
    call(report, "ACCEPT" + suffix, {framework, accept}, type);
    call(report, "DECLINE" + suffix, {framework, protocol::call::Decline{{offer.id}, {5s}}}, type);
    call(report, "ACKNOWLEDGE" + suffix, {framework, ack}, type);
    event(report, "OFFERS of one" + suffix, protocol::event::Offers{{offer}}, type);
    event(report, "UPDATE" + suffix, protocol::event::Update{status}, type);
  }
  protocol::to_agent::RunTasks run{.framework = info, .role = "*", .command_task = true};
  run.executor.id = ExecutorId(task.id.value);
  run.tasks = {task};
  down(report, "link RunTasks", run);
  down(report, "link Acknowledge",
       protocol::to_agent::Acknowledge{framework, status.task_id, *status.uuid});
  down(report, "link Ping", protocol::to_agent::Ping{});
  up(report, "link StatusUpdate",
     protocol::to_master::StatusUpdate{framework, status, TaskState::kRunning});
  up(report, "link Pong", protocol::to_master::Pong{});
}

}  // namespace
}  // namespace souk::bench

int main() {
  using namespace souk::bench;
  Report report;
  std::printf("%-36s %8s %10s %10s\n", "", "bytes", "encode ns", "decode ns");
  all_messages(report);
  for (const std::size_t bytes : {200, 2000, 200'000}) {
    const double rate = recordio_mb_per_s(bytes);
    std::printf("RecordIO parser, records of %7zu bytes: %8.0f MB/s\n", bytes, rate);
    report.add(fmt::format("recordio_mb_per_s_{}", bytes), rate);
  }
  report.add("checksum", static_cast<int64_t>(sink % 1000));
  report.print();
  return 0;
}
