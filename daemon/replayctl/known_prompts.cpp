#include "daemon/replayctl/known_prompts.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace replayd::ctl {
namespace {

constexpr std::int64_t k_block_tokens = 16;

/// The first `blocks` blocks of a prompt are those of an earlier request, the donor.
struct SharedPrefix {
    std::int64_t request = 0;  ///< index of the arrival
    std::int64_t donor = 0;
    std::int64_t blocks = 0;
};

// Turns of one conversation begin with the turns before. Source: the prompts that casys-kaist/LLMServingSim's
// workloads/generators/sharegpt.py draws from shibing624/sharegpt_gpt4 with --num-reqs 300 --sps 10 --seed 42
// --min-input-toks 256 --min-output-toks 512 (workloads/examples/gen-*.sh), by the tokenizer of Llama 3.1 and of Qwen3.
constexpr std::array<SharedPrefix, 32> k_llama_shared = {
    {{47, 40, 28},   {66, 35, 39},    {68, 28, 22},   {79, 17, 53},   {88, 27, 20},    {93, 82, 39},   {117, 45, 24},
     {128, 63, 52},  {139, 117, 62},  {140, 76, 24},  {152, 31, 2},   {158, 107, 38},  {173, 153, 28}, {174, 38, 82},
     {177, 22, 30},  {180, 61, 51},   {183, 31, 19},  {184, 151, 36}, {188, 138, 45},  {200, 109, 16}, {209, 201, 37},
     {220, 146, 32}, {223, 36, 50},   {227, 226, 32}, {235, 56, 52},  {237, 207, 79},  {265, 149, 37}, {280, 147, 51},
     {281, 186, 51}, {285, 165, 45},  {287, 111, 28}, {293, 163, 16}}};
constexpr std::array<SharedPrefix, 32> k_qwen_shared = {
    {{47, 40, 30},   {67, 35, 40},    {70, 28, 22},   {82, 17, 84},   {91, 27, 20},    {96, 85, 39},   {122, 45, 26},
     {133, 64, 53},  {146, 122, 67},  {147, 78, 24},  {159, 31, 2},   {165, 112, 39},  {180, 160, 29}, {181, 38, 84},
     {185, 22, 31},  {188, 62, 51},   {189, 184, 16}, {192, 31, 19},  {193, 158, 36},  {197, 145, 45}, {209, 114, 16},
     {218, 210, 37}, {229, 153, 32},  {232, 36, 56},  {236, 235, 32}, {245, 57, 52},   {247, 216, 79}, {276, 156, 39},
     {291, 154, 53}, {292, 195, 51},  {296, 172, 46}, {298, 116, 28}}};

struct DataSet {
    std::string_view name;
    std::uint64_t prompts = 0;  ///< counts_hash of its prompts
    std::span<const SharedPrefix> shared;
};
constexpr std::array<DataSet, 2> k_data_sets = {{{"sharegpt 300 sps10, Llama 3.1", 13'451'280'449'712'892'558ULL, k_llama_shared},
                                                 {"sharegpt 300 sps10, Qwen3", 13'281'427'599'978'740'778ULL, k_qwen_shared}}};

/// FNV-1a, a whole count a step.
std::uint64_t counts_hash(const std::vector<Arrival>& arrivals) {
    std::uint64_t hash = 14'695'981'039'346'656'037ULL;
    for (const Arrival& arrival : arrivals) {
        hash = (hash ^ static_cast<std::uint64_t>(arrival.prompt.value)) * 1'099'511'628'211ULL;
    }
    return hash;
}

/// Block `block` of the prompt of a request, told from all others.
std::uint64_t block_hash(std::span<const SharedPrefix> shared, std::int64_t request, std::int64_t block) {
    constexpr std::int64_t k_blocks_max = 1 << 20;
    const auto from = std::find_if(shared.begin(), shared.end(), [&](const SharedPrefix& each) { return each.request == request; });
    if (from != shared.end() && block < from->blocks) return block_hash(shared, from->donor, block);
    return static_cast<std::uint64_t>(request * k_blocks_max + block);
}

}  // namespace

std::string_view add_known_prefixes(std::vector<Arrival>& arrivals) {
    const bool hashed = std::any_of(arrivals.begin(), arrivals.end(), [](const Arrival& each) { return !each.prefix_hashes.empty(); });
    const auto known = std::find_if(k_data_sets.begin(), k_data_sets.end(),
                                    [hash = counts_hash(arrivals)](const DataSet& each) { return each.prompts == hash; });
    if (hashed || known == k_data_sets.end()) return "";
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        arrivals[i].prefix_block = Tokens(k_block_tokens);
        for (std::int64_t block = 0; block < arrivals[i].prompt.value / k_block_tokens; ++block) {
            arrivals[i].prefix_hashes.push_back(block_hash(known->shared, static_cast<std::int64_t>(i), block));
        }
    }
    return known->name;
}

}  // namespace replayd::ctl
