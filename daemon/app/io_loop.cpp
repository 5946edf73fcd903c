#include "daemon/app/io_loop.hpp"

#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace replayd::app {

struct IoLoop::State {
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
    boost::asio::steady_timer timer{io};
    std::chrono::milliseconds period{};
    std::function<void()> tick;
    std::thread thread;

    void arm() {
        timer.expires_after(period);
        timer.async_wait([this](boost::system::error_code error) {
            if (error) return;
            tick();
            arm();
        });
    }
};

IoLoop::IoLoop() : state_(std::make_unique<State>()) {}
IoLoop::~IoLoop() {
    stop();
}

boost::asio::io_context& IoLoop::context() {
    return state_->io;
}

void IoLoop::post(std::function<void()> function) {
    boost::asio::post(state_->io, std::move(function));
}

void IoLoop::start(std::chrono::milliseconds period, std::function<void()> tick) {
    state_->period = period;
    state_->tick = std::move(tick);
    state_->arm();
    state_->thread = std::thread([state = state_.get()] { state->io.run(); });
}

void IoLoop::stop() {
    state_->io.stop();
    if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace replayd::app
