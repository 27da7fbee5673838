// What must be durable before something else may happen.
#pragma once

#include "agent/state.h"

namespace souk::agent {

// Orders one change of the checkpoint to be stored.
void persist(Context& c, CheckpointOperation operation);

// Performs this once all that persist() ordered so far is durable: at once, or when Persisted says
// so.
void after_stored(Context& c, Held what);

// What Held stands for; each beside what it belongs to.
void perform(Context& c, held::SendRegister&& h);
void perform(Context& c, held::StartBatch&& h);
void perform(Context& c, held::Deliver&& h);
void perform(Context& c, held::SayOnce&& h);
void perform(Context& c, held::OfferUpdate&& h);
void perform(Context& c, held::NextUpdate&& h);
void perform(Context& c, held::TakeReport&& h);
void perform(Context& c, held::KillRevoked&& h);
void perform(Context& c, held::AcknowledgeExecutor&& h);
void perform(Context& c, held::TellExecutorTerminated&& h);
void perform(Context& c, held::EndSupervisor&& h);

}  // namespace souk::agent
