# Short commands that a newcomer can guess. Each makes the virtual environment it needs: nothing but Python 3.11 or
# later, its venv module and a C++ compiler has to be there. `make demo` is the place to start.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
SOURCES := $(shell find engine -name '*.cpp' -o -name '*.h' 2>/dev/null) CMakeLists.txt pyproject.toml constraints.txt

.PHONY: demo build test test-all check format bench docs sanitize test-arm test-amx clean

demo: $(VENV)/runtime ## upscale a photograph three times, without torch
	$(BIN)/python examples/demo.py

# Nearly every test keeps one core busy: a process for each core, and one that has no tests left takes another's.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

test: $(VENV)/develop ## the ordinary suite, some ten minutes on two cores
	$(PYTEST) -m "not heavy"

test-all: test test-engine ## everything, under an hour on two cores
	$(PYTEST) -m heavy

check: $(VENV)/develop ## style, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	find engine -name '*.h' -o -name '*.cpp' | xargs $(BIN)/clang-format --dry-run --Werror
	$(BIN)/python -m pytest tests/architecture

format: $(VENV)/develop ## put every file into the project's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find engine -name '*.h' -o -name '*.cpp' | xargs $(BIN)/clang-format -i

bench: $(VENV)/bench ## the engine beside its peers, on this machine
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/develop ## the reference pages that are made from the code
	$(BIN)/python docs/build.py

build: ## the extension again, after a change to the engine
	@rm -f $(VENV)/runtime $(VENV)/develop
	$(MAKE) $(VENV)/develop

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# What builds the extension goes into the environment itself: no second download at every build.
$(VENV)/tools: constraints.txt | $(BIN)/python
	$(PIP) install -q -c constraints.txt scikit-build-core nanobind cmake ninja
	@touch $@

# What the project needs comes first, each package built its own way; then the project, with the tools above.
NEEDS = $(BIN)/python -c "import sys, tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
  print(*p['dependencies'], *(n for e in sys.argv[1:] for n in p['optional-dependencies'][e]), sep='\n')"
INSTALL = $(PIP) install -q -c constraints.txt -r $(VENV)/needs && \
  $(PIP) install -q --no-build-isolation --no-deps -e .

$(VENV)/runtime: $(SOURCES) | $(VENV)/tools
	$(NEEDS) > $(VENV)/needs && $(INSTALL)
	@touch $@

$(VENV)/develop: $(SOURCES) | $(VENV)/tools
	$(NEEDS) learn dev > $(VENV)/needs && $(INSTALL)
	@touch $@ $(VENV)/runtime

$(VENV)/bench: | $(VENV)/develop
	$(NEEDS) bench > $(VENV)/needs && $(PIP) install -q -c constraints.txt -r $(VENV)/needs
	@touch $@

# The engine's own tests, as programs without Python.
ENGINE_BUILD := cmake -G Ninja -DPELLUCID_PYTHON=OFF -DPELLUCID_TESTS=ON
.PHONY: test-engine
test-engine: $(VENV)/tools
	PATH=$(BIN):$$PATH; $(ENGINE_BUILD) -S . -B build/tests && cmake --build build/tests && ctest --test-dir build/tests --output-on-failure

sanitize: $(VENV)/tools ## the engine's tests under address, undefined-behaviour and thread sanitizers
	PATH=$(BIN):$$PATH; for kind in address,undefined thread; do \
	  $(ENGINE_BUILD) -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPELLUCID_SANITIZE=$$kind -S . -B build/sanitize-$$kind && \
	  cmake --build build/sanitize-$$kind && ctest --test-dir build/sanitize-$$kind --output-on-failure || exit 1; done

test-arm: $(VENV)/tools ## the engine's tests for 64-bit Arm, under emulation (Debian: g++-aarch64-linux-gnu, qemu-user)
	PATH=$(BIN):$$PATH; $(ENGINE_BUILD) -DCMAKE_TOOLCHAIN_FILE=engine/cmake/aarch64.cmake -S . -B build/arm && \
	  cmake --build build/arm && ctest --test-dir build/arm --output-on-failure

test-amx: $(VENV)/tools ## the tests of matrix tiles, under emulation (what that takes: engine/cmake/under_bochs.py)
	$(BIN)/python engine/cmake/under_bochs.py
	PATH=$(BIN):$$PATH; $(ENGINE_BUILD) -DCMAKE_TOOLCHAIN_FILE=engine/cmake/amx.cmake -S . -B build/amx && \
	  cmake --build build/amx --target tiles_check_test tile_convolution_test convolution_test && \
	  PELLUCID_ISA=amx ctest --test-dir build/amx -R 'tiles_check|convolution' --timeout 7200 --output-on-failure

clean:
	rm -rf build demo
