#include "storage/request_policy.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "replay/sim/window_accumulator.hpp"

namespace replayd::storage {
namespace {

constexpr std::string_view k_sampled = "sampled:";

/// FNV-1a, 64 bits, then the finalizer of splitmix64: ids that count up differ in their last characters only.
std::uint64_t hash_of(std::string_view id) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
    return hash ^ (hash >> 31);
}

tl::unexpected<Error> refuse(std::string_view text) {
    return fail(
        Code::invalid_argument,
        "request_rows is \"" + std::string(text) +
            "\": expected all, none, objective_breaks, or sampled:SHARE with a share above 0 and below 1, such as "
            "sampled:0.01");
}

}  // namespace

Result<RequestPolicy> RequestPolicy::parse(std::string_view text) {
    RequestPolicy policy;
    if (text.empty() || text == "all") return policy;
    if (text == "none") {
        policy.kind_ = Kind::none;
        return policy;
    }
    if (text == "objective_breaks") {
        policy.kind_ = Kind::objective_breaks;
        return policy;
    }
    if (!text.starts_with(k_sampled)) return refuse(text);
    const std::string_view digits = text.substr(k_sampled.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), policy.share_);
    if (error != std::errc() || end != digits.data() + digits.size()) return refuse(text);
    if (!(policy.share_ > 0 && policy.share_ < 1)) return refuse(text);
    policy.kind_ = Kind::sampled;
    policy.hashes_below_ = static_cast<std::uint64_t>(std::ldexp(policy.share_, 64));
    return policy;
}

std::string RequestPolicy::text() const {
    switch (kind_) {
        case Kind::all: return "all";
        case Kind::none: return "none";
        case Kind::objective_breaks: return "objective_breaks";
        case Kind::sampled: break;
    }
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), share_).ptr;
    return std::string(k_sampled) + std::string(digits.data(), end);
}

bool RequestPolicy::keeps(const RequestRecord& record, const SloClasses& classes) const {
    switch (kind_) {
        case Kind::all: return true;
        case Kind::none: return false;
        case Kind::objective_breaks: return !within_slo(record, classes[classes.of(record.slo_class)].slo);
        case Kind::sampled: break;
    }
    return hash_of(record.id) < hashes_below_;
}

std::string policy_remark(std::string_view policy) {
    if (policy == "all") return {};
    return "; its stream keeps rows by request_rows = " + std::string(policy) +
           ", so the request may have none: windows and histograms count it";
}

}  // namespace replayd::storage
