#include "tests/trust/simulation/world.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

#include "storage/query.hpp"
#include "tests/trust/simulation/canary.hpp"
#include "tests/trust/simulation/examination.hpp"

namespace replayd::trust {
namespace {

/// A world that has not come to its end by then never will.
constexpr std::int64_t k_steps_max = 30'000;
constexpr std::size_t k_streams = 2;

/// A connection, which the server may keep for a while after the client has lost it.
struct Link {
    std::shared_ptr<SimSocket> socket;
    std::unique_ptr<net::WebSocketSession> session;
    std::size_t client = 0;
    bool lost = false;  ///< by the client
};

/// The daemon's classes, from a start to a death.
struct Daemon {
    std::unique_ptr<storage::SteppedHistory> history;
    std::unique_ptr<storage::History> seen;  ///< the history as the streams see it
    std::unique_ptr<stream::StreamRegistry> registry;
    std::unique_ptr<stream::IngestContext> ingest;
    SimTasks tasks;
    SimJobs jobs;
    std::deque<std::function<void()>> posted;  ///< to the io thread
    std::vector<Link> links;
};

class World {
public:
    World(const Setting& setting, faults::FaultyDisk& disk, std::uint64_t seed, Canary canary);
    Verdict play();

private:
    bool start_daemon();
    void end_daemon();
    void step();
    bool trouble_happens();
    void choose_and_do();
    void act(std::size_t client);
    void serve(std::size_t link);
    void answer(std::size_t link);
    void hang_up(std::size_t link);
    void die(bool power);
    [[nodiscard]] bool over();
    void mix(std::uint64_t what) { verdict_.digest = (verdict_.digest ^ what) * 0x100000001b3ULL; }  // FNV-1a's prime
    void violation(const std::string& what);

