#include "daemon/replayctl/vllm_run.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <initializer_list>
#include <utility>

#include <boost/json/parse.hpp>

#include "daemon/config/config.hpp"
#include "daemon/files/profile_folder.hpp"
#include "daemon/files/trace_file.hpp"
#include "daemon/replayctl/json_fields.hpp"

namespace replayd::ctl {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// vLLM keeps one block that stands for no token (BlockPool.null_block).
constexpr std::int64_t k_null_blocks = 1;
/// vLLM captures graphs up to twice the sequences, at most this (v0.19, _set_cudagraph_sizes).
constexpr std::int64_t k_graph_tokens_max = 512;

Result<json::object> read_object(const fs::path& path) {
    const auto text = config::read_text_file(path.string());
    if (!text) return tl::unexpected(text.error());
    boost::system::error_code trouble;
    json::value value = json::parse(*text, trouble);
    if (trouble || !value.is_object()) {
        return fail(Code::invalid_argument,
                    path.string() + " is not a JSON object" + (trouble ? ": " + trouble.message() : ""));
    }
    return std::move(value.as_object());
}

/// Letters and digits in lower case: "RTX-4090" and "RTX4090" are one GPU.
std::string plain(std::string_view name) {
    std::string out;
    for (const char character : name) {
        if (std::isalnum(static_cast<unsigned char>(character)) != 0) {
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
        }
    }
    return out;
}

/// The longest of `names` that `wanted` begins with.
std::optional<std::string> entry_of(const std::vector<std::string>& names, std::string_view wanted) {
    std::optional<std::string> best;
    for (const std::string& name : names) {
        if (plain(wanted).starts_with(plain(name)) && (!best || name.size() > best->size())) best = name;
    }
    return best;
}

/// "hardware" of the first instance in the peer simulator's cluster file.
std::string hardware_of_run(const json::object& config) {
    return text(config.at("nodes").as_array().at(0).as_object().at("instances").as_array().at(0).as_object(),
                "hardware");
}

struct Names {
    std::string hardware;  ///< as the profiles' folders call it
    std::string gpu;       ///< of the catalog
    std::string model;
};

std::string number_line(const char* key, std::int64_t value) {
    return std::string(key) + " = " + std::to_string(value) + "\n";
}

/// As the server was asked to, or said that it does; vLLM's default is to cache.
bool caches_prefixes(const json::object& meta) {
    for (const char* part : {"engine_kwargs", "kv_cache"}) {
        const json::value* fields = meta.if_contains(part);
        if (fields == nullptr) continue;
        const json::value* caching = fields->as_object().if_contains("enable_prefix_caching");
        if (caching != nullptr && !caching->is_null()) return caching->as_bool();
    }
    return true;
}

/// Error naming the first of the members that the run is read from which is not in the file.
Result<void> check_members(const fs::path& file, const json::object& object,
                           std::initializer_list<std::string_view> pointers) {
    const json::value whole(object);
    for (const std::string_view pointer : pointers) {
        boost::system::error_code absent;
        if (whole.find_pointer(pointer, absent) != nullptr) continue;
        return fail(Code::invalid_argument,
                    file.string() + " lacks " + std::string(pointer) + ": expected it as vLLM's bench writes it");
    }
    return {};
}

/// As the server resolved it; vLLM's default is to.
bool schedules_ahead(const json::object& meta) {
    const json::value whole(meta);
    boost::system::error_code absent;
    const json::value* ahead = whole.find_pointer("/resolved_config/scheduler_config/async_scheduling", absent);
    return ahead == nullptr || !ahead->is_bool() || ahead->as_bool();
}

std::string toml_of(const std::string& name, const Names& names, const json::object& meta) {
    const json::object& engine = meta.at("engine_kwargs").as_object();
    const std::int64_t tensor = integer(engine, "tensor_parallel_size");
    const std::int64_t data = integer(engine, "data_parallel_size");
    const std::int64_t sequences = integer(engine, "max_num_seqs");
    std::string toml = "name = \"" + name + "\"\nmodel = \"" + names.model + "\"\ngpu = \"" + names.gpu +
                       "\"\n[[pool]]\nrole = \"mixed\"\nrouter = \"vllm_balancer\"\n";
    if (const auto context = integer_if_any(engine, "max_model_len")) toml += number_line("max_context", *context);
    toml += "[pool.parallel]\n" + number_line("tensor", tensor) + number_line("data", data);
    toml += number_line("expert", engine.at("enable_expert_parallel").as_bool() ? tensor * data : 1);
    toml += "[pool.batching]\n" + number_line("max_batched_tokens", integer(engine, "max_num_batched_tokens"));
    toml += number_line("max_sequences", sequences);
    toml += std::string("asynchronous = ") + (schedules_ahead(meta) ? "true" : "false") + "\n";
    toml += "[pool.runtime]\n" + number_line("graph_tokens_max", std::min(2 * sequences, k_graph_tokens_max));
    toml += std::string("[pool.kv]\nprefix_caching = ") + (caches_prefixes(meta) ? "true" : "false") + "\n";
    if (const json::value* kv = meta.if_contains("kv_cache")) {
        toml += number_line("num_blocks", integer(kv->as_object(), "num_gpu_blocks") - k_null_blocks);
    }
    return toml;
}

Result<VllmRun> read_run(const fs::path& folder, const Catalog& catalog) {
    const fs::path meta_path = folder / "vllm" / "meta.json";
    const auto meta = read_object(meta_path);
    if (!meta) return tl::unexpected(meta.error());
    if (auto done = check_members(meta_path, *meta,
                                  {"/model", "/engine_kwargs/tensor_parallel_size", "/engine_kwargs/data_parallel_size",
                                   "/engine_kwargs/max_num_seqs", "/engine_kwargs/enable_expert_parallel",
                                   "/engine_kwargs/max_num_batched_tokens"}); !done) {
        return tl::unexpected(done.error());
    }
    const auto config = read_object(folder / "config.json");
    if (!config) return tl::unexpected(config.error());
    if (auto done = check_members(folder / "config.json", *config, {"/nodes/0/instances/0/hardware"}); !done) {
        return tl::unexpected(done.error());
    }
    VllmRun run;
    run.name = folder.filename().string();
    try {
        Names names;
        names.hardware = hardware_of_run(*config);
        const std::string path = text(*meta, "model");
        const auto gpu = entry_of(catalog.gpu_names(), names.hardware);
        const auto model = entry_of(catalog.model_names(), fs::path(path).filename().string());
        if (!gpu || !model) {
            return fail(Code::invalid_argument,
                        folder.string() + ": no entry of the catalog for " +
                            (gpu ? "model \"" + path : "GPU \"" + names.hardware) +
                            "\": expected a name that begins with one of the built-in catalog's");
        }
        names.gpu = *gpu;
        names.model = *model;
        run.toml = toml_of(run.name, names, *meta);
        const fs::path profile = folder.parent_path() / "kernel_profiles" / names.hardware / path / "bf16";
        std::error_code ignored;
        if (fs::is_directory(profile, ignored)) run.profile = profile.string();
    } catch (const std::exception& trouble) {
        return fail(Code::invalid_argument,
                    folder.string() + ": meta.json or config.json is not as vLLM's bench writes it: " + trouble.what());
    }
    auto arrivals = files::read_trace((folder / "vllm" / "requests.jsonl").string(), {});
    if (!arrivals) return tl::unexpected(arrivals.error());
    run.arrivals = std::move(*arrivals);
    return run;
}

}  // namespace

