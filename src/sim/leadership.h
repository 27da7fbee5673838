// What makes one of several simulated masters the leader: the candidate's machine, a session with
// the simulated coordination service, and the registry there.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "election/candidate.h"
#include "sim/services.h"

namespace souk::sim {

class MasterProcess;

class Leadership {
 public:
  Leadership(MasterProcess& master, Services& services, ProcessId zoo, Duration session_timeout,
             Switches switches, Rng rng);
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;
  ~Leadership();

  void start();
  // The address of who leads; empty: nobody is known to.
  std::string leader() const;
  const election::Candidate& candidate() const { return candidate_; }
  // Before anything is done as the leader: it may have been stopped for long.
  void mind_silence();
  void store(uint64_t epoch, std::vector<protocol::Ticket> tickets,
             std::vector<protocol::RegistryOperation> operations);

  // --- its wire to the service
  bool owns(Wire wire) const { return wire_ == wire; }
  void on_dialled(Wire wire, bool ok);
  void on_message(Wire wire, Message&& message);
  void on_closed(Wire wire);

 private:
  struct Store {
    uint64_t epoch = 0;
    std::vector<protocol::Ticket> tickets;
    std::vector<protocol::RegistryOperation> operations;
  };
  enum class Asked : uint8_t { kCreate, kList, kRead, kLoad, kStore };

  void step(election::Event event);
  void carry_out(election::OpenSession&& effect);
  void carry_out(election::CloseSession&& effect);
  void carry_out(election::CreateNode&& effect);
  void carry_out(election::ListChildren&& effect);
  void carry_out(election::ReadNode&& effect);
  void carry_out(election::Lead&& effect);
  void carry_out(election::StopLeading&& effect);
  void carry_out(election::LeaderChanged&& effect) { static_cast<void>(effect); }
  void carry_out(election::ArmTimer&& effect);
  void carry_out(election::Log&& effect);

  void dial();
  void later(Duration delay, Action action);
  void wait_until(MonoTime at);
  void keep_alive();
  void lost();
  void welcomed(const ZooWelcome& message);
  void answered(ZooAnswer&& answer);
  void fail(Asked what, uint64_t request);
  // Sends it if there is a connection; else it fails at once.
  template <class Body>
  void ask(Asked what, uint64_t request, Body body);
  void load();
  void store_next();

  MasterProcess& master_;
  Services& services_;
  const ProcessId zoo_;
  const Duration session_timeout_;
  election::Candidate candidate_;
  // What is asked for by it is dropped once it is gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<MonoTime> armed_;

  election::Session session_ = 0;  // as the candidate numbers it; 0: none is wanted
  uint64_t zoo_session_ = 0;       // as the service does; 0: it is not known yet
  std::optional<Wire> wire_;
  bool connected_ = false;
  MonoTime heard_;              // by our clock: when the latest answered ping was sent
  std::deque<MonoTime> pings_;  // unanswered
  uint64_t connection_ = 0;     // counts them

  uint64_t last_number_ = 0;
  std::map<uint64_t, std::pair<Asked, uint64_t>> asked_;  // by number, with the candidate's request
  std::optional<uint64_t> epoch_;                         // of the registry that is to be loaded
  std::deque<Store> stores_;                              // the first is on its way
  bool storing_ = false;
};

}  // namespace souk::sim
