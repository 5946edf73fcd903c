#include "daemon/nats/stream_logs.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <utility>

#include "daemon/nats/handles.hpp"
#include "daemon/nats/opening_json.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::nats {
namespace {

constexpr std::uint64_t k_opening_sequence = 1;

std::string log_of(const std::string& stream) {
    return "NATS log of stream " + net::quoted(stream);
}

std::string id_of(std::uint64_t sequence, std::string_view payload) {
    return std::to_string(sequence) + "-" + std::to_string(std::hash<std::string_view>{}(payload));
}

/// Takes back what the library still waits for, so that a late answer is not mistaken for that of the next messages.
void forget_pending(jsCtx* context) {
    natsMsgList pending{};
    if (js_PublishAsyncGetPendingList(&pending, context) == NATS_OK) natsMsgList_Destroy(&pending);
}

}  // namespace

struct StreamLogs::State {
    std::atomic<bool> refused{false};  ///< set on a thread of the library when a message of publish_together failed
    JetStream context;                 ///< goes first: its callbacks use the flag
};

StreamLogs::StreamLogs(std::unique_ptr<State> state, Names names, std::int64_t replicas)
    : state_(std::move(state)), names_(std::move(names)), replicas_(replicas) {}
StreamLogs::~StreamLogs() = default;

Result<std::unique_ptr<StreamLogs>> StreamLogs::open(const Connection& connection, Names names, std::int64_t replicas) {
    auto state = std::make_unique<State>();
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = k_answer_ms;
    options.PublishAsync.ErrHandler = [](jsCtx*, jsPubAckErr*, void* refused) {
        static_cast<std::atomic<bool>*>(refused)->store(true);
    };
    options.PublishAsync.ErrHandlerClosure = &state->refused;
    const natsStatus status = natsConnection_JetStream(Fill(state->context), connection.handle(), &options);
    if (status != NATS_OK) return tl::unexpected(error_of(status, "NATS"));
    return std::unique_ptr<StreamLogs>(new StreamLogs(std::move(state), std::move(names), replicas));
}

__jsCtx* StreamLogs::context() const {
    return state_->context.get();
}

Result<void> StreamLogs::make(const std::string& stream) {
    const std::string name = names_.log(stream);
    const std::string subject = names_.subject(stream);
    const char* subjects[] = {subject.c_str()};
    jsStreamConfig wanted;
    jsStreamConfig_Init(&wanted);
    wanted.Name = name.c_str();
    wanted.Subjects = subjects;
    wanted.SubjectsLen = 1;
    wanted.Storage = js_FileStorage;
    wanted.Replicas = replicas_;
    wanted.DenyDelete = true;  // the sequence numbers are the batches'
    StreamInfo info;
    jsErrCode code{};
    const natsStatus status = js_AddStream(Fill(info), context(), &wanted, nullptr, &code);
    // Somebody with another number of replicas may have made it.
    if (status == NATS_OK || code == JSStreamNameExistErr) return {};
    return tl::unexpected(error_of(status, "making the " + log_of(stream)));
}

Result<stream::Opening> StreamLogs::begin(const stream::Opening& wanted) {
    auto there = opening(wanted.name);
    if (!there) return tl::unexpected(there.error());
    if (*there) return std::move(**there);
    if (auto made = make(wanted.name); !made) return tl::unexpected(made.error());
    const std::string text = opening_json(wanted);
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.ExpectNoMessage = true;
    PubAck ack;
    jsErrCode code{};
    const natsStatus status = js_Publish(Fill(ack), context(), names_.subject(wanted.name).c_str(), text.data(),
                                         static_cast<int>(text.size()), &options, &code);
    if (status == NATS_OK) return wanted;
    if (code != JSStreamWrongLastSequenceErr) {
        return tl::unexpected(error_of(status, "opening the " + log_of(wanted.name)));
    }
    there = opening(wanted.name);  // another process was first
    if (!there) return tl::unexpected(there.error());
    if (*there) return std::move(**there);
    return fail(Code::io, log_of(wanted.name) + " has lost its beginning: remove it with nats stream rm " +
                              names_.log(wanted.name));
}

Result<std::optional<stream::Opening>> StreamLogs::opening(const std::string& stream) {
    const auto first = message(stream, k_opening_sequence);
    if (!first) return tl::unexpected(first.error());
    if (!*first) return std::optional<stream::Opening>();
    auto parsed = parse_opening(**first);
    if (!parsed) return tl::unexpected(Error{parsed.error().code, log_of(stream) + ": " + parsed.error().message});
    return std::optional<stream::Opening>(std::move(*parsed));
}

