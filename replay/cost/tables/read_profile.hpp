#pragma once
// The files of a user's profile folder as a StepProfile. The format is recognised from the files' names and columns:
//
//   vllm          dense.csv, per_sequence.csv, attention.csv, moe.csv as LLMServingSim's profiler of vLLM writes them
//   vidur         mlp.csv, attention.csv, all_reduce.csv of microsoft/vidur's profiler
//   aicb          vidur-MODEL-world_sizeW-tpT-ppP-epE-bsB-seqS-PHASE.csv of AICB (SimAI)
//   kernel_times  gemm.csv, context_attention.csv, generation_attention.csv, moe.csv, custom_allreduce.csv in the
//                 columns of `replayctl cost eval`
//
// Parsing text only: callers read files.

#include <map>
#include <string>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/cost/tables/step_profile.hpp"

namespace replayd::cost {

/// A folder's CSV files: name without directories and without ".gz" → text.
struct ProfileFiles {
    std::string origin;  ///< the folder, as messages and provenance name it
    std::map<std::string, std::string, std::less<>> text;
};

/// Error `invalid_argument` names the file, row, column and value, or says which formats were looked for; also where
/// the profile lacks the model's or the pool's shape.
[[nodiscard]] Result<StepProfile> read_profile(const ProfileFiles& files, const ModelSpec& model, const PoolSpec& pool);

// The readers of each format; `files` has been recognised as theirs.
[[nodiscard]] Result<StepProfile> read_vllm_profile(const ProfileFiles& files);
[[nodiscard]] Result<StepProfile> read_vidur_profile(const ProfileFiles& files, const ModelSpec& model,
                                                     const PoolSpec& pool);
[[nodiscard]] Result<StepProfile> read_aicb_profile(const ProfileFiles& files, const ModelSpec& model,
                                                    const PoolSpec& pool);
[[nodiscard]] Result<StepProfile> read_kernel_profile(const ProfileFiles& files, const ModelSpec& model,
                                                      const PoolSpec& pool);

}  // namespace replayd::cost
