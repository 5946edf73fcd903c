#pragma once
// Fuzz targets: each takes any bytes, gives them to one of replayd's readers, and checks what must hold whatever they
// are. Broken promises abort. README.md says how they are run.

#include <span>
#include <string_view>

namespace replayd::fuzz {

void trace_reader(std::string_view input);         ///< every trace format; a file's pieces do not matter
void json_frame(std::string_view input);           ///< text frames of the ingest protocol, both directions
void protobuf_frame(std::string_view input);       ///< binary frames, and payloads of the durable log
void otlp_spans(std::string_view input);           ///< OpenTelemetry spans in both encodings, and what they become
void websocket(std::string_view input);            ///< frames, and the handshake before them, at the daemon's server
void http_request(std::string_view input);         ///< bytes of a connection to the daemon's server
void http_target(std::string_view input);          ///< path and query of a request
void scenario_toml(std::string_view input);        ///< scenarios
void catalog_toml(std::string_view input);         ///< models and GPUs of a user
void hugging_face_config(std::string_view input);  ///< config.json of a model
void sql_guard(std::string_view input);            ///< what people write into the query box
void histogram(std::string_view input);            ///< histogram blobs of the history
void profile_csv(std::string_view input);          ///< kernel profiles of every known tool
void cost_eval_csv(std::string_view input);        ///< tables of `replayctl cost eval`
void canary(std::string_view input);               ///< crashes on purpose: whoever runs fuzzers must find it

struct Target {
    std::string_view name;
    void (*run)(std::string_view input);
};

/// All of them but the canary.
inline constexpr Target k_targets[] = {
    {"trace_reader", trace_reader},   {"json_frame", json_frame},     {"protobuf_frame", protobuf_frame},
    {"websocket", websocket},         {"http_request", http_request}, {"http_target", http_target},
    {"scenario_toml", scenario_toml}, {"catalog_toml", catalog_toml}, {"hugging_face_config", hugging_face_config},
    {"sql_guard", sql_guard},         {"histogram", histogram},       {"profile_csv", profile_csv},
    {"cost_eval_csv", cost_eval_csv}, {"otlp_spans", otlp_spans},
};

}  // namespace replayd::fuzz
