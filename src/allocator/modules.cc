#include "allocator/modules.h"

#include <array>
#include <utility>

#include "allocator/engine.h"
#include "base/text.h"

namespace souk::allocator {
namespace {

struct Module {
  ModuleInfo info;
  std::unique_ptr<Allocator> (*make)(Options options, Rng rng);
};

template <Engine::Policy policy>
std::unique_ptr<Allocator> make(Options options, Rng rng) {
  return std::make_unique<Engine>(policy, std::move(options), rng);
}

// One line for each module.
constexpr std::array kModules = {
    Module{{"drf", "weighted dominant resource fairness over a tree of roles, then frameworks"},
           make<Engine::Policy::kDrf>},
    Module{{"fair", "weighted max-min fairness over one resource (--fair_resource)"},
           make<Engine::Policy::kFair>},
    Module{{"priority", "strict levels of roles (--role_priorities), drf inside a level"},
           make<Engine::Policy::kPriority>},
    Module{{"lottery", "by lot, with chances in proportion to weights"},
           make<Engine::Policy::kLottery>},
};

}  // namespace

std::vector<ModuleInfo> modules() {
  std::vector<ModuleInfo> infos;
  for (const Module& module : kModules) infos.push_back(module.info);
  return infos;
}

Result<std::unique_ptr<Allocator>> make_module(const std::string& name, Options options, Rng rng) {
  std::vector<std::string_view> names;
  for (const Module& module : kModules) {
    names.push_back(module.info.name);
    if (module.info.name != name) continue;
    if (!options.parameters.empty()) {
      return fail("the allocation module {} has no option {}: it takes none", name,
                  quote(options.parameters.begin()->first));
    }
    return module.make(std::move(options), rng);
  }
  const auto near = nearest_match(name, names);
  return fail("there is no allocation module {}{}; there are: {}", quote(name),
              near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(names, ", "));
}

}  // namespace souk::allocator
