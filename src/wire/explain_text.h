// What a master's explanations say to people, in plain English: one sentence for each agent, a few
// for the framework as a whole. Pure functions. Control characters of what peers named themselves
// are replaced.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/explain_view.h"

namespace souk::wire {

// What a code of model/obstacle.h means.
std::string_view meaning_of(Obstacle obstacle);

// Why the framework was not offered what is free on this agent, and what would change that.
// REQUIRES a row of this view.
std::string sentence_of(const protocol::ExplainView& view, const protocol::ExplainedAgent& row);

// The framework as a whole: whether it takes part, its offers, its share, its guarantee.
std::vector<std::string> summary_of(const protocol::ExplainView& view);

}  // namespace souk::wire
