#pragma once
// Ids and prefix hashes of a trace as keyed hashes, so that what is stored says nothing about who asked what, and
// cannot be matched with other systems without the salt.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::access {

/// HMAC-SHA256 (RFC 2104) under the salt: the same salt gives the same hashes, in every process and version. Request
/// ids, conversations and prefix hashes are hashed apart, so that equal texts of two kinds are not seen to be equal.
/// One thread at a time; about a microsecond for each value.
class IdHasher {
public:
    /// `salt`: as `read_secret` gives it.
    [[nodiscard]] static Result<std::unique_ptr<IdHasher>> create(std::string_view salt);
    ~IdHasher();
    IdHasher(const IdHasher&) = delete;
    IdHasher& operator=(const IdHasher&) = delete;

    /// Replaces the request id and the conversation (unless empty) by 32 hexadecimal characters, 128 bits of the hash,
    /// and each prefix hash by 64 bits of its own. Times, tokens, SLO class, model and what was observed stay.
    void conceal(Arrival& arrival);

private:
    enum class Kind : std::uint8_t { request = 1, conversation = 2, prefix = 3 };
    struct Mac;
    explicit IdHasher(std::unique_ptr<Mac> mac);
    [[nodiscard]] std::string text_hash(Kind kind, std::string_view value);
    [[nodiscard]] std::uint64_t number_hash(std::uint64_t value);

    std::unique_ptr<Mac> mac_;
};

}  // namespace replayd::access
