// Effects as lines of text: for golden scripts, and for digests that tell two runs apart.
#pragma once

#include <string>

#include "election/election.h"

namespace souk::election {

class Transcript {
 public:
  static std::string line(const Effect& effect) {
    return std::visit([](const auto& one) { return text(one); }, effect);
  }

 private:
  static std::string text(const OpenSession& e) {
    return fmt::format("open session {}", e.session);
  }
  static std::string text(const CloseSession& e) {
    return fmt::format("close session {}", e.session);
  }
  static std::string text(const CreateNode& e) {
    return fmt::format("create #{} '{}'", e.request, e.data);
  }
  static std::string text(const ListChildren& e) { return fmt::format("list #{}", e.request); }
  static std::string text(const ReadNode& e) {
    return fmt::format("read #{} {}", e.request, e.name);
  }
  static std::string text(const Lead& e) { return fmt::format("LEAD epoch {}", e.epoch); }
  static std::string text(const StopLeading& e) { return "STOP LEADING: " + e.why; }
  static std::string text(const LeaderChanged& e) {
    if (!e.leader) return "leader: nobody";
    return fmt::format("leader: {} '{}'{}", e.leader->name, e.leader->data,
                       e.leader->epoch ? fmt::format(" epoch {}, oneself", *e.leader->epoch) : "");
  }
  static std::string text(const ArmTimer& e) {
    return e.at ? "arm " + format_duration(e.at->time_since_epoch()) : "disarm";
  }
  static std::string text(const Log& e) { return "log: " + e.text; }
};

}  // namespace souk::election
