#pragma once
// Limits of ingest protocol replayd.v1; proto/README.md states each. They bound what one frame can make the
// daemon allocate; the sizes are ours, an order of magnitude beyond what the public traces need.

#include <cstddef>
#include <cstdint>

namespace replayd::protocol {

inline constexpr std::size_t k_arrivals_per_batch_max = 10'000;
inline constexpr std::size_t k_id_bytes_max = 256;              ///< of a request id
inline constexpr std::size_t k_prefix_hashes_max = 65'536;      ///< per arrival
inline constexpr std::size_t k_string_bytes_max = 256;          ///< any other string of a client
inline constexpr std::size_t k_scenarios_max = 64;              ///< per Hello
inline constexpr std::size_t k_settings_max = 256;              ///< entries of TracedSystem.settings
inline constexpr std::int64_t k_observed_ns_max = 86'400'000'000'000;  ///< of an observed time: a day
inline constexpr std::size_t k_stream_name_bytes_max = 128;     ///< of [A-Za-z0-9._-], at least 1

}  // namespace replayd::protocol
