#include "daemon/nats/connection.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/access/secret.hpp"
#include "daemon/nats/handles.hpp"

namespace replayd::nats {
namespace {

constexpr std::int64_t k_connect_ms = 5'000;
constexpr std::int64_t k_reconnect_wait_ms = 500;
/// A server that is silent for two of them is taken for gone.
constexpr std::int64_t k_ping_ms = 5'000;
constexpr int k_pings_out_max = 2;

std::string list_of(const std::vector<std::string>& servers) {
    std::string text;
    for (const std::string& server : servers) text += (text.empty() ? "" : ", ") + server;
    return text;
}

Result<void> need(natsStatus status, const std::string& key, const std::string& value) {
    if (status == NATS_OK) return {};
    return fail(Code::invalid_argument, error_of(status, "nats." + key + " is \"" + value + "\"").message);
}

Result<void> set_tls(natsOptions* options, const config::NatsConfig& config) {
    const bool wanted = !config.ca_file.empty() || !config.cert_file.empty() ||
                        std::any_of(config.servers.begin(), config.servers.end(),
                                    [](const std::string& server) { return server.starts_with("tls://"); });
    if (!wanted) return {};
    auto done = need(natsOptions_SetSecure(options, true), "servers", list_of(config.servers));
    if (done && !config.ca_file.empty()) {
        done = need(natsOptions_LoadCATrustedCertificates(options, config.ca_file.c_str()), "ca_file", config.ca_file);
    }
    if (!done || config.cert_file.empty()) return done;
    if (done = access::check_secret_file(config.key_file, "the key of nats.key_file"); !done) return done;
    return need(natsOptions_LoadCertificatesChain(options, config.cert_file.c_str(), config.key_file.c_str()),
                "cert_file", config.cert_file);
}

Result<void> set_credentials(natsOptions* options, const config::NatsConfig& config) {
    if (!config.credentials_file.empty()) {
        auto closed = access::check_secret_file(config.credentials_file, "the credentials of nats.credentials_file");
        if (!closed) return closed;
        return need(natsOptions_SetUserCredentialsFromFiles(options, config.credentials_file.c_str(), nullptr),
                    "credentials_file", config.credentials_file);
    }
    if (config.user.empty()) return {};
    const auto password = access::read_foreign_secret_file(config.password_file, "the password of nats.password_file");
    if (!password) return tl::unexpected(password.error());
    return need(natsOptions_SetUserInfo(options, config.user.c_str(), password->c_str()), "user", config.user);
}

Result<Options> make_options(const config::NatsConfig& config) {
    Options options;
    if (natsOptions_Create(Fill(options)) != NATS_OK) return fail(Code::io, "no memory for the NATS client");
    std::vector<const char*> servers;
    for (const std::string& server : config.servers) servers.push_back(server.c_str());
    auto set = need(natsOptions_SetServers(options.get(), servers.data(), static_cast<int>(servers.size())), "servers",
                    list_of(config.servers))
                   .and_then([&] { return set_tls(options.get(), config); })
                   .and_then([&] { return set_credentials(options.get(), config); })
                   .and_then([&] {
                       return need(natsOptions_SetName(options.get(), config.node.c_str()), "node", config.node);
                   });
    if (!set) return tl::unexpected(set.error());
    natsOptions_SetTimeout(options.get(), k_connect_ms);
    natsOptions_SetMaxReconnect(options.get(), -1);
    natsOptions_SetReconnectWait(options.get(), k_reconnect_wait_ms);
    natsOptions_SetPingInterval(options.get(), k_ping_ms);
    natsOptions_SetMaxPingsOut(options.get(), k_pings_out_max);
    // What was on its way when the connection broke is sent again by us, who know whether it arrived.
    natsOptions_SetFailRequestsOnDisconnect(options.get(), true);
    // The library's own report goes to stderr; ours is trouble().
    natsOptions_SetErrorHandler(options.get(), [](natsConnection*, natsSubscription*, natsStatus, void*) {}, nullptr);
    return options;
}

std::string remedy(natsStatus status, const std::string& prefix) {
    switch (status) {
        case NATS_NO_SERVER:
        case NATS_TIMEOUT:
        case NATS_NO_SERVER_SUPPORT:
            return "start nats-server there with JetStream (nats-server -js), mend nats.servers, or leave [nats] out "
                   "to share no streams";
        case NATS_CONNECTION_AUTH_FAILED:
        case NATS_NOT_PERMITTED:
            return "mend nats.user and nats.password_file, or nats.credentials_file; " + prefix +
                   " needs JetStream and the subjects " + prefix + ".>";
        default:
            return "mend nats.servers, nats.ca_file, nats.cert_file and nats.key_file";
    }
}

}  // namespace

Error error_of(natsStatus status, const std::string& what) {
    natsStatus last = NATS_OK;
    const char* detail = nats_GetLastError(&last);
    std::string text = natsStatus_GetText(status);
    if (last == status && detail != nullptr && *detail != '\0') text += std::string(" (") + detail + ")";
    return Error{passing(status) ? Code::unavailable : Code::io, what + ": " + text};
}

bool passing(natsStatus status) {
    switch (status) {
        case NATS_TIMEOUT:
        case NATS_CONNECTION_CLOSED:
        case NATS_CONNECTION_DISCONNECTED:
        case NATS_NO_SERVER:
        case NATS_STALE_CONNECTION:
        case NATS_NO_RESPONDERS:
        case NATS_INSUFFICIENT_BUFFER:
        case NATS_IO_ERROR:
            return true;
        default:
            return false;
    }
}

struct Connection::State {
    std::string servers;
    ConnectionHandle connection;
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::~Connection() {
    natsConnection_Close(state_->connection.get());
}

Result<std::unique_ptr<Connection>> Connection::open(const config::NatsConfig& config) {
    auto options = make_options(config);
    if (!options) return tl::unexpected(options.error());
    auto state = std::make_unique<State>();
    state->servers = list_of(config.servers);
    const natsStatus status = natsConnection_Connect(Fill(state->connection), options->get());
    if (status == NATS_OK) return std::unique_ptr<Connection>(new Connection(std::move(state)));
    return fail(Code::unavailable, error_of(status, "nats.servers: cannot connect to " + state->servers).message +
                                       "; " + remedy(status, config.prefix));
}

__natsConnection* Connection::handle() const {
    return state_->connection.get();
}

std::int64_t Connection::payload_bytes_max() const {
    return natsConnection_GetMaxPayload(handle());
}

std::optional<Error> Connection::trouble() const {
    if (natsConnection_Status(handle()) == NATS_CONN_STATUS_CONNECTED) return std::nullopt;
    return Error{Code::unavailable, "NATS (" + state_->servers +
                                        ") is not connected: arrivals of shared streams wait until "
                                        "it is back; what was acknowledged is safe"};
}

}  // namespace replayd::nats
