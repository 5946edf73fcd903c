#include "daemon/access/token_table.hpp"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "daemon/access/secret.hpp"
#include "replay/base/assert.hpp"

namespace replayd::access {

std::string_view role_name(config::Role role) {
    switch (role) {
        case config::Role::read:
            return "read";
        case config::Role::ingest:
            return "ingest";
        case config::Role::admin:
            return "admin";
    }
    return "admin";
}

bool Identity::may(config::Role role) const {
    return std::any_of(roles.begin(), roles.end(),
                       [role](config::Role own) { return own == role || own == config::Role::admin; });
}

std::string Identity::roles_text() const {
    std::string text;
    for (const config::Role role : roles) text.append(text.empty() ? "" : ", ").append(role_name(role));
    return text;
}

TokenTable::Digest TokenTable::digest_of(std::string_view token) {
    Digest digest{};
    const int done = EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    REPLAYD_ASSERT(done == 1);
    return digest;
}

Result<TokenTable> TokenTable::load(const std::vector<config::TokenConfig>& tokens) {
    TokenTable table;
    for (const config::TokenConfig& token : tokens) {
        auto secret = read_secret(token.secret, "the token of \"" + token.name + "\"");
        if (!secret) return tl::unexpected(secret.error());
        const Digest digest = digest_of(*secret);
        for (const Entry& other : table.entries_) {
            if (other.digest != digest) continue;
            return fail(Code::invalid_argument, "\"" + other.identity.name + "\" and \"" + token.name +
                                                    "\" have the same token: expected one of its own for each");
        }
        table.entries_.push_back({{token.name, token.roles}, digest});
    }
    return table;
}

const Identity* TokenTable::find(std::string_view token) const {
    const Digest shown = digest_of(token);
    const Identity* found = nullptr;
    for (const Entry& entry : entries_) {
        if (CRYPTO_memcmp(entry.digest.data(), shown.data(), shown.size()) == 0) found = &entry.identity;
    }
    return found;
}

}  // namespace replayd::access