    const Setting& setting_;
    faults::FaultyDisk& disk_;
    Random random_;
    const Canary canary_;
    SimClock clock_;
    NobodyWatches nobody_;
    Verdict verdict_;
    const storage::Durability durability_;
    std::int64_t troubled_steps_;  ///< trouble happens in the first so many
    std::vector<const KnownTrace*> traces_;
    std::vector<SimClient> clients_;
    std::unique_ptr<Daemon> daemon_;
};

World::World(const Setting& setting, faults::FaultyDisk& disk, std::uint64_t seed, Canary canary)
    : setting_(setting),
      disk_(disk),
      random_(seed),
      canary_(canary),
      clock_(random_),
      durability_(random_.below(2) == 0 ? storage::Durability::normal : storage::Durability::full),
      troubled_steps_(static_cast<std::int64_t>(100 + random_.below(600))) {
    disk_.kill();
    disk_.load(setting.fresh);
    for (std::size_t i = 0; i < k_streams; ++i) {
        traces_.push_back(&setting.traces[random_.below(setting.traces.size())]);
        const double speed = random_.below(4) == 0 ? 50.0 : 0.0;
        clients_.emplace_back("stream-" + std::to_string(i), setting.scenarios, traces_[i]->arrivals, speed, random_,
                              [this](const std::string& what) { violation(what); });
    }
}

void World::violation(const std::string& what) {
    verdict_.violations.push_back("step " + std::to_string(verdict_.steps) + ": " + what);
}

bool World::start_daemon() {
    auto daemon = std::make_unique<Daemon>();
    storage::HistoryOptions options;
    options.path = setting_.path;
    options.durability = durability_;
    options.start_check = storage::StartCheck::always;
    options.now = [this] { return clock_.now(); };
    auto history = storage::SteppedHistory::open(std::move(options));
    if (!history) return false;
    daemon->history = std::move(*history);
    daemon->seen = with_canary(*daemon->history, canary_);
    const std::int64_t backlog_max = 20;  // small, so that credit matters
    daemon->registry = std::make_unique<stream::StreamRegistry>(
        *setting_.known_scenarios,
        stream::StreamContext{*daemon->seen, daemon->jobs, daemon->tasks, nobody_, backlog_max,
                              [this] { return clock_.now(); }},
        "simulation");
    auto reader = storage::Reader::open(setting_.path);
    if (!reader || !daemon->registry->recover(**reader)) {
        daemon->history->abandon();
        return false;
    }
    daemon->ingest = std::make_unique<stream::IngestContext>(stream::IngestContext{
        *daemon->registry, daemon->tasks,
        [posted = &daemon->posted](std::function<void()> call) { posted->push_back(std::move(call)); }, {}, {}});
    daemon_ = std::move(daemon);
    return true;
}

/// As a process goes: nothing is told to anybody.
void World::end_daemon() {
    for (SimClient& client : clients_) client.lose_connection();
    if (!daemon_) return;
    daemon_->history->abandon();
    daemon_->posted.clear();
    daemon_->links.clear();
    daemon_->tasks = {};
    daemon_->jobs = {};
    daemon_->registry.reset();
    daemon_.reset();
}

void World::die(bool power) {
    ++verdict_.deaths;
    if (power) {
        disk_.lose_power(random_);
    } else {
        disk_.kill();
    }
    end_daemon();
    if (power && durability_ == storage::Durability::normal) {
        for (SimClient& client : clients_) client.forgive();
    }
}

/// Now and then, while it lasts: a broken connection, a disk that fails once, is full or works again, a death.
bool World::trouble_happens() {
    if (verdict_.steps >= troubled_steps_) {
        if (verdict_.steps == troubled_steps_) {
            disk_.set_fault(std::nullopt);
            disk_.set_capacity(std::nullopt);
        }
        return false;
    }
    switch (random_.below(400)) {
        case 0:
            die(false);
            return true;
        case 1:
            die(true);
            return true;
        case 2:
        case 3: {
            const auto kind = static_cast<faults::FaultKind>(random_.below(3));
            disk_.set_fault(
                faults::Fault{kind, static_cast<std::int64_t>(1 + random_.below(20)), random_.below(3) == 0});
            ++verdict_.faults;
            return true;
        }
        case 4:
            disk_.set_capacity(disk_.bytes_used() + static_cast<std::int64_t>(random_.below(20'000)));
            return true;
        case 5:
        case 6:
            disk_.set_fault(std::nullopt);
            disk_.set_capacity(std::nullopt);
            return true;
        case 7:
        case 8:
        case 9: {
            SimClient& client = clients_[random_.below(clients_.size())];
            if (!daemon_ || !client.connected()) return false;
            for (Link& link : daemon_->links) link.lost = link.lost || &clients_[link.client] == &client;
            client.lose_connection();
            ++verdict_.cuts;
            return true;
        }
        default:
            return false;
    }
}

/// The client connects when it has no connection, else sends.
void World::act(std::size_t index) {
    SimClient& client = clients_[index];
    if (client.connected()) {
        (void)client.act(random_);
        return;
    }
    if (client.done()) return;
    Link link;
    link.socket = std::make_shared<SimSocket>();
    link.session = stream::make_ingest_session(*daemon_->ingest);
    link.client = index;
    link.session->on_open(link.socket);
    client.connect(link.socket);
    daemon_->links.push_back(std::move(link));
}

/// A frame reaches the session.
void World::serve(std::size_t index) {
    // The session may end the connection, which stays in the list.
    const SimSocket::Frame frame = std::move(daemon_->links[index].socket->to_server.front());
    daemon_->links[index].socket->to_server.pop_front();
    daemon_->links[index].session->on_message(frame.bytes, frame.binary);
}

/// A frame reaches the client; behind the last one of a closed connection it knows of the close.
void World::answer(std::size_t index) {
    Link& link = daemon_->links[index];
    const SimSocket::Frame frame = std::move(link.socket->to_client.front());
    link.socket->to_client.pop_front();
    if (link.lost) return;
    clients_[link.client].receive(frame);
    for (const char byte : frame.bytes) mix(static_cast<unsigned char>(byte));
}

/// The server's end of a connection is over.
void World::hang_up(std::size_t index) {
    Link link = std::move(daemon_->links[index]);
    daemon_->links.erase(daemon_->links.begin() + static_cast<std::ptrdiff_t>(index));
    if (!link.lost) clients_[link.client].lose_connection();
    link.session->on_close("simulated");
}

/// One thing of all that could happen now.
void World::choose_and_do() {
    std::vector<std::function<void()>> choices;
    Daemon& daemon = *daemon_;
    for (std::size_t i = 0; i < clients_.size(); ++i) choices.push_back([this, i] { act(i); });
    for (std::size_t i = 0; i < daemon.links.size(); ++i) {
        const Link& link = daemon.links[i];
        if (!link.socket->to_server.empty() && !link.socket->paused()) choices.push_back([this, i] { serve(i); });
        if (!link.socket->to_client.empty()) choices.push_back([this, i] { answer(i); });
        const bool said_all = link.socket->closed() && link.socket->to_client.empty();
        if (said_all || (link.lost && random_.below(10) == 0)) choices.push_back([this, i] { hang_up(i); });
    }
    if (!daemon.posted.empty()) {
        choices.push_back([&daemon] {
            const auto call = std::move(daemon.posted.front());
            daemon.posted.pop_front();
            call();
        });
    }
    if (daemon.tasks.waiting()) choices.push_back([this, &daemon] { daemon.tasks.run_one(random_); });
    if (daemon.jobs.waiting()) choices.push_back([this, &daemon] { daemon.jobs.run_one(random_); });
    choices.push_back([&daemon] { (void)daemon.history->write_waiting(); });
    choices.push_back([this, &daemon] {
        clock_.jump(std::chrono::milliseconds(random_.below(200)));
        daemon.jobs.look_at(clock_.now());
    });
    const std::size_t chosen = random_.below(choices.size());
    mix(chosen);
    choices[chosen]();
}

void World::step() {
    ++verdict_.steps;
    if (trouble_happens()) return;
    if (!daemon_ && !start_daemon()) {
        disk_.kill();  // a process that could not start
        if (random_.below(4) == 0) {
            disk_.set_fault(std::nullopt);
            disk_.set_capacity(std::nullopt);
        }
        return;
    }
    choose_and_do();
}

bool World::over() {
    if (verdict_.steps <= troubled_steps_ || !daemon_) return false;
    for (const SimClient& client : clients_) {
        if (!client.done()) return false;
    }
    const auto streams = daemon_->registry->all();
    return streams.size() == clients_.size() && std::all_of(streams.begin(), streams.end(), [](const auto& stream) {
               return stream->status().state == stream::StreamState::finished;
           });
}

Verdict World::play() {
    while (!over() && verdict_.violations.empty()) {
        if (verdict_.steps == k_steps_max) {
            violation("it never ends");
            break;
        }
        step();
    }
    if (daemon_ && verdict_.violations.empty()) {
        for (const auto& stream : daemon_->registry->all()) {
            if (!stream->status().log.counts.balanced()) violation("arrivals do not balance");
        }
    }
    end_daemon();
    disk_.set_fault(std::nullopt);
    disk_.set_capacity(std::nullopt);
    disk_.kill();
    if (!verdict_.violations.empty()) return std::move(verdict_);
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        for (const std::string& wrong : examine_stream(setting_, clients_[i].stream(), *traces_[i])) violation(wrong);
    }
    return std::move(verdict_);
}

}  // namespace

Verdict simulate(const Setting& setting, faults::FaultyDisk& disk, std::uint64_t seed, Canary canary) {
    return World(setting, disk, seed, canary).play();
}

}  // namespace replayd::trust
