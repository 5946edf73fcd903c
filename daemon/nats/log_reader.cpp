#include "daemon/nats/log_reader.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include "daemon/config/log.hpp"
#include "daemon/nats/handles.hpp"
#include "daemon/protocol/codec.hpp"

namespace replayd::nats {
namespace {

constexpr std::size_t k_fetch_messages = 64;
constexpr std::int64_t k_fetch_ns = 250'000'000;
/// Longest wait for the server's word that there is nothing more.
constexpr std::int64_t k_nothing_more_ns = 1'000'000'000;
constexpr std::chrono::milliseconds k_pause{200};
constexpr std::chrono::milliseconds k_commit_patience{250};
/// Messages that were given out and not acknowledged for so long come again.
constexpr std::int64_t k_ack_wait_ns = 30'000'000'000;

/// The next message. One at a time: up to 3.8.2 the library writes past the end of its list when it is asked for
/// several while some of an earlier request wait in it, as they do after a reconnect (nats.c #749).
natsStatus fetch_one(natsSubscription* subscription, bool wait, std::vector<Message>& out) {
    jsFetchRequest request;
    jsFetchRequest_Init(&request);
    request.Batch = 1;
    request.Expires = wait ? k_fetch_ns : k_nothing_more_ns;
    request.NoWait = !wait;
    natsMsgList list{};
    const natsStatus status = natsSubscription_FetchRequest(&list, subscription, &request);
    if (status == NATS_OK) out.emplace_back(std::exchange(list.Msgs[0], nullptr));
    natsMsgList_Destroy(&list);
    return status;
}

/// Waits for a message and takes those behind it that are there.
natsStatus fetch_some(natsSubscription* subscription, std::vector<Message>& out) {
    const natsStatus first = fetch_one(subscription, true, out);
    if (first != NATS_OK) return first;
    while (out.size() < k_fetch_messages && fetch_one(subscription, false, out) == NATS_OK) {
    }
    return NATS_OK;
}

std::uint64_t sequence_of(natsMsg* message) {
    MetaData facts;
    const natsStatus status = natsMsg_GetMetaData(Fill(facts), message);
    return status == NATS_OK ? facts->Sequence.Stream : 0;
}

std::string_view payload_of(natsMsg* message) {
    return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

natsStatus add_consumer(jsCtx* context, const std::string& log, const std::string& node, std::uint64_t start) {
    jsConsumerConfig wanted;
    jsConsumerConfig_Init(&wanted);
    wanted.Durable = node.c_str();
    wanted.AckPolicy = js_AckExplicit;
    wanted.AckWait = k_ack_wait_ns;
    wanted.DeliverPolicy = js_DeliverByStartSequence;
    wanted.OptStartSeq = start;
    ConsumerInfo info;
    jsErrCode code{};
    return js_AddConsumer(Fill(info), context, log.c_str(), &wanted, nullptr, &code);
}

}  // namespace

struct LogReader::Consumer {
    Subscription subscription;
};

LogReader::LogReader(std::unique_ptr<StreamLogs> logs, std::shared_ptr<stream::Stream> stream, std::string node,
                     const LeaseClock& leases)
    : logs_(std::move(logs)),
      stream_(std::move(stream)),
      node_(std::move(node)),
      leases_(leases),
      thread_([this] { run(); }) {}

LogReader::~LogReader() {
    stop();
}

void LogReader::stop() {
    stopping_.store(true);
    if (thread_.joinable()) thread_.join();
}

void LogReader::run() {
    while (!stopping_.load() && !ended()) {
        const auto consumer = consume();
        while (consumer && !stopping_.load() && !ended()) {
            if (!take_some(*consumer)) break;
        }
        if (!ended()) pause();
    }
    done_.store(ended());
}

/// False when it was told to stop.
bool LogReader::wait_for_leases() const {
    while (!stopping_.load() && !leases_.holds()) pause();
    return !stopping_.load();
}

void LogReader::pause() const {
    if (!stopping_.load()) std::this_thread::sleep_for(k_pause);
}

/// The consumer as it was left, if it goes on where this process does; else a new one from there. Null: later again.
std::unique_ptr<LogReader::Consumer> LogReader::consume() {
    const std::string log = logs_->names().log(stream_->name());
    const std::string subject = logs_->names().subject(stream_->name());
    const std::uint64_t durable = stream_->status().log.durable.seq + 1;  // behind the opening
    jsErrCode code{};
    ConsumerInfo there;
    natsStatus status = js_GetConsumerInfo(Fill(there), logs_->context(), log.c_str(), node_.c_str(), nullptr, &code);
    if (status != NATS_OK && status != NATS_NOT_FOUND) return nullptr;
    const bool goes_on = there && there->AckFloor.Stream <= durable && there->Delivered.Stream <= durable;
    if (!goes_on) {
        if (there) js_DeleteConsumer(logs_->context(), log.c_str(), node_.c_str(), nullptr, &code);
        status = add_consumer(logs_->context(), log, node_, durable + 1);
        if (status != NATS_OK) return nullptr;
    }
    jsSubOptions bound;
    jsSubOptions_Init(&bound);
    bound.Stream = log.c_str();
    bound.Consumer = node_.c_str();
    auto consumer = std::make_unique<Consumer>();
    status = js_PullSubscribe(Fill(consumer->subscription), logs_->context(), subject.c_str(), node_.c_str(), nullptr,
                              &bound, &code);
    return status == NATS_OK ? std::move(consumer) : nullptr;
}

/// Takes what is there, waits for its commit, acknowledges it; false when the consumer must start again.
bool LogReader::take_some(Consumer& consumer) {
    std::vector<Message> messages;
    const natsStatus status = fetch_some(consumer.subscription.get(), messages);
    if (status == NATS_TIMEOUT) return true;
    if (status != NATS_OK || !wait_for_leases()) return false;
    const std::uint64_t failures = stream_->status().log.failures;
    for (const Message& message : messages) {
        if (!take(sequence_of(message.get()), payload_of(message.get()), failures)) return false;
    }
    for (const Message& message : messages) {
        const std::uint64_t seq = sequence_of(message.get()) - 1;
        const bool end = natsMsg_GetDataLength(message.get()) == 0;
        while (!stream_->wait_durable(seq, failures, k_commit_patience) && !(end && ended())) {
            if (stopping_.load() || stream_->status().log.failures != failures) return false;
        }
        natsMsg_Ack(message.get(), nullptr);
    }
    return true;
}

bool LogReader::take(std::uint64_t sequence, std::string_view payload, std::uint64_t failures) {
    if (sequence == 0) return false;
    if (sequence == 1) return true;  // the opening
    std::optional<stream::Refusal> refused;
    if (payload.empty()) {
        refused = stream_->accept_end(sequence - 1, failures);
    } else {
        auto batch = protocol::parse_log_batch(payload);
        if (!batch) {
            config::log(config::LogLevel::error, "shared_batch_unreadable",
                        {{"stream", stream_->name()}, {"error", batch.error().message}});
            return false;
        }
        refused = stream_->accept(std::move(*batch), {INT64_MAX, failures}, stream::BatchSource::shared_log);
    }
    if (!refused) return true;
    config::log(config::LogLevel::info, "shared_batch_waits",
                {{"stream", stream_->name()}, {"reason", refused->failure.message}});
    return false;
}

}  // namespace replayd::nats
