// A simulated `souk master`: the master's machine behind the simulated network, on a disk or a
// coordination service of its world. A plain process: killed at any moment, it comes back with what
// was stored.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.h"
#include "base/hash_map.h"
#include "master/master.h"
#include "sim/services.h"

namespace souk::sim {

class Leadership;

struct MasterProcessOptions {
  master::Options machine;
  std::string allocator = "drf";
  allocator::Options allocation;
  // Input that comes within this time of the first is one batch, decided on once.
  Duration batch = 0ns;
  Duration load = 1ms;     // from the start, or the election, until the registry is read
  Duration store = 200us;  // until what was to be stored is
  std::string cluster_id = "sim";
  // Several masters: they are elected, and share their registry, in this service.
  std::optional<ProcessId> zoo;
  Duration zoo_session = 4s;
};

class MasterProcess final : public Process {
 public:
  MasterProcess(ProcessId id, std::string name, MasterProcessOptions options, Services& services,
                Rng rng);
  ~MasterProcess() override;

  void start();
  void crash(bool silently = false);
  // As by SIGSTOP, until then: what comes meanwhile waits, and so do its timers. With its clocks:
  // as a virtual machine that is stopped.
  void pause(Duration length, bool with_its_clocks = false);
  // Does it now, or when the process runs on; for Leadership.
  void unless_paused(Action action);
  // Writes to its disk fail from now on, or work again.
  void set_disk_broken(bool broken) { disk_broken_ = broken; }

  bool leads() const { return machine_ != nullptr; }
  const master::Machine* machine() const { return machine_.get(); }
  uint64_t epoch() const { return epoch_; }
  // Null: it is down, or the only master.
  const Leadership* leadership() const { return leadership_.get(); }
  // What its disk, or the service, holds.
  const protocol::Registry& disk() const { return disk_; }

  // Why this framework is or is not offered what there is, as people are told. A step of its own:
  // for the end of a run.
  std::string explain(const FrameworkId& framework);
  // What an operator says; false: it does not lead.
  bool call(protocol::OperatorCall call);

  void on_dialled(Wire wire, bool ok) override;
  bool on_accepted(Wire wire, ProcessId from) override;
  void on_message(Wire wire, Message&& message) override;
  void on_closed(Wire wire) override;

  // --- for Leadership
  void lead(uint64_t epoch, protocol::Registry registry);
  // It lost its leadership: the process exits, as Mesos's do.
  void exit(std::string_view why);
  void stored(const std::vector<protocol::Ticket>& tickets, bool ok, const std::string& why);

 private:
  struct Pending {
    Wire wire;
    uint64_t number = 0;
    bool stream = false;
  };

  void load_disk();
  void resume();
  void heard(Wire wire, Message&& message);
  void heard_closed(Wire wire);
  Answer answer_of_a_standby(uint64_t number) const;
  void take(master::Event event);
  void wake();
  void run_batch();
  void step(master::Event event);
  void store();
  void request(Wire wire, Request&& request);
  void forget(Wire wire);

  void carry_out(master::Respond&& effect);
  void carry_out(master::RespondDocument&& effect);
  void carry_out(master::OpenStream&& effect);
  void carry_out(master::SendToFramework&& effect);
  void carry_out(master::OpenOperatorStream&& effect);
  void carry_out(master::SendToOperators&& effect);
  void carry_out(master::CloseStream&& effect);
  void carry_out(master::SendToAgent&& effect);
  void carry_out(master::CloseLink&& effect);
  void carry_out(master::Persist&& effect);
  void carry_out(master::ArmTimer&& effect);
  void carry_out(master::Log&& effect);

  const MasterProcessOptions options_;
  Services& services_;
  Rng rng_;
  protocol::Registry disk_;
  bool disk_broken_ = false;
  uint64_t life_number_ = 0;

  // Of one life.
  std::unique_ptr<Leadership> leadership_;
  std::unique_ptr<master::Machine> machine_;
  uint64_t epoch_ = 0;
  std::optional<MonoTime> deadline_;  // by its own clock
  Timer timer_;
  bool batch_waits_ = false;
  bool paused_ = false;
  // For the end of a pause: threads that wake up race.
  std::vector<Action> waiting_;
  std::vector<Action> leadership_waits_;
  std::vector<master::Event> inputs_;
  std::vector<master::Persist> to_store_;
  master::Effects effects_;
  // Requests and streams, as the machine knows them; links it knows by their wires.
  uint64_t last_connection_ = 0;
  HashMap<uint64_t, Pending> connections_;
  std::map<Wire, std::vector<uint64_t>> connections_of_;
};

}  // namespace souk::sim
