#include "wire/explain_json.h"

#include "wire/document_parts.h"
#include "wire/explain_text.h"
#include "wire/json_writer.h"
#include "wire/overloaded.h"

namespace souk::wire {
namespace {

using protocol::ExplainedAgent;
using protocol::ExplainView;
using protocol::HolderView;
using protocol::ShareView;
using protocol::TakenView;

void write_quantities(JsonWriter& out, std::string_view name, const Quantities& quantities) {
  out.key(name);
  out.begin_object();
  for (const auto& [each, amount] : quantities) out.field(each, amount.to_double());
  out.end_object();
}

void write_texts(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name);
  out.begin_array();
  for (const std::string& text : texts) out.value(text);
  out.end_array();
}

void write_identity(JsonWriter& out, const ShareView& share) {
  out.field("framework_id", share.framework.value);
  out.field("name", share.name);
  write_texts(out, "roles", share.roles);
}

void write_share_fields(JsonWriter& out, const ShareView& share) {
  const double used = Scalar{share.used}.to_double();
  const double total = Scalar{share.total}.to_double();
  write_quantities(out, "guaranteed", share.guaranteed);
  out.field("fair", static_cast<double>(share.fair_millionths) / 1e6);
  write_quantities(out, "current", share.held);
  write_quantities(out, "offered", share.offered);
  out.key("dominant");
  out.begin_object();
  out.field("resource", share.dominant);
  out.field("used", used);
  out.field("total", total);
  out.field("share", share.total == 0 ? 0.0 : used / total);
  out.end_object();
}

void write_counts(JsonWriter& out, const ExplainView& view) {
  const auto each_counted = [&](auto&& write) {
    for (std::size_t i = 0; i < kObstacles; ++i) {
      if (view.counts[i] > 0) write(static_cast<Obstacle>(i), view.counts[i]);
    }
  };
  out.key("counts");
  out.begin_object();
  each_counted(
      [&](Obstacle obstacle, std::size_t count) { out.field(to_string(obstacle), count); });
  out.end_object();
  out.key("meanings");
  out.begin_object();
  each_counted([&](Obstacle obstacle, std::size_t) {
    out.field(to_string(obstacle), meaning_of(obstacle));
  });
  out.end_object();
}

void write_taken(JsonWriter& out, const TakenView& taken) {
  out.key("used");
  write_resources(out, taken.used);
  out.key("offered");
  write_resources(out, taken.offered);
  out.field("frameworks_using", taken.users);
  out.field("open_offers", taken.offers);
  out.key("holders");
  out.begin_array();
  for (const HolderView& holder : taken.holders) {
    out.begin_object();
    out.field("framework_id", holder.framework.value);
    out.field("name", holder.name);
    if (!holder.offer.empty()) out.field("offer_id", holder.offer.value);
    out.end_object();
  }
  out.end_array();
}

void write_row(JsonWriter& out, const ExplainView& view, const ExplainedAgent& row) {
  out.begin_object();
  out.field("agent_id", row.agent.value);
  out.field("hostname", row.hostname);
  out.field("role", row.role);
  if (row.short_slot_limit) {
    out.field("max_task_duration_seconds", to_seconds(*row.short_slot_limit));
  }
  out.field("reason", to_string(row.obstacle));
  out.field("text", sentence_of(view, row));
  out.key("free");
  write_resources(out, row.free);
  out.key("offerable");
  write_resources(out, row.offerable);
  if (row.until) {
    out.field("until", format_rfc3339(*row.until));
    out.field("seconds_left", to_seconds(*row.until - view.now));
  }
  if (!row.refused_offer.empty()) out.field("refused_offer_id", row.refused_offer.value);
  if (!row.detail.empty()) out.field("detail", row.detail);
  if (!row.open_offers.empty()) {
    out.key("open_offer_ids");
    out.begin_array();
    for (const OfferId& id : row.open_offers) out.value(id.value);
    out.end_array();
  }
  if (row.taken) write_taken(out, *row.taken);
  out.end_object();
}

}  // namespace

std::string render_share(const ShareView& share) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  write_identity(out, share);
  write_share_fields(out, share);
  out.end_object();
  return text;
}

std::string render_explain(const ExplainView& view) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  write_identity(out, view.share);
  out.field("time", format_rfc3339(view.now));
  out.field("connected", view.connected);
  write_texts(out, "suppressed_roles", view.suppressed_roles);
  if (view.last_offer) out.field("last_offer", format_rfc3339(*view.last_offer));
  out.field("open_offers", view.open_offers);
  out.key("share");
  out.begin_object();
  write_share_fields(out, view.share);
  out.end_object();
  write_texts(out, "summary", summary_of(view));
  out.field("explained", view.pairs);
  write_counts(out, view);
  if (view.only) out.field("only_reason", to_string(*view.only));
  out.key("agents");
  out.begin_array();
  for (const ExplainedAgent& row : view.rows) write_row(out, view, row);
  out.end_array();
  out.field("left_out", view.left_out);
  out.end_object();
  return text;
}

std::string render(const protocol::Document& document) {
  return std::visit(Overloaded{[](const ShareView& share) { return render_share(share); },
                               [](const ExplainView& view) { return render_explain(view); }},
                    document);
}

}  // namespace souk::wire
