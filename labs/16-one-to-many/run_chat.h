#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "common/net/command_line.h"
#include "common/net/file_descriptor.h"

/// What every chat program does before its loop, as net::run_server does it for an echo server: `--host` and
/// `--port`, SIGTERM and SIGINT end it with exit code 0, the listener is opened and announced, then `serve`
/// is called. Returns the exit code for main.
int run_chat(
    int argc, char** argv, const std::string& description,
    const std::function<void(net::FileDescriptor listener)>& serve,
    const std::function<void(net::CommandLine&)>& add_options = [](net::CommandLine&) {});

/// The same for a program that bounds what may wait in it for one listener: `--queue-bytes`.
int run_chat_with_queues(
    int argc, char** argv, const std::string& description,
    const std::function<void(net::FileDescriptor listener, std::size_t queue_bytes)>& serve,
    const std::function<void(net::CommandLine&)>& add_options = [](net::CommandLine&) {});
