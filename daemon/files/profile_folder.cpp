#include "daemon/files/profile_folder.hpp"

#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/files/compressed_text.hpp"

namespace replayd::files {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> unreadable(const fs::path& folder, const std::error_code& trouble) {
    return fail(Code::not_found, "cannot read the folder " + folder.string() + ": " + trouble.message());
}

/// 2 for "tp2"; nothing for names that are not "tp" and digits.
std::optional<std::int64_t> degree_of(std::string_view name) {
    if (!name.starts_with("tp")) return std::nullopt;
    std::int64_t degree = 0;
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + 2, end, degree);
    if (error != std::errc() || rest != end || degree < 1) return std::nullopt;
    return degree;
}

/// "perf/tp2/" ends with an empty name.
std::string own_name(const fs::path& folder) {
    const fs::path whole = folder.lexically_normal();
    return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

/// The folder tpN of the degree; the folder itself where it has none.
Result<fs::path> degree_folder(const fs::path& folder, std::int64_t tensor) {
    std::map<std::int64_t, std::string> degrees;
    std::error_code trouble;
    for (fs::directory_iterator entry(folder, trouble), end; !trouble && entry != end; entry.increment(trouble)) {
        const std::string name = entry->path().filename().string();
        const auto degree = degree_of(name);
        std::error_code ignored;  // what cannot be asked is no folder to read
        if (degree && entry->is_directory(ignored)) degrees.emplace(*degree, name);
    }
    if (trouble) return unreadable(folder, trouble);
    const std::string wanted = "tp" + std::to_string(tensor);
    if (const auto found = degrees.find(tensor); found != degrees.end()) return folder / found->second;
    if (degrees.empty()) {
        const auto own = degree_of(own_name(folder));
        if (!own || *own == tensor) return folder;
        return fail(Code::invalid_argument, folder.string() + " was measured with tensor = " + std::to_string(*own) +
                                                ", the pool has tensor = " + std::to_string(tensor) +
                                                ": expected a folder " + wanted);
    }
    std::string list;
    for (const auto& [degree, name] : degrees) list += (list.empty() ? "" : ", ") + name;
    return fail(Code::not_found,
                folder.string() + " has no " + wanted + ", the pool's tensor parallelism: it has " + list);
}

/// The name without ".gz" or ".zst" of a CSV file; empty for others.
std::string csv_name(std::string name) {
    for (const char* packed : {".gz", ".zst"}) {
        if (name.ends_with(packed)) name.resize(name.rfind('.'));
    }
    return name.ends_with(".csv") ? name : std::string();
}

Result<cost::ProfileFiles> read_folder(const fs::path& folder) {
    cost::ProfileFiles files{folder.string(), {}};
    std::error_code trouble;
    for (fs::directory_iterator entry(folder, trouble), end; !trouble && entry != end; entry.increment(trouble)) {
        const std::string name = csv_name(entry->path().filename().string());
        std::error_code ignored;  // what cannot be asked is no file to read
        if (name.empty() || !entry->is_regular_file(ignored)) continue;
        if (files.text.contains(name)) {
            return fail(Code::invalid_argument,
                        folder.string() + " holds " + name + " more than once, plain or packed: keep one");
        }
        auto text = read_compressed_text(entry->path().string());
        if (!text) return tl::unexpected(text.error());
        files.text[name] = std::move(*text);
    }
    if (trouble) return unreadable(folder, trouble);
    return files;
}

}  // namespace

Result<std::shared_ptr<const cost::StepProfile>> read_profile_folder(const std::string& path, const ModelSpec& model,
                                                                     const PoolSpec& pool) {
    const auto folder = degree_folder(path, pool.parallel.tensor);
    if (!folder) return tl::unexpected(folder.error());
    auto files = read_folder(*folder);
    if (!files) return tl::unexpected(files.error());
    const fs::path experts = fs::path(path) / "tp1" / "moe.csv";
    std::error_code ignored;
    if (model.moe && *folder != path && !files->text.contains("moe.csv") && fs::is_regular_file(experts, ignored)) {
        auto text = read_compressed_text(experts.string());
        if (!text) return tl::unexpected(text.error());
        files->text["moe.csv"] = std::move(*text);
    }
    auto profile = cost::read_profile(*files, model, pool);
    if (!profile) return tl::unexpected(profile.error());
    return std::make_shared<const cost::StepProfile>(std::move(*profile));
}

}  // namespace replayd::files
