#pragma once
// The io thread and its clock tick. Asio stays behind this header as far as it can.

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>

namespace replayd::app {

class IoLoop {
public:
    IoLoop();
    /// As `stop`.
    ~IoLoop();
    IoLoop(const IoLoop&) = delete;
    IoLoop& operator=(const IoLoop&) = delete;

    [[nodiscard]] boost::asio::io_context& context();
    /// Runs the function on the io thread, from any thread.
    void post(std::function<void()> function);
    /// Starts the thread; `tick` is called on it every `period`.
    void start(std::chrono::milliseconds period, std::function<void()> tick);
    /// Ends the tick, drops what is posted and not begun, joins the thread.
    void stop();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace replayd::app
