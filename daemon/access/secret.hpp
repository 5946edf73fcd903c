#pragma once
// Secrets of the daemon and its clients: text in files that nobody else may read.

#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/config/config.hpp"
#include "replay/base/error.hpp"

namespace replayd::access {

/// Shortest secret: 32 characters of hexadecimal are 128 bits, which nobody guesses over a network.
inline constexpr std::size_t k_secret_characters_min = 32;
inline constexpr std::size_t k_secret_characters_max = 512;

/// The secret in a file, without the blanks and line ends around it: 32 to 512 characters of RFC 6750's b64token
/// (A-Z a-z 0-9 - . _ ~ + / =). The file must be regular, belong to this user or to root, and be closed to group and
/// others. `what` names its purpose in messages, which never hold the secret. Errors: `invalid_argument` (mode, owner,
/// text), `io` (it cannot be read).
[[nodiscard]] Result<std::string> read_secret_file(const std::string& path, std::string_view what);

/// The one line of a file that holds a secret of another system, which sets its own rules: 1 to 512 characters. Mode,
/// owner and errors as above.
[[nodiscard]] Result<std::string> read_foreign_secret_file(const std::string& path, std::string_view what);

/// Whether a file that another library reads is as closed as a secret must be. Errors as above.
[[nodiscard]] Result<void> check_secret_file(const std::string& path, std::string_view what);

/// As above, of the file or of the credential in $CREDENTIALS_DIRECTORY. systemd may open a credential to the service's
/// user through an access list, which shows as group bits: only others are refused there.
[[nodiscard]] Result<std::string> read_secret(const config::SecretSource& source, std::string_view what);

}  // namespace replayd::access
