#include "protocol/registry.h"

namespace souk::protocol {
namespace {

struct Apply {
  Registry& state;

  void operator()(const registry::AdmitAgent& op) const {
    state.unreachable.erase(op.id);
    state.admitted[op.id] = {op.hostname};
  }
  void operator()(const registry::MarkUnreachable& op) const {
    if (state.admitted.erase(op.id) > 0) state.unreachable[op.id] = op.at;
  }
  void operator()(const registry::MarkReachable& op) const {
    state.unreachable.erase(op.id);
    state.admitted[op.id] = {op.hostname};
  }
  void operator()(const registry::MarkGone& op) const {
    state.admitted.erase(op.id);
    state.unreachable.erase(op.id);
    state.gone[op.id] = op.at;
  }
  void operator()(const registry::RemoveAgent& op) const {
    state.admitted.erase(op.id);
    state.unreachable.erase(op.id);
    state.gone.erase(op.id);
  }
  void operator()(const registry::SetWeights& op) const {
    for (const RoleWeight& each : op.weights) state.weights[each.role] = each.weight;
  }
  void operator()(const registry::SetQuotas& op) const {
    for (const RoleQuota& each : op.quotas) {
      if (each.quota.empty()) {
        state.quotas.erase(each.role);
      } else {
        state.quotas[each.role] = each.quota;
      }
    }
  }
};

}  // namespace

void apply(Registry& registry, const RegistryOperation& operation) {
  std::visit(Apply{registry}, operation);
}

}  // namespace souk::protocol
