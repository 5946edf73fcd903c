#include "daemon/nats/leases.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "daemon/nats/handles.hpp"
#include "daemon/nats/stream_logs.hpp"

namespace replayd::nats {
namespace {

namespace json = boost::json;

std::string text_of(const Outcome& outcome) {
    return json::serialize(json::object{
        {"node", outcome.node}, {"state", outcome.state}, {"hash", outcome.hash}, {"failure", outcome.failure}});
}

Result<Outcome> parse_outcome(const std::string& key, const char* text) {
    try {
        const json::value value = json::parse(text == nullptr ? "" : text);
        const auto field = [&value](const char* name) { return json::value_to<std::string>(value.at(name)); };
        return Outcome{field("node"), field("state"), field("hash"), field("failure")};
    } catch (const std::exception& error) {
        return fail(Code::io, "the outcome " + key + " in NATS is not one of replayd: " + error.what());
    }
}

struct BucketKind {
    std::string name;
    std::chrono::nanoseconds lifetime{0};  ///< of a key that is not written again; 0: for ever
    std::int64_t replicas = 1;
};

Result<Bucket> open_bucket(jsCtx* context, const BucketKind& kind) {
    kvConfig wanted;
    kvConfig_Init(&wanted);
    wanted.Bucket = kind.name.c_str();
    wanted.History = 1;
    wanted.TTL = kind.lifetime.count();
    wanted.StorageType = js_FileStorage;
    wanted.Replicas = static_cast<int>(kind.replicas);
    Bucket bucket;
    const natsStatus status = js_CreateKeyValue(Fill(bucket), context, &wanted);
    if (status == NATS_OK) return bucket;
    Error error = error_of(status, "NATS bucket " + kind.name);
    if (js_KeyValue(Fill(bucket), context, kind.name.c_str()) != NATS_OK) return tl::unexpected(std::move(error));
    return fail(Code::invalid_argument, error.message +
                                            "; it is there with other settings: expected the same nats.lease_s and "
                                            "nats.replicas in every replayd of one nats.prefix");
}

/// Somebody else wrote the key, or it is gone.
bool overtaken(natsStatus status) {
    return status == NATS_ERR || status == NATS_MISMATCH || status == NATS_NOT_FOUND;
}

}  // namespace

struct Leases::State {
    JetStream context;
    Bucket leases;
    Bucket outcomes;

