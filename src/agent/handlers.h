// What Machine::step dispatches to: one function for each event, each in the file that its name
// says.
#pragma once

#include "agent/log.h"
#include "agent/state.h"

namespace souk::agent {

// recovery.cc
void restore(State& state, Checkpoint checkpoint);
void on(Context& c, event::Started&& e);

// link.cc
void on(Context& c, event::LinkOpened&& e);
void on(Context& c, event::LinkClosed&& e);
// on_master.cc
void on(Context& c, event::MasterSaid&& e);
void on(Context& c, event::FileServed&& e);

// on_supervisor.cc
void on(Context& c, event::SupervisorConnected&& e);
void on(Context& c, event::SupervisorSaid&& e);
void on(Context& c, event::SupervisorGone&& e);
void on(Context& c, event::LaunchFailed&& e);

// on_executor.cc
void on(Context& c, event::ExecutorSubscribed&& e);
void on(Context& c, event::ExecutorCalled&& e);
void on(Context& c, event::ExecutorDisconnected&& e);

// storage.cc
void on(Context& c, event::Persisted&& e);
// on_timer.cc
void on(Context& c, event::TimerFired&& e);
// stop.cc
void on(Context& c, event::StopRequested&& e);

// The process ends now; tasks run on.
void stop(Context& c, const Stopping& how);
// Everything is killed first; then the process ends.
void leave(Context& c, Stopping how);
// The containers did not end in time.
void give_up_waiting(Context& c);

// sweep.cc: last in every step. Erases what ended, and notices when recovery or leaving is
// complete.
void sweep(Context& c);

}  // namespace souk::agent
