#include "replay/trace/generator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "replay/trace/trace_reader.hpp"

namespace replayd {
namespace {

constexpr std::uint64_t k_hash_mask = (1ULL << 53U) - 1;
constexpr std::int64_t k_time_max_ns = std::numeric_limits<std::int64_t>::max() / 2;

// The finaliser of splitmix64 (Vigna, public domain): every input bit reaches every output bit.
std::uint64_t mixed(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

std::uint64_t mixed(std::uint64_t seed, std::int64_t value) {
    return mixed(seed ^ mixed(static_cast<std::uint64_t>(value)));
}

}  // namespace

Result<TraceGenerator> TraceGenerator::make(GeneratorOptions options) {
    if (auto broken = violation(options)) return fail(Code::invalid_argument, *broken);
    Random seeds(options.seed);
    return TraceGenerator(std::move(options), seeds);
}

// Starts, lengths and sessions draw from generators of their own: changing the law of one leaves the
// draws of the others as they were.
TraceGenerator::TraceGenerator(GeneratorOptions options, Random seeds)
    : options_(std::move(options)),
      starts_(options_.arrivals, options_.arrivals.rate_per_s / options_.conversations.mean_turns, seeds.next()),
      lengths_(seeds.next()),
      sessions_(seeds.next()),
      hash_salt_(seeds.next()),
      next_start_(first_turn()) {}

std::int64_t TraceGenerator::length(const LengthLaw& law) {
    if (!law.samples.empty()) return law.samples[lengths_.below(law.samples.size())];
    const double drawn = law.median_tokens * std::exp(law.sigma * lengths_.normal());
    const double bounded =
        std::clamp(drawn, static_cast<double>(law.min_tokens), static_cast<double>(law.max_tokens));
    return std::llround(bounded);
}

TraceGenerator::Turn TraceGenerator::first_turn() {
    Turn turn;
    turn.at = starts_.next();
    turn.session = started_++;
    const ConversationOptions& sessions = options_.conversations;
    turn.system = static_cast<std::int64_t>(sessions_.below(static_cast<std::uint64_t>(sessions.system_prompts)));
    turn.prompt_tokens = sessions.system_tokens + length(options_.prompt);
    turn.output_tokens = length(options_.output);
    return turn;
}

void TraceGenerator::follow(const Turn& turn) {
    const ConversationOptions& sessions = options_.conversations;
    if (sessions_.uniform() * sessions.mean_turns < 1.0) return;
    const double think_s = sessions.think_mean_s > 0.0 ? sessions_.exponential(sessions.think_mean_s) : 0.0;
    Turn next = turn;
    next.at = turn.at + Duration(std::llround(think_s * static_cast<double>(k_ns_per_s)));
    next.prompt_tokens = turn.prompt_tokens + turn.output_tokens + length(options_.prompt);
    next.output_tokens = length(options_.output);
    if (next.prompt_tokens + next.output_tokens <= sessions.context_tokens_max) open_.push(next);
}

// A block inside the system prompt is the same for all its sessions; a full block of a session the same for
// all later turns; the partial last block belongs to this turn alone, for later turns fill it up.
std::uint64_t TraceGenerator::block_hash(const Turn& turn, std::int64_t block) const {
    const std::int64_t end = (block + 1) * k_mooncake_block.value;
    const bool shared = end <= options_.conversations.system_tokens;
    std::uint64_t hash = mixed(hash_salt_, shared ? -1 - turn.system : turn.session);
    hash = mixed(hash, block);
    if (end > turn.prompt_tokens) hash = mixed(hash, turn.prompt_tokens);
    return hash & k_hash_mask;
}

Arrival TraceGenerator::arrival_of(const Turn& turn) {
    Arrival arrival;
    arrival.id = std::to_string(emitted_++);
    arrival.at = turn.at;
    arrival.prompt = Tokens(turn.prompt_tokens);
    arrival.output = Tokens(turn.output_tokens);
    arrival.model = options_.model;
    const ConversationOptions& sessions = options_.conversations;
    if (sessions.mean_turns > 1.0) arrival.conversation = "s" + std::to_string(turn.session);
    if (sessions.mean_turns > 1.0 || sessions.system_tokens > 0) {
        const std::int64_t blocks = ceil_div(turn.prompt_tokens, k_mooncake_block.value);
        arrival.prefix_block = k_mooncake_block;
        arrival.prefix_hashes.reserve(static_cast<std::size_t>(blocks));
        for (std::int64_t i = 0; i < blocks; ++i) arrival.prefix_hashes.push_back(block_hash(turn, i));
    }
    return arrival;
}

std::optional<Arrival> TraceGenerator::next() {
    if (options_.count && emitted_ >= *options_.count) return std::nullopt;
    const bool start = open_.empty() || next_start_.at < open_.top().at;
    const Turn turn = start ? next_start_ : open_.top();
    const VirtualTime end(options_.duration ? options_.duration->value : k_time_max_ns);
    if (turn.at >= end) return std::nullopt;
    if (start) {
        next_start_ = first_turn();
    } else {
        open_.pop();
    }
    follow(turn);
    return arrival_of(turn);
}

}  // namespace replayd
