#pragma once

#include <zerobuffer/config.hpp>
#include <zerobuffer/duplex.hpp>
#include <zerobuffer/error.hpp>
#include <zerobuffer/layout.hpp>
#include <zerobuffer/point.hpp>
#include <zerobuffer/reader.hpp>
#include <zerobuffer/version.hpp>
#include <zerobuffer/writer.hpp>
