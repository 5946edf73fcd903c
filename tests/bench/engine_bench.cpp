// Engine speed on real traces, reading the file apart: requests per second, output tokens per second and how
// many times faster than real time, for the decode stretches and for the plain stepper (the baseline of the
// same run). Traces: ../shared/data/traces; absent ones are skipped with a line.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "daemon/files/trace_file.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"

namespace replayd {
namespace {

struct CountingSink final : RecordSink {
    void on_request(RequestRecord&& record) override { last = std::max(last, record.finished); }
    void on_window(WindowRecord&&) override {}
    VirtualTime last;
};

std::vector<Arrival> arrivals_of(const std::string& file) {
    const std::string path = std::string(REPLAYD_SOURCE_DIR "/../shared/data/traces/") + file;
    if (!std::filesystem::exists(path)) {
        std::printf("%s: absent, skipped\n", file.c_str());
        return {};
    }
    const auto start = std::chrono::steady_clock::now();
    auto arrivals = files::read_trace(path, {});
    if (!arrivals) {
        std::fprintf(stderr, "%s\n", arrivals.error().message.c_str());
        std::exit(1);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%s: %zu requests, read in %.1f ms\n", file.c_str(), arrivals->size(), took.count() * 1e3);
    return std::move(*arrivals);
}

double replay_once(const std::shared_ptr<const CompiledScenario>& compiled, const std::vector<Arrival>& arrivals,
                   RunOptions options, RunSnapshot& snapshot, VirtualTime& last) {
    CountingSink sink;
    const auto start = std::chrono::steady_clock::now();
    Run run(compiled, sink, options);
    for (const Arrival& arrival : arrivals) run.offer(arrival);
    run.finish();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    snapshot = run.snapshot();
    last = sink.last;
    return took.count();
}

void bench(const std::string& scenario, const std::vector<Arrival>& arrivals) {
    auto parsed = parse_scenario(built_in_scenarios().at(scenario), scenario);
    auto compiled = compile(std::move(*parsed));
    RunSnapshot snapshot;
    VirtualTime last;
    const double plain = replay_once(*compiled, arrivals, {0}, snapshot, last);
    double best = 1e9;
    for (int i = 0; i < 5; ++i) best = std::min(best, replay_once(*compiled, arrivals, {}, snapshot, last));
    std::printf("  %-28s %8.1f ms  %10.0f requests/s  %12.0f output tokens/s  %9.0f x real time  %5.1f x the plain stepper\n",
                scenario.c_str(), best * 1e3, static_cast<double>(arrivals.size()) / best,
                static_cast<double>(snapshot.output_tokens.value) / best, to_seconds(last) / best, plain / best);
}

}  // namespace
}  // namespace replayd

int main() {
    using namespace replayd;
    for (const char* file : {"AzureLLMInferenceTrace_conv.csv", "mooncake_conversation_trace.jsonl"}) {
        const std::vector<Arrival> arrivals = arrivals_of(file);
        if (arrivals.empty()) continue;
        for (const char* scenario : {"llama-3.1-8b-h100-mixed", "llama-3.1-8b-h100-pd", "deepseek-v3-h200-mixed", "deepseek-v3-h200-pd"}) {
            bench(scenario, arrivals);
        }
    }
}
