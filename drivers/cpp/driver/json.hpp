#pragma once

#include <nlohmann/json_fwd.hpp>

#include <memory>

namespace driver {

/// Only declared here: its definition takes long to compile, and few files need it.
using Json = nlohmann::json;

/// The id of a request; nothing for a notification, which gets no answer.
using Id = std::shared_ptr<const Json>;

} // namespace driver
