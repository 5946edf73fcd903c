#pragma once
// Owners of what the NATS client library hands out. For the .cpp files of this folder.

#include <nats/nats.h>

#include <memory>
#include <string>

#include "replay/base/error.hpp"

namespace replayd::nats {

/// Calls a destroy function of the library.
template <auto destroy>
struct Destroy {
    template <class T>
    void operator()(T* object) const {
        destroy(object);
    }
};

using Options = std::unique_ptr<natsOptions, Destroy<natsOptions_Destroy>>;
using ConnectionHandle = std::unique_ptr<natsConnection, Destroy<natsConnection_Destroy>>;
using JetStream = std::unique_ptr<jsCtx, Destroy<jsCtx_Destroy>>;
using Message = std::unique_ptr<natsMsg, Destroy<natsMsg_Destroy>>;
using Subscription = std::unique_ptr<natsSubscription, Destroy<natsSubscription_Destroy>>;
using PubAck = std::unique_ptr<jsPubAck, Destroy<jsPubAck_Destroy>>;
using StreamInfo = std::unique_ptr<jsStreamInfo, Destroy<jsStreamInfo_Destroy>>;
using StreamNames = std::unique_ptr<jsStreamNamesList, Destroy<jsStreamNamesList_Destroy>>;
using ConsumerInfo = std::unique_ptr<jsConsumerInfo, Destroy<jsConsumerInfo_Destroy>>;
using MetaData = std::unique_ptr<jsMsgMetaData, Destroy<jsMsgMetaData_Destroy>>;
using Bucket = std::unique_ptr<kvStore, Destroy<kvStore_Destroy>>;
using BucketEntry = std::unique_ptr<kvEntry, Destroy<kvEntry_Destroy>>;

/// A pointer that the library fills, taken over at the end of the full expression: `call(&Filled(owner))`.
template <class Owner>
class Fill {
public:
    explicit Fill(Owner& owner) : owner_(owner) {}
    ~Fill() { owner_.reset(filled_); }
    Fill(const Fill&) = delete;
    Fill& operator=(const Fill&) = delete;
    operator typename Owner::element_type**() { return &filled_; }

private:
    Owner& owner_;
    typename Owner::element_type* filled_ = nullptr;
};

/// "WHAT: the library's words", `unavailable` where the server cannot be reached and `io` otherwise.
[[nodiscard]] Error error_of(natsStatus status, const std::string& what);

/// Whether the server may answer if asked again.
[[nodiscard]] bool passing(natsStatus status);

}  // namespace replayd::nats