Result<std::vector<VllmRun>> read_vllm_runs(const std::string& folder, const Catalog& catalog) {
    std::vector<fs::path> folders;
    std::error_code trouble;
    for (fs::directory_iterator entry(folder, trouble), end; !trouble && entry != end; entry.increment(trouble)) {
        std::error_code ignored;
        if (fs::is_regular_file(entry->path() / "vllm" / "meta.json", ignored)) folders.push_back(entry->path());
    }
    if (trouble) return fail(Code::not_found, "cannot read the folder " + folder + ": " + trouble.message());
    if (folders.empty()) return fail(Code::not_found, folder + " holds no vLLM runs: expected RUN/vllm/meta.json");
    std::sort(folders.begin(), folders.end());
    std::vector<VllmRun> runs;
    for (const fs::path& path : folders) {
        auto run = read_run(path, catalog);
        if (!run) return tl::unexpected(run.error());
        runs.push_back(std::move(*run));
    }
    return runs;
}

Result<Scenario> scenario_of(const VllmRun& run, bool with_profile, const Catalog& catalog) {
    std::string toml = run.toml;
    if (with_profile) toml += "[cost]\nsource = \"profile\"\nprofile = '" + run.profile + "'\n";
    const auto profile = [](std::string_view path, const ModelSpec& model, const PoolSpec& pool) {
        return files::read_profile_folder(std::string(path), model, pool);
    };
    return parse_scenario(toml, "scenario of run " + run.name, ParseOptions{catalog, {}, {}, profile});
}

}  // namespace replayd::ctl
