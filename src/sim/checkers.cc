#include "sim/checkers.h"

#include "sim/check_conservation.h"
#include "sim/check_invariants.h"
#include "sim/check_offers.h"
#include "sim/check_soft_state.h"
#include "sim/check_task_lives.h"

namespace souk::sim {

std::vector<std::unique_ptr<Checker>> all_checkers(World& world, const CheckerOptions& options) {
  std::vector<std::unique_ptr<Checker>> all;
  auto conservation = std::make_unique<ConservationChecker>(world);
  Books& books = conservation->books();
  all.push_back(std::move(conservation));
  all.push_back(std::make_unique<OffersChecker>(world, books));
  all.push_back(std::make_unique<TaskLivesChecker>(world));
  all.push_back(std::make_unique<SoftStateChecker>(world));
  all.push_back(std::make_unique<InvariantsChecker>(world, options.invariants_every));
  return all;
}

}  // namespace souk::sim