Result<std::uint64_t> StreamLogs::last(const std::string& stream) {
    StreamInfo info;
    jsErrCode code{};
    const natsStatus status = js_GetStreamInfo(Fill(info), context(), names_.log(stream).c_str(), nullptr, &code);
    if (status == NATS_OK) return info->State.LastSeq;
    if (status == NATS_NOT_FOUND) return 0;
    return tl::unexpected(error_of(status, "asking for the " + log_of(stream)));
}

Result<std::vector<std::string>> StreamLogs::streams() {
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = k_answer_ms;
    const std::string subjects = names_.all_subjects();
    options.Stream.Info.SubjectsFilter = subjects.c_str();
    StreamNames list;
    jsErrCode code{};
    const natsStatus status = js_StreamNames(Fill(list), context(), &options, &code);
    std::vector<std::string> names;
    if (status == NATS_NOT_FOUND) return names;
    if (status != NATS_OK) return tl::unexpected(error_of(status, "listing the logs in NATS"));
    for (int i = 0; i < list->Count; ++i) {
        if (auto name = names_.stream_of(list->List[i])) names.push_back(std::move(*name));
    }
    return names;
}

Result<std::optional<std::string>> StreamLogs::message(const std::string& stream, std::uint64_t sequence) {
    Message message;
    jsErrCode code{};
    const natsStatus status = js_GetMsg(Fill(message), context(), names_.log(stream).c_str(), sequence, nullptr, &code);
    if (status == NATS_OK) {
        return std::optional<std::string>(std::string(natsMsg_GetData(message.get()),
                                                      static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))));
    }
    if (status == NATS_NOT_FOUND || code == JSStreamNotFoundErr || code == JSNoMessageFoundErr) {
        return std::optional<std::string>();
    }
    return tl::unexpected(error_of(status, "reading the " + log_of(stream)));
}

Result<Published> StreamLogs::publish(const std::string& stream, std::uint64_t sequence, std::string_view payload) {
    jsPubOptions options;
    jsPubOptions_Init(&options);
    const std::string id = id_of(sequence, payload);
    options.MsgId = id.c_str();
    options.ExpectLastSeq = sequence - 1;
    options.MaxWait = k_answer_ms;
    PubAck ack;
    jsErrCode code{};
    const natsStatus status = js_Publish(Fill(ack), context(), names_.subject(stream).c_str(), payload.data(),
                                         static_cast<int>(payload.size()), &options, &code);
    if (status == NATS_OK) return Published::stored;
    if (code != JSStreamWrongLastSequenceErr) {
        return tl::unexpected(error_of(status, "writing to the " + log_of(stream)));
    }
    const auto there = message(stream, sequence);
    if (!there) return tl::unexpected(there.error());
    if (!*there) return Published::behind;
    return **there == payload ? Published::stored : Published::refused;
}

bool StreamLogs::send(const Outgoing& outgoing, const std::string& id, const std::string& id_before) {
    natsMsg* message = nullptr;
    const std::string subject = names_.subject(*outgoing.stream);
    natsStatus status = natsMsg_Create(&message, subject.c_str(), nullptr, outgoing.payload.data(),
                                       static_cast<int>(outgoing.payload.size()));
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MsgId = id.c_str();
    options.ExpectLastSeq = outgoing.sequence - 1;
    if (!id_before.empty()) options.ExpectLastMsgId = id_before.c_str();
    if (status == NATS_OK) status = js_PublishMsgAsync(context(), &message, &options);  // takes the message over
    natsMsg_Destroy(message);
    return status == NATS_OK;
}

bool StreamLogs::publish_together(const std::vector<Outgoing>& messages) {
    state_->refused.store(false);
    std::map<std::string_view, std::string> ids;  // of the message before, by stream
    bool sent = true;
    for (std::size_t i = 0; sent && i < messages.size(); ++i) {
        std::string& before = ids[*messages[i].stream];
        std::string id = id_of(messages[i].sequence, messages[i].payload);
        sent = send(messages[i], id, before);
        before = std::move(id);
    }
    jsPubOptions patience;
    jsPubOptions_Init(&patience);
    patience.MaxWait = k_answer_ms;
    const bool answered = sent && js_PublishAsyncComplete(context(), &patience) == NATS_OK;
    if (!answered) forget_pending(context());
    return answered && !state_->refused.load();
}

Result<void> StreamLogs::remove(const std::string& stream) {
    jsErrCode code{};
    const natsStatus status = js_DeleteStream(context(), names_.log(stream).c_str(), nullptr, &code);
    if (status == NATS_OK || status == NATS_NOT_FOUND || code == JSStreamNotFoundErr) return {};
    return tl::unexpected(error_of(status, "removing the " + log_of(stream)));
}

}  // namespace replayd::nats