    /// The lease as it stands; empty where there is none.
    [[nodiscard]] Result<BucketEntry> held(const std::string& key) const {
        BucketEntry entry;
        const natsStatus status = kvStore_Get(Fill(entry), leases.get(), key.c_str());
        if (status == NATS_OK || status == NATS_NOT_FOUND) return entry;
        return tl::unexpected(error_of(status, "reading lease " + key));
    }
};

Leases::Leases(std::unique_ptr<State> state, Settings settings)
    : state_(std::move(state)), settings_(std::move(settings)) {}
Leases::~Leases() = default;

Result<std::unique_ptr<Leases>> Leases::open(const Connection& connection, const Names& names, Settings settings) {
    auto state = std::make_unique<State>();
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = k_answer_ms;
    const natsStatus status = natsConnection_JetStream(Fill(state->context), connection.handle(), &options);
    if (status != NATS_OK) return tl::unexpected(error_of(status, "NATS"));
    auto leases = open_bucket(state->context.get(), {names.leases(), settings.lease, settings.replicas});
    if (!leases) return tl::unexpected(leases.error());
    auto outcomes = open_bucket(state->context.get(), {names.outcomes(), {}, settings.replicas});
    if (!outcomes) return tl::unexpected(outcomes.error());
    state->leases = std::move(*leases);
    state->outcomes = std::move(*outcomes);
    return std::unique_ptr<Leases>(new Leases(std::move(state), std::move(settings)));
}

Result<std::optional<std::uint64_t>> Leases::take(const std::string& key) {
    std::uint64_t revision = 0;
    natsStatus status = kvStore_CreateString(&revision, state_->leases.get(), key.c_str(), settings_.node.c_str());
    if (status == NATS_OK) return revision;
    if (!overtaken(status)) return tl::unexpected(error_of(status, "taking lease " + key));
    auto held = state_->held(key);
    if (!held) return tl::unexpected(held.error());
    // Not held: it ran out just now, next time.
    if (!*held || kvEntry_ValueString(held->get()) != settings_.node) return std::nullopt;
    return renew(key, kvEntry_Revision(held->get()));
}

Result<std::string> Leases::holder(const std::string& key) {
    const auto held = state_->held(key);
    if (!held) return tl::unexpected(held.error());
    const char* node = *held ? kvEntry_ValueString(held->get()) : nullptr;
    return std::string(node == nullptr ? "" : node);
}

Result<std::optional<std::uint64_t>> Leases::renew(const std::string& key, std::uint64_t revision) {
    std::uint64_t next = 0;
    const natsStatus status =
        kvStore_UpdateString(&next, state_->leases.get(), key.c_str(), settings_.node.c_str(), revision);
    if (status == NATS_OK) return next;
    if (overtaken(status)) return std::nullopt;
    return tl::unexpected(error_of(status, "renewing lease " + key));
}

void Leases::drop(const std::string& key) {
    kvStore_Delete(state_->leases.get(), key.c_str());
}

Result<std::size_t> Leases::count_nodes() {
    kvStore* bucket = state_->leases.get();
    natsStatus status = kvStore_PutString(nullptr, bucket, Names::node_key(settings_.node).c_str(), "");
    if (status != NATS_OK) return tl::unexpected(error_of(status, "telling NATS that this node is there"));
    // Not kvStore_Keys: it makes and ends a subscription, and up to 3.6.0 the library may touch one that has ended
    // while a message comes for it (nats.c #637).
    const std::string log = std::string("KV_") + kvStore_Bucket(bucket);
    const std::string before = std::string("$KV.") + kvStore_Bucket(bucket) + ".";
    const std::string wanted = before + Names::node_key("") + "*";
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = k_answer_ms;
    options.Stream.Info.SubjectsFilter = wanted.c_str();
    StreamInfo info;
    jsErrCode code{};
    status = js_GetStreamInfo(Fill(info), state_->context.get(), log.c_str(), &options, &code);
    if (status != NATS_OK) return tl::unexpected(error_of(status, "listing the nodes in NATS"));
    std::size_t nodes = 0;
    const jsStreamStateSubjects* subjects = info->State.Subjects;
    for (int i = 0; subjects != nullptr && i < subjects->Count; ++i) {
        const auto there = state_->held(std::string(subjects->List[i].Subject).substr(before.size()));
        if (!there) return tl::unexpected(there.error());
        if (*there) ++nodes;  // else it left
    }
    return std::max<std::size_t>(1, nodes);
}

Result<std::optional<Outcome>> Leases::outcome(const std::string& key) {
    BucketEntry entry;
    const natsStatus status = kvStore_Get(Fill(entry), state_->outcomes.get(), key.c_str());
    if (status == NATS_NOT_FOUND) return std::nullopt;
    if (status != NATS_OK) return tl::unexpected(error_of(status, "reading outcome " + key));
    return parse_outcome(key, kvEntry_ValueString(entry.get())).map([](Outcome found) {
        return std::optional(std::move(found));
    });
}

Result<Outcome> Leases::record(const std::string& key, const Outcome& outcome) {
    const natsStatus status =
        kvStore_CreateString(nullptr, state_->outcomes.get(), key.c_str(), text_of(outcome).c_str());
    if (status == NATS_OK) return outcome;
    if (!overtaken(status)) return tl::unexpected(error_of(status, "recording outcome " + key));
    auto there = this->outcome(key);
    if (!there) return tl::unexpected(there.error());
    if (*there) return std::move(**there);
    return fail(Code::unavailable, "recording outcome " + key + ": it was there and is gone");
}

void Leases::forget_outcome(const std::string& key) {
    kvStore_Purge(state_->outcomes.get(), key.c_str(), nullptr);
}

}  // namespace replayd::nats
