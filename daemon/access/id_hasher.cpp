#include "daemon/access/id_hasher.hpp"

#include <array>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "replay/base/assert.hpp"

namespace replayd::access {
namespace {

constexpr std::size_t k_text_hash_bytes = 16;
using Digest = std::array<unsigned char, 32>;

}  // namespace

/// The keyed hash of the library, ready to begin again with the same key.
struct IdHasher::Mac {
    EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* context = algorithm == nullptr ? nullptr : EVP_MAC_CTX_new(algorithm);

    Mac() = default;
    ~Mac() {
        EVP_MAC_CTX_free(context);
        EVP_MAC_free(algorithm);
    }
    Mac(const Mac&) = delete;
    Mac& operator=(const Mac&) = delete;

    bool set_key(std::string_view key) {
        std::string digest = "SHA256";
        const std::array<OSSL_PARAM, 2> parameters = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
        return context != nullptr && EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(key.data()),
                                                  key.size(), parameters.data()) == 1;
    }

    Digest hash(std::uint8_t kind, const void* value, std::size_t bytes) {
        Digest digest{};
        std::size_t size = 0;
        const bool done = EVP_MAC_init(context, nullptr, 0, nullptr) == 1 && EVP_MAC_update(context, &kind, 1) == 1 &&
                          EVP_MAC_update(context, static_cast<const unsigned char*>(value), bytes) == 1 &&
                          EVP_MAC_final(context, digest.data(), &size, digest.size()) == 1;
        REPLAYD_ASSERT(done && size == digest.size());
        return digest;
    }
};

IdHasher::IdHasher(std::unique_ptr<Mac> mac) : mac_(std::move(mac)) {}
IdHasher::~IdHasher() = default;

Result<std::unique_ptr<IdHasher>> IdHasher::create(std::string_view salt) {
    auto mac = std::make_unique<Mac>();
    if (!mac->set_key(salt)) return fail(Code::internal, "the crypto library has no HMAC-SHA256: check its providers");
    return std::unique_ptr<IdHasher>(new IdHasher(std::move(mac)));
}

std::string IdHasher::text_hash(Kind kind, std::string_view value) {
    constexpr std::string_view k_digits = "0123456789abcdef";
    const Digest digest = mac_->hash(static_cast<std::uint8_t>(kind), value.data(), value.size());
    std::string text;
    text.reserve(2 * k_text_hash_bytes);
    for (std::size_t i = 0; i < k_text_hash_bytes; ++i) {
        text += k_digits[digest[i] >> 4U];
        text += k_digits[digest[i] & 15U];
    }
    return text;
}

std::uint64_t IdHasher::number_hash(std::uint64_t value) {
    // Bytes in a fixed order, so that every machine computes the same.
    std::array<unsigned char, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
    const Digest digest = mac_->hash(static_cast<std::uint8_t>(Kind::prefix), bytes.data(), bytes.size());
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) hash |= std::uint64_t{digest[i]} << (8 * i);
    return hash;
}

void IdHasher::conceal(Arrival& arrival) {
    arrival.id = text_hash(Kind::request, arrival.id);
    if (!arrival.conversation.empty()) arrival.conversation = text_hash(Kind::conversation, arrival.conversation);
    for (std::uint64_t& hash : arrival.prefix_hashes) hash = number_hash(hash);
}

}  // namespace replayd::access
