#pragma once
// The tokens that are known, as digests: what is compared, and what lies in memory, is never the token itself.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/config.hpp"
#include "replay/base/error.hpp"

namespace replayd::access {

/// A known client.
struct Identity {
    std::string name;
    std::vector<config::Role> roles;

    /// Whether one of the roles is `role` or admin.
    [[nodiscard]] bool may(config::Role role) const;
    /// "read, ingest"
    [[nodiscard]] std::string roles_text() const;
};

/// "read", "ingest" or "admin".
[[nodiscard]] std::string_view role_name(config::Role role);

class TokenTable {
public:
    TokenTable() = default;
    /// Reads every secret. Errors: those of `read_secret`, `invalid_argument` when two names have the same token.
    [[nodiscard]] static Result<TokenTable> load(const std::vector<config::TokenConfig>& tokens);

    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// The bearer of `token`, or null. The time taken depends on the lengths only, not on how much of a token is
    /// right: digests (SHA-256) are compared, all of them, each in constant time.
    [[nodiscard]] const Identity* find(std::string_view token) const;

private:
    using Digest = std::array<std::uint8_t, 32>;
    struct Entry {
        Identity identity;
        Digest digest{};
    };
    [[nodiscard]] static Digest digest_of(std::string_view token);

    std::vector<Entry> entries_;
};

}  // namespace replayd::access
