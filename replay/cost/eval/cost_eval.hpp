#pragma once
// Prices the rows of a kernel table: CSV text in, the same CSV with a prediction out.

#include <string>
#include <string_view>

#include "replay/base/error.hpp"

namespace replayd::cost {

struct CostEvalRequest {
    std::string_view gpu;      ///< system name of the public tables, e.g. "h200_sxm"
    std::string_view backend;  ///< "sglang", "vllm", "trtllm" or "nccl"
    std::string_view table;    ///< file stem of the public tables, e.g. "gemm"
    std::string_view name;     ///< of the CSV, for messages
    std::string_view csv;      ///< rows in the column layout of that table; measured columns may be there
};

/// Every line of the CSV in its order, with the columns `predicted_us` (one call; DeepEP: dispatch plus
/// combine) and `provenance` appended. Error `invalid_argument` names the option, column or cell that is
/// wrong, what was expected and what is known.
[[nodiscard]] Result<std::string> cost_eval(const CostEvalRequest& request);

}  // namespace replayd::cost
