#pragma once
// Records of a run as CSV lines. Times are virtual nanoseconds in columns that end in _ns.

#include <string>
#include <string_view>

#include "replay/sim/records.hpp"

namespace replayd::ctl {

/// Every field of a request, its ledger and its blame; empty where a value is absent.
void append_request_header(std::string& out);
void append_request(std::string& out, std::string_view scenario, const RequestRecord& record);

/// Sums and quantiles of a window; quantiles are empty without samples.
void append_window_header(std::string& out);
void append_window(std::string& out, std::string_view scenario, const WindowRecord& window);

/// Batches in the columns of vidur's reference decisions, times in seconds with all nine decimals that they have;
/// members are "SEQUENCE:TOKENS:P" or "…:D", separated by spaces. vidur's column of the cost per stage is not there:
/// it is the closed form that its reference was made with.
void append_batch_header(std::string& out);
void append_batch(std::string& out, const BatchRecord& batch);

/// The output tokens that a batch makes, with the time of its end. Those of a request come in order.
void append_token_header(std::string& out);
void append_tokens(std::string& out, const BatchRecord& batch);

}  // namespace replayd::ctl
