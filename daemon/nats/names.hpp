#pragma once
// How streams and scenarios are named in NATS.

#include <optional>
#include <string>
#include <string_view>

namespace replayd::nats {

/// A name as one token of a subject, which takes no dots, blanks or wildcards: bytes other than A-Z a-z 0-9 _ - become
/// "=" and two hexadecimal digits.
[[nodiscard]] std::string token_of(std::string_view name);
/// The name of such a token; nothing for a text that is none.
[[nodiscard]] std::optional<std::string> name_of(std::string_view token);

/// Names of everything under one prefix.
class Names {
public:
    explicit Names(std::string prefix) : prefix_(std::move(prefix)) {}

    /// The JetStream stream that holds the log of a replayd stream, and its only subject.
    [[nodiscard]] std::string log(std::string_view stream) const { return prefix_ + "-log-" + token_of(stream); }
    [[nodiscard]] std::string subject(std::string_view stream) const { return prefix_ + ".log." + token_of(stream); }
    /// Fits the subjects of all logs.
    [[nodiscard]] std::string all_subjects() const { return prefix_ + ".log.*"; }
    /// The replayd stream of a log; nothing for JetStream streams that are none.
    [[nodiscard]] std::optional<std::string> stream_of(std::string_view log) const;
    /// Key-value buckets.
    [[nodiscard]] std::string leases() const { return prefix_ + "-leases"; }
    [[nodiscard]] std::string outcomes() const { return prefix_ + "-outcomes"; }
    /// Keys of them.
    [[nodiscard]] static std::string run_key(std::string_view stream, std::string_view scenario) {
        return "run." + token_of(stream) + "." + token_of(scenario);
    }
    [[nodiscard]] static std::string node_key(std::string_view node) { return "node." + token_of(node); }

private:
    std::string prefix_;
};

}  // namespace replayd::nats
