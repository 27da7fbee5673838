// What operators are told of what happens, as long as one of them listens: then, and only then,
// anything is made for them.
#include <algorithm>
#include <utility>

#include "master/master.h"

namespace souk::master {

namespace operator_event = protocol::operator_event;

void Machine::on(OperatorSubscribed&& event) {
  if (!recovered_) return respond(event.connection, 503, "Master has not finished recovery");
  while (operator_streams_.size() >= std::max<std::size_t>(options_.max_operator_streams, 1)) {
    log(Log::Level::kWarning,
        fmt::format("more than {} operators listen: the one that came first is dropped",
                    options_.max_operator_streams));
    out(CloseStream{operator_streams_.front()});
    operator_streams_.pop_front();
  }
  if (operator_streams_.empty()) {
    deadlines_.set({Timer::Kind::kOperatorHeartbeat, 0}, now_.mono + options_.heartbeat_interval);
  }
  operator_streams_.push_back(event.connection);
  out(OpenOperatorStream{event.connection});
}

bool Machine::forget_operator_stream(ConnectionId connection) {
  if (std::erase(operator_streams_, connection) == 0) return false;
  if (operator_streams_.empty()) deadlines_.cancel({Timer::Kind::kOperatorHeartbeat, 0});
  return true;
}

void Machine::tell_added(const Framework& framework, const Task& task) {
  if (!is_watched()) return;
  out(SendToOperators{operator_event::TaskAdded{task.shown, framework.info.user}});
}

void Machine::tell_updated(const Framework& framework, const TaskStatus& status, TaskState state) {
  if (!is_watched()) return;
  out(SendToOperators{operator_event::TaskUpdated{framework.info.id, status, state}});
}

void Machine::tell_added(const Agent& agent) {
  if (!is_watched()) return;
  out(SendToOperators{operator_event::AgentAdded{summary_of(agent)}});
}

void Machine::tell_removed(const AgentId& agent) {
  if (is_watched()) out(SendToOperators{operator_event::AgentRemoved{agent}});
}

void Machine::tell_added(const Framework& framework) {
  if (!is_watched()) return;
  out(SendToOperators{operator_event::FrameworkAdded{header_of(framework)}});
}

void Machine::tell_updated(const Framework& framework) {
  if (!is_watched()) return;
  out(SendToOperators{operator_event::FrameworkUpdated{header_of(framework)}});
}

void Machine::tell_removed(const Framework& framework) {
  if (is_watched()) out(SendToOperators{operator_event::FrameworkRemoved{framework.shared_info}});
}

}  // namespace souk::master
