// What the algebra of resources costs: nanoseconds of each operation on bags as agents, offers and
// tasks have them.
#include "model/resources.h"

#include "bench/support.h"

namespace souk::bench {
namespace {

void row(Report& report, const char* name, const char* key, double value) {
  std::printf("%-58s %8.1f ns\n", name, value);
  report.add(std::string(key) + "_ns", value);
}

void measure(Report& report) {
  const Resources agent =
      Resources::parse("cpus:8;mem:32768;disk:1000000;ports:[31000-32000]").value();
  const Resources same =
      Resources::parse("cpus:8;mem:32768;disk:1000000;ports:[31000-32000]").value();
  const Resources task = Resources::parse("cpus:2;mem:8192;disk:10000;ports:[31010-31010]").value();
  const Resources small = Resources::parse("cpus:0.1;mem:32").value();
  const Resources rest = agent - task;
  Resources books = agent;

  row(report, "copy an agent's, and drop it", "copy", nanoseconds(20ms, [&] {
        const Resources copy = agent;  // NOLINT(performance-unnecessary-copy-initialization)
        sink += copy.items().size();
      }));
  row(report, "== (equal, apart)", "equal",
      nanoseconds(20ms, [&] { sink += agent == same ? 1 : 0; }));
  row(report, "contains: an agent's, itself apart", "contains_whole",
      nanoseconds(20ms, [&] { sink += agent.contains(same) ? 1 : 0; }));
  row(report, "contains: an agent's, a task's", "contains_task",
      nanoseconds(20ms, [&] { sink += agent.contains(task) ? 1 : 0; }));
  row(report, "-= and +=, a task's with a port", "take_and_return_task", nanoseconds(20ms, [&] {
        books -= task;
        books += task;
      }));
  row(report, "-= and +=, cpus and mem only", "take_and_return_small", nanoseconds(20ms, [&] {
        books -= small;
        books += small;
      }));
  row(report, "nothing += an agent's", "add_to_empty", nanoseconds(20ms, [&] {
        Resources sum;
        sum += agent;
        sink += sum.items().size();
      }));
  row(report, "an agent's -= all of it, apart", "take_all", nanoseconds(20ms, [&] {
        Resources left = agent;
        left -= same;
        sink += left.items().size();
      }));
  row(report, "an agent's - a task's", "minus",
      nanoseconds(20ms, [&] { sink += (agent - task).items().size(); }));
  row(report, "rest + a task's", "plus",
      nanoseconds(20ms, [&] { sink += (rest + task).items().size(); }));
  row(report, "usable_by(role)", "usable_by",
      nanoseconds(20ms, [&] { sink += agent.usable_by("eng").items().size(); }));
  row(report, "scalar(mem)", "scalar",
      nanoseconds(20ms, [&] { sink += static_cast<std::size_t>(agent.scalar(kMem).thousandths); }));
  row(report, "quantities_of", "quantities_of",
      nanoseconds(20ms, [&] { sink += quantities_of(agent).size(); }));
  report.add("checksum", static_cast<int64_t>(sink % 1000));
}

}  // namespace
}  // namespace souk::bench

int main() {
  using namespace souk::bench;
  std::printf("sizeof: Resource %zu, Resources %zu\n", sizeof(souk::Resource),
              sizeof(souk::Resources));
  Report report;
  measure(report);
  report.print();
  return 0;
}
