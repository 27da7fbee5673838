// A master's documents for operators and tools, as Mesos names and shapes them ("Legacy HTTP" of
// the v1 facts): rendered from a snapshot, straight into text. Pure functions. What Souk adds has
// keys of its own, which readers ignore.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/master_view.h"
#include "wire/documents.h"

namespace souk::wire {

std::string render_state(const protocol::MasterView& view, const DocumentContext& context);
std::string render_state_summary(const protocol::MasterView& view);
// With an id: only that one.
std::string render_slaves(const protocol::MasterView& view, std::string_view agent_id);
std::string render_frameworks(const protocol::MasterView& view, std::string_view framework_id);
std::string render_roles(const protocol::MasterView& view);
std::string render_version(const DocumentContext& context);
std::string render_flags(const DocumentContext& context);

struct TasksQuery {
  std::size_t limit = 100;
  std::size_t offset = 0;
  bool ascending = false;         // by the time of their first status
  std::string_view framework_id;  // empty: all
  std::string_view task_id;       // empty: all
};
std::string render_tasks(const protocol::MasterView& view, const TasksQuery& query);

// /metrics/snapshot: every name of a Mesos master, its value where Souk has one and zero where the
// thing does not exist here (operations, the replicated log).
Metrics master_metrics(const protocol::MasterView& view, const SystemFacts& system);

}  // namespace souk::wire
