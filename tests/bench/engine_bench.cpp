// Speed of the engine on one core: each line beside the plain stepper of the same run (its baseline) and the
// figure that was published for a like case. Reading traces and making arrivals are not in the times; making
// the records is. Traces: ../shared/data/traces; an absent one is skipped with a line.
//
// usage: engine_bench [TEXT]     only the lines whose name contains it

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "daemon/files/trace_file.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"
#include "replay/trace/generator.hpp"
#include "tests/source_paths.hpp"

namespace replayd {
namespace {

using Compiled = std::shared_ptr<const CompiledScenario>;
using Clock = std::chrono::steady_clock;

/// Of the lines: those whose name contains it are measured.
std::string wanted_text;

bool wanted(const std::string& what) { return what.find(wanted_text) != std::string::npos; }

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct DiscardingSink final : RecordSink {
    void on_request(RequestRecord&& record) override { last = std::max(last, record.finished); }
    void on_window(WindowRecord&&) override {}
    VirtualTime last;
};

Compiled compiled(const std::string& name, const std::vector<std::string>& overrides) {
    auto scenario = parse_scenario(built_in_scenarios().at(name), name, ParseOptions{.overrides = overrides});
    if (!scenario) {
        std::fprintf(stderr, "%s\n", scenario.error().message.c_str());
        std::exit(1);
    }
    auto made = compile(std::move(*scenario));
    if (!made) {
        std::fprintf(stderr, "%s\n", made.error().message.c_str());
        std::exit(1);
    }
    return *made;
}

std::vector<Arrival> trace(const std::string& file) {
    const std::string path = std::string(REPLAYD_SOURCE_DIR "/../shared/data/traces/") + file;
    if (!std::filesystem::exists(path)) {
        std::printf("%s: absent, skipped\n", file.c_str());
        return {};
    }
    auto arrivals = files::read_trace(path, {});
    if (!arrivals) {
        std::fprintf(stderr, "%s\n", arrivals.error().message.c_str());
        std::exit(1);
    }
    return std::move(*arrivals);
}

/// Log-normal lengths with means of about 1,000 and 200 tokens, as in Azure's conversation trace.
TraceGenerator azure_like(std::int64_t count, double rate_per_s) {
    GeneratorOptions options;
    options.count = count;
    options.arrivals.rate_per_s = rate_per_s;
    options.prompt = {{}, 750.0, 0.8, 1, 8'000};
    options.output = {{}, 150.0, 0.75, 1, 1'500};
    auto made = TraceGenerator::make(options);
    if (!made) {
        std::fprintf(stderr, "%s\n", made.error().message.c_str());
        std::exit(1);
    }
    return std::move(*made);
}

std::vector<Arrival> all_of(TraceGenerator generator) {
    std::vector<Arrival> arrivals;
    while (auto next = generator.next()) arrivals.push_back(std::move(*next));
    return arrivals;
}

/// Requests that are all there at the start: with as many running at most, a closed loop of that concurrency.
std::vector<Arrival> closed_loop(std::int64_t count, std::int64_t prompt, std::int64_t output) {
    std::vector<Arrival> arrivals(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        arrivals[i].id = std::to_string(i);
        arrivals[i].prompt = Tokens(prompt);
        arrivals[i].output = Tokens(output);
    }
    return arrivals;
}

struct Measured {
    double seconds = 1e9;
    RunSnapshot snapshot;
    VirtualTime last;
};

Measured best_of(int repeats, const Compiled& scenario, const ArrivalBatch& arrivals, RunOptions options) {
    Measured best;
    for (int i = 0; i < repeats; ++i) {
        DiscardingSink sink;
        const auto start = Clock::now();
        Run run(scenario, sink, options);
        run.offer(arrivals, 0, arrivals->size());
        run.finish();
        const double took = seconds_since(start);
        if (took < best.seconds) best = {took, run.snapshot(), sink.last};
    }
    return best;
}

void report(const char* what, std::size_t requests, const Measured& fast, double stepper, const char* target) {
    const double output = static_cast<double>(fast.snapshot.output_tokens.value);
    std::printf("%-46s %9.2f ms %11.0f req/s %7.1f M tok/s %8.0f x real time %6.1f x stepper   %s\n", what,
                fast.seconds * 1e3, static_cast<double>(requests) / fast.seconds, output / fast.seconds / 1e6,
                to_seconds(fast.last) / fast.seconds, stepper / fast.seconds, target);
    std::fflush(stdout);
}

void line(const char* what, const Compiled& scenario, const std::vector<Arrival>& arrivals, const char* target) {
    if (arrivals.empty() || !wanted(what)) return;
    // runs share it, as those of a stream do
    const auto batch = std::make_shared<const std::vector<Arrival>>(arrivals);
    const int repeats = arrivals.size() > 5'000 ? 5 : 50;
    const Measured stepper = best_of(repeats, scenario, batch, {.stretch_steps_max = 0});
    report(what, arrivals.size(), best_of(repeats, scenario, batch, {}), stepper.seconds, target);
}

/// Arrivals are made in blocks beside the run, so memory does not hold the trace; their making is not timed.
void stream(const char* what, const Compiled& scenario, std::int64_t count, double rate, const char* target) {
    if (!wanted(what)) return;
    std::fflush(stdout);
    const pid_t child = fork();  // a process of its own: the peak of its memory is that of the run
    if (child == 0) {
        TraceGenerator generator = azure_like(count, rate);
        DiscardingSink sink;
        Run run(scenario, sink);
        double seconds = 0;
        std::vector<Arrival> block;
        do {
            block.clear();
            while (block.size() < 10'000) {
                auto next = generator.next();
                if (!next) break;
                block.push_back(std::move(*next));
            }
            const auto start = Clock::now();
            for (const Arrival& arrival : block) run.offer(arrival);
            if (block.empty()) run.finish(); else run.advance(block.back().at);
            seconds += seconds_since(start);
        } while (!block.empty());
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        std::printf("%-46s %9.2f ms %11.0f req/s %7.1f M tok/s %8.0f x real time, peak memory %ld MB   %s\n", what,
                    seconds * 1e3, static_cast<double>(count) / seconds,
                    static_cast<double>(run.snapshot().output_tokens.value) / seconds / 1e6,
                    to_seconds(sink.last) / seconds, usage.ru_maxrss / 1024, target);
        std::fflush(stdout);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        std::fprintf(stderr, "%s: the process of the run failed\n", what);
        std::exit(1);
    }
}

/// A checkpoint of 64 busy replicas, half way through a trace.
void fork_in_flight(const Compiled& scenario) {
    const char* const what = "fork of 64 replicas in flight";
    if (!wanted(what)) return;
    const std::vector<Arrival> arrivals = all_of(azure_like(60'000, 768));
    DiscardingSink sink;
    Run run(scenario, sink);
    for (const Arrival& arrival : arrivals) run.offer(arrival);
    run.advance(arrivals[arrivals.size() / 2].at);
    double best = 1e9;
    for (int i = 0; i < 20; ++i) {
        const auto start = Clock::now();
        const Run copy = run.fork(sink);
        best = std::min(best, seconds_since(start));
    }
    const RunSnapshot now = run.snapshot();
    std::printf("%-46s %9.2f ms (%lld running, %lld waiting)   goal 10 ms\n", what, best * 1e3,
                static_cast<long long>(now.running), static_cast<long long>(now.waiting));
}

void bench() {
    const std::string mixed = "llama-3.1-8b-h100-mixed";
    const std::string pd = "llama-3.1-8b-h100-pd";
    const auto sarathi = [&](const char* replicas) {
        return compiled(mixed, {std::string("pool.replicas=") + replicas, "pool.batching.policy=sarathi",
                                "pool.batching.max_batched_tokens=512", "pool.batching.max_sequences=128"});
    };
    const std::vector<Arrival> mooncake = trace("mooncake_conversation_trace.jsonl");
    line("Mooncake conversation, 8 replicas, prefix cache",
         compiled(mixed, {"pool.replicas=8", "pool.kv.prefix_caching=true"}), mooncake,
         "goal 50 ms, floor 250 (published peer: 23,608 requests in 2,410 ms)");
    line("1,000 x (1,024 in, 128 out), concurrency 16",
         compiled(mixed, {"pool.replicas=1", "pool.batching.max_sequences=16"}), closed_loop(1'000, 1'024, 128),
         "goal 0.3 ms, floor 1 (published peer: 17.2 ms)");
    line("10,000 Azure-like, sarathi, 1 replica", sarathi("1"), all_of(azure_like(10'000, 12)),
         "goal 1,000,000 req/s, floor 500,000 (vidur: 220-550)");
    line("10,000 Azure-like, sarathi, 8 replicas", sarathi("8"), all_of(azure_like(10'000, 96)),
         "goal 1,000,000 req/s, floor 500,000 (vidur: 220-550)");
    line("50,000 Azure-like, 32 prefill + 32 decode", compiled(pd, {"prefill.replicas=32", "decode.replicas=32"}),
         all_of(azure_like(50'000, 500)), "");
    const Compiled wide = compiled(mixed, {"pool.replicas=64"});
    fork_in_flight(wide);
    stream("1,000,000 generated, 64 replicas", wide, 1'000'000, 768, "goal 1,500 ms, floor 3,000; 600 MB");
    const std::vector<Arrival> azure = trace("AzureLLMInferenceTrace_conv.csv");
    for (const std::string& name :
         {mixed, pd, std::string("deepseek-v3-h200-mixed"), std::string("deepseek-v3-h200-pd")}) {
        line(("Azure conversation, " + name).c_str(), compiled(name, {}), azure, "");
        line(("Mooncake conversation, " + name).c_str(), compiled(name, {}), mooncake, "");
    }
    stream("10,000,000 generated, 64 replicas", wide, 10'000'000, 768, "the memory of 1,000,000");
}

}  // namespace
}  // namespace replayd

int main(int argc, char** argv) {
    if (argc > 1) replayd::wanted_text = argv[1];
    replayd::bench();
}
