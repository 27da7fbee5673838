// A framework's side of the v1 scheduler API: the scheduler machine with its connections, on a loop
// that many may share. SchedulerDriver (souk/scheduler.h) is one with a loop of its own. Loop
// thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "protocol/scheduler_api.h"
#include "runtime/http_client.h"
#include "runtime/loop.h"
#include "scheduler/machine.h"
#include "wire/content_type.h"

namespace souk::runtime {

class SchedulerSession {
 public:
  // Not to be destroyed by any of these. May ask for more: that is stepped after, not within.
  class Listener {
   public:
    virtual void on_event(protocol::SchedulerEvent&& event) = 0;
    virtual void on_disconnected(const std::string& why) = 0;
    // The last call; with an error if nobody asked for it.
    virtual void on_end(std::optional<std::string> error) = 0;

   protected:
    ~Listener() = default;
  };

  SchedulerSession(Loop& loop, scheduler::Options options, wire::ContentType type,
                   const HttpClient::Options& http, Listener& listener);
  ~SchedulerSession();
  SchedulerSession(const SchedulerSession&) = delete;
  SchedulerSession& operator=(const SchedulerSession&) = delete;

  void start();
  void ask(protocol::SchedulerCallBody call);
  void stop(bool teardown);

  bool subscribed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
