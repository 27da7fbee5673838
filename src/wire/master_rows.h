// Rows that several of a master's documents share. Internal to wire/. Pure; not thread-safe.
#pragma once

#include <string_view>

#include "base/hash_map.h"
#include "protocol/master_view.h"
#include "wire/document_parts.h"

namespace souk::wire {

// Writes rows of one view into one document. REQUIRES: both outlive it.
class MasterRows {
 public:
  MasterRows(JsonWriter& out, const protocol::MasterView& view);

  void task(const protocol::FrameworkView& framework, const protocol::TaskView& task);
  // The whole object of a framework, with its tasks, offers and executors.
  void framework(const protocol::FrameworkView& framework);
  // The fields of an object that is open.
  void framework_summary(const protocol::FrameworkView& framework);
  void agent_fields(const protocol::AgentSummary& agent);

  // "frameworks", "completed_frameworks" and "unregistered_frameworks". With an id: only that one.
  void frameworks_fields(std::string_view only_id);
  // "recovered_slaves". With an id: only that one.
  void recovered_agents_field(std::string_view only_id);

 private:
  void tasks_field(std::string_view name, const protocol::FrameworkView& framework,
                   const std::vector<Piece<protocol::TaskView>>& tasks);
  void offers_field(const protocol::FrameworkView& framework);
  void inverse_offers_field(const protocol::FrameworkView& framework);
  void short_slots_field(const protocol::AgentSummary& agent);
  void executors_field(const protocol::FrameworkView& framework);

  JsonWriter& out_;
  const protocol::MasterView& view_;
  TaskWriter tasks_;
  HashMap<std::string_view, std::string_view> agent_ips_;
};

}  // namespace souk::wire
