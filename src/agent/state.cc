#include "agent/state.h"

namespace souk::agent {

Framework* find_framework(State& state, const FrameworkId& id) {
  const auto at = state.frameworks.find(id);
  return at == state.frameworks.end() ? nullptr : &at->second;
}

Container* find_container(State& state, const ContainerId& id) {
  const auto at = state.containers.find(id);
  return at == state.containers.end() ? nullptr : &at->second;
}

Task* find_task(Framework& framework, const TaskId& id) {
  const auto at = framework.tasks.find(id);
  return at == framework.tasks.end() ? nullptr : &at->second;
}

Framework& framework_of(State& state, const Container& container) {
  return state.frameworks.at(container.sandbox.framework);
}

}  // namespace souk::agent
