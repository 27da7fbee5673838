// The shortest list of faults that still fails: halves, quarters and so on of it are left out as
// long as the same checker complains (delta debugging).
#include <algorithm>
#include <string>
#include <utility>

#include "sim/swarm.h"

namespace souk::sim {
namespace {

// Which checker it was: the word before the first colon.
std::string kind_of(const Outcome& outcome) {
  return outcome.failure ? outcome.failure->substr(0, outcome.failure->find(':')) : std::string();
}

}  // namespace

Plan shrink(const Plan& plan, const RunOptions& options, const Outcome& failed, int runs) {
  RunOptions quiet = options;
  quiet.timeline = 0;
  const std::string kind = kind_of(failed);
  Plan best = plan;
  std::size_t piece = std::max<std::size_t>(best.faults.size() / 2, 1);
  while (runs > 0 && !best.faults.empty()) {
    bool shorter = false;
    for (std::size_t at = 0; at < best.faults.size() && runs > 0;) {
      Plan tried = best;
      const std::size_t end = std::min(at + piece, tried.faults.size());
      tried.faults.erase(tried.faults.begin() + static_cast<std::ptrdiff_t>(at),
                         tried.faults.begin() + static_cast<std::ptrdiff_t>(end));
      --runs;
      if (kind_of(run(tried, quiet)) == kind) {
        best = std::move(tried);
        shorter = true;
      } else {
        at = end;
      }
    }
    if (piece == 1 && !shorter) break;
    piece = std::max<std::size_t>(piece / 2, 1);
  }
  return best;
}

}  // namespace souk::sim
