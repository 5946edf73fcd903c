#pragma once
// Measured operator times that a user brings, as plain numbers: what the readers of this folder make of a profile's
// files, whatever tool wrote them, and what ProfileCost prices steps from. Times are microseconds of one run.

#include <cstdint>
#include <string>
#include <vector>

namespace replayd::cost {

/// One measured time over one argument (tokens, sequences or bytes).
struct TimePoint {
    double x = 0;
    double us = 0;
};

/// What the argument of a curve counts.
enum class CurveField : std::uint8_t {
    rows,     ///< tokens of the step
    sampled,  ///< sequences that produce a token
};

/// An operator whose time depends on one number. It stands in place of the composed operators named `replaces`.
struct ProfiledCurve {
    std::string name;                    ///< as the profile calls it, e.g. "qkv_proj"
    std::vector<std::string> replaces;   ///< composed operators, e.g. {"attention.qkv"}
    CurveField field = CurveField::rows;
    std::vector<TimePoint> points;       ///< at least one
    bool whole = false;                  ///< one run stands for one of each replaced; else runs are theirs together
};

/// One attention call: at most one prompt chunk beside `decodes` sequences of equal context.
struct AttentionPoint {
    double chunk = 0;    ///< new prompt tokens; 0: none
    double past = 0;     ///< tokens computed before the chunk
    double decodes = 0;  ///< sequences with one new token each
    double context = 0;  ///< of each of them
    double us = 0;
};

/// The routed experts of a layer on one GPU.
struct ExpertPoint {
    double tokens = 0;  ///< each of them routed to top_k experts of that GPU
    double active = 0;  ///< experts with at least one token
    double us = 0;
};

/// A user's measurements of one model on one GPU at one tensor-parallel degree. What is absent is priced by the
/// project's laws.
struct StepProfile {
    std::string origin;  ///< folder, as provenance names it
    std::string format;  ///< "vllm", "vidur", "aicb" or "kernel_times"
    std::vector<ProfiledCurve> curves;
    std::vector<AttentionPoint> attention;
    /// Composed operators that an attention time stands for; the first that the model has says how often it runs.
    std::vector<std::string> attention_replaces = {"attention.prefill", "attention.decode"};
    std::vector<ExpertPoint> experts;
    std::vector<TimePoint> all_reduce;  ///< over bytes, of the profile's tensor-parallel group
};

}  // namespace replayd::cost
