#include "replay/catalog/drift_toml.hpp"

namespace replayd {

DriftSpec read_drift(TableReader table) {
    DriftSpec out;
    out.window = table.duration("window_s", k_ns_per_s, Duration(k_ns_per_ms), out.window);
    out.requests_min = table.integer("requests_min", {1}, out.requests_min);
    out.bias = table.real("bias", RealRange{}, out.bias);
    out.cache_bias = table.real("cache_bias", RealRange{.above = 0, .most = 1}, out.cache_bias);
    out.windows = table.integer("windows", {1}, out.windows);
    table.finish();
    return out;
}

}  // namespace replayd
