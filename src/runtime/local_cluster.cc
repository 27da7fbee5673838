#include "runtime/local_cluster.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>

#include "runtime/log.h"

namespace souk::runtime {

struct LocalCluster::Agents {
  std::mutex mutex;  // guards `nodes`
  std::vector<std::unique_ptr<AgentNode>> nodes;
};

Result<std::unique_ptr<LocalCluster>> LocalCluster::start(LocalClusterOptions options) {
  std::unique_ptr<LocalCluster> cluster(new LocalCluster());
  cluster->agents_ = std::make_unique<Agents>();
  cluster->work_dir_ = options.work_dir;
  if (options.work_dir.empty()) {
    std::string path = (std::filesystem::temp_directory_path() / "souk-local-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
      return fail("cannot make a temporary folder: {}", std::strerror(errno));
    }
    // Tasks of other users have to reach their sandboxes.
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    cluster->work_dir_ = path;
    cluster->temporary_ = true;
  }
  options.master.work_dir = cluster->work_dir_ + "/master";
  options.master.drop_agent = [raw = cluster.get()](const std::string& id) {
    return raw->drop(id);
  };
  auto master = MasterNode::start(options.master);
  if (!master) return std::unexpected(master.error());
  cluster->master_ = std::move(*master);
  if (auto started = cluster->start_agents(options); !started) {
    return std::unexpected(started.error());
  }
  return cluster;
}

Result<void> LocalCluster::start_agents(const LocalClusterOptions& options) {
  for (unsigned i = 0; i < options.agents; ++i) {
    AgentNodeOptions one = options.agent;
    one.ip = master_->ip();
    one.port = 0;
    one.hostname = fmt::format("agent{}", i + 1);
    one.work_dir = fmt::format("{}/{}", work_dir_, one.hostname);
    one.masters = {fmt::format("{}:{}", master_->ip(), master_->port())};
    auto node = AgentNode::start(std::move(one));
    if (!node) return std::unexpected(node.error());
    const std::lock_guard lock(agents_->mutex);
    agents_->nodes.push_back(std::move(*node));
  }
  return {};
}

LocalCluster::~LocalCluster() {
  if (agents_) {
    const std::lock_guard lock(agents_->mutex);
    for (const auto& node : agents_->nodes) node->crash();
    agents_->nodes.clear();
  }
  master_.reset();
  std::error_code error;
  if (temporary_) std::filesystem::remove_all(work_dir_, error);
  if (error) log_warning("cannot remove the cluster's folder", {{"path", work_dir_}});
}

Result<void> LocalCluster::drop(const std::string& agent_id) {
  std::unique_ptr<AgentNode> node;
  {
    const std::lock_guard lock(agents_->mutex);
    auto& nodes = agents_->nodes;
    const auto at = std::find_if(nodes.begin(), nodes.end(),
                                 [&](const auto& each) { return each->id() == agent_id; });
    if (at == nodes.end()) return fail("no agent of this cluster has the id '{}'", agent_id);
    node = std::move(*at);
    nodes.erase(at);
  }
  log_info("dropping an agent", {{"agent", agent_id}});
  node->crash();
  return {};
}

}  // namespace souk::runtime
