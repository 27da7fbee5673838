// What a master has, as the messages of its operator API: one task, agent, framework or executor
// each, and all of them as the answers of GET_STATE and its parts. Internal to wire/: sees
// protobuf. Pure; not thread-safe.
#pragma once

#include <string_view>

#include "base/hash_map.h"
#include "mesos/v1/master/master.pb.h"
#include "protocol/master_view.h"
#include "wire/codec_model.h"
#include "wire/message_parts.h"

namespace souk::wire {

using PbAgent = pb::master::Response::GetAgents::Agent;
using PbFramework = pb::master::Response::GetFrameworks::Framework;
using PbExecutor = pb::master::Response::GetExecutors::Executor;

// `out` is to be empty, here and below.
void encode_agent_summary(const protocol::AgentSummary& agent, PbAgent& out);
// All but what it holds: resources, offers and inverse offers.
void encode_framework_header(const protocol::FrameworkView& framework, PbFramework& out);

class TaskEncoder {
 public:
  // The user of its framework; the address of its agent, empty if unknown.
  void encode(const protocol::TaskView& task, std::string_view user, std::string_view agent_ip,
              pb::Task& out);

 private:
  pb::TaskInfo info_;  // kept, because parsing into it again costs few allocations
};

// Writes the fields of the message that is open. REQUIRES: both outlive it.
class StateParts {
 public:
  StateParts(MessageParts& out, const protocol::MasterView& view);

  void state();       // of a GetState
  void tasks();       // of a GetTasks
  void executors();   // of a GetExecutors
  void frameworks();  // of a GetFrameworks
  void agents();      // of a GetAgents

 private:
  void add_tasks(int field, std::vector<Piece<protocol::TaskView>> protocol::FrameworkView::* list);
  void add_framework(int field, const protocol::FrameworkView& framework);
  void add_offers(const protocol::FrameworkView& framework, PbFramework& out) const;
  std::string_view ip_of(const AgentId& agent) const;

  MessageParts& out_;
  const protocol::MasterView& view_;
  HashMap<std::string_view, const AgentInfo*> agents_;  // by id
  TaskEncoder task_encoder_;
};

}  // namespace souk::wire
