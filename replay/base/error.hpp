#pragma once
// The one error type of the project. Expected trouble (bad input, full disk, slow peer) travels as a
// Result; broken invariants abort (see assert.hpp). A message names the field, the value found, what
// was expected and how to mend it, and needs no context to be understood.

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace replayd {

/// Stable classes of trouble. daemon/ maps each to an HTTP status and a websocket close code.
enum class Code {
    invalid_argument,  ///< the input is wrong; sending it again cannot help
    not_found,         ///< the named thing does not exist
    already_exists,    ///< the name is taken by something different
    failed_state,      ///< right input at the wrong moment (e.g. a batch after the end)
    too_large,         ///< over a stated limit
    unavailable,       ///< try again later (draining, disk full)
    io,                ///< the system refused: file, socket, database
    internal,          ///< a defect of replayd
};

struct Error {
    Code code = Code::internal;
    std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand: `return fail(Code::not_found, "…");`
inline tl::unexpected<Error> fail(Code code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace replayd
