#include "daemon/protocol/codes.hpp"

#include "replay/base/assert.hpp"

namespace replayd::protocol {

CodeFacts facts(Code code) {
    switch (code) {
        case Code::invalid_argument: return {"invalid_argument", 400, k_close_invalid};
        case Code::not_found: return {"not_found", 404, k_close_not_found};
        case Code::already_exists: return {"already_exists", 409, k_close_conflict};
        case Code::failed_state: return {"failed_state", 409, k_close_conflict};
        case Code::too_large: return {"too_large", 413, k_close_too_big};
        case Code::unavailable: return {"unavailable", 503, k_close_try_later};
        case Code::io: return {"io", 500, k_close_internal};
        case Code::internal: return {"internal", 500, k_close_internal};
    }
    REPLAYD_ASSERT(false && "a Code outside the enumeration");
    return {};
}

Failure failure_of(const Error& error, std::uint64_t seq) {
    return {std::string(facts(error.code).name), error.message, seq};
}

}  // namespace replayd::protocol
