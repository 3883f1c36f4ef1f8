// The part of `pellucid._engine` that trains.
#pragma once

#include <nanobind/nanobind.h>

void add_training(nanobind::module_& m);
