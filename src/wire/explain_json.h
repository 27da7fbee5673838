// A master's explanations as JSON, as docs/EXPLAIN.md tells. Pure functions.
#pragma once

#include <string>

#include "protocol/explain_view.h"

namespace souk::wire {

std::string render_explain(const protocol::ExplainView& view);
std::string render_share(const protocol::ShareView& share);
std::string render(const protocol::Document& document);

}  // namespace souk::wire
