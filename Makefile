# The multiplexing lab. `make` alone prints the targets; a line that starts with `##` is a target's help.

CXX := g++
PROFILE := quick
SEED := 1
PAIRS := 16
# Where everything built goes. Another place for another kind of build, so that they don't mix:
#   make build BUILD=build/asan SANITIZE=address,undefined
BUILD := build
# Sanitizers for this build, comma-separated, as -fsanitize= takes them.
SANITIZE :=
# -Werror in CI.
EXTRA_FLAGS :=

# For a debugger: OPTIMIZE='-O0 -g' (with -g everything takes half as long again).
OPTIMIZE := -O2
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
CXXFLAGS := -std=c++20 $(OPTIMIZE) $(WARNINGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer) $(EXTRA_FLAGS)
CPPFLAGS := -I. -MMD -MP
# As needed: a program depends on the libraries that it uses, not on those that its neighbours use.
LDLIBS = -Wl,--as-needed -lfmt -lz $(if $(HAS_LIBURING),-luring) -pthread

BIN := $(BUILD)/bin
# Objects of common code, by room. A source file of a lab that has a header of its name is a part of its lab's programs;
# every other is a program. It is linked with what it uses of its lab's parts and of the rooms for labs: archives, so
# that a server holds no codec.
sources = $(filter-out %_test.cpp,$(wildcard common/$(1)/*.cpp))
objects = $(patsubst %.cpp,$(BUILD)/obj/%.o,$(1))
LAB_ROOMS := net kernel terminal framing demonstration timeline
LAB_OBJECTS := $(foreach room,$(LAB_ROOMS),$(call objects,$(call sources,$(room))))
FOR_LABS := $(BUILD)/obj/for-labs.a
TESTING := $(call objects,$(call sources,testing))
HARNESS := $(filter-out %/main.o,$(call objects,$(call sources,harness) $(call sources,harness/*)))
BENCH := $(call objects,$(filter-out %-echo.cpp,$(call sources,bench)))
# liburing is optional: without it the labs of the servers that need it have no program, and others lack the programs
# that include it.
HAS_LIBURING := $(shell $(CXX) -include liburing.h -x c++ -E /dev/null >/dev/null 2>&1 && echo yes)
NEED_LIBURING := $(shell sed -nE 's/^[^,]*,([^,]*),liburing,.*/labs\/\1-%/p' common/harness/servers.csv) \
  $(shell grep -l '^#include <liburing.h>' labs/*/*.cpp)
LAB_FILES := $(filter-out %_test.cpp $(if $(HAS_LIBURING),,$(NEED_LIBURING)),$(wildcard labs/*/*.cpp))
LAB_PARTS := $(filter $(patsubst %.h,%.cpp,$(wildcard labs/*/*.h)),$(LAB_FILES))
LAB_SOURCES := $(filter-out $(LAB_PARTS),$(LAB_FILES))
# The archives of all labs that have parts, or of the labs that are named.
LABS_WITH_PARTS := $(sort $(patsubst %/,%,$(dir $(LAB_PARTS))))
archives = $(patsubst %,$(BUILD)/obj/%.a,$(filter $(1),$(LABS_WITH_PARTS)))
LAB_PROGRAMS := $(patsubst %.cpp,$(BIN)/%,$(notdir $(LAB_SOURCES)))
TEST_SOURCES := $(wildcard common/*/*_test.cpp common/*/*/*_test.cpp labs/*/*_test.cpp)
# The judge's negative controls: servers with one fault.
FAULTY := common/harness/judging/faulty
FAULTY_PROGRAMS := $(patsubst $(FAULTY)/%.cpp,$(BUILD)/test/%,$(wildcard $(FAULTY)/faulty-*.cpp))
FAULTY_SOURCES := $(wildcard $(FAULTY)/*.cpp)
ALL_OBJECTS := $(call objects,$(LAB_SOURCES) $(LAB_PARTS) $(TEST_SOURCES) $(FAULTY_SOURCES)) $(LAB_OBJECTS) $(TESTING) $(HARNESS) $(BENCH) $(BUILD)/obj/common/harness/main.o

# The tests that have this word in their name or file; all without it.
ONLY :=
# How often `make test-often` runs them.
TIMES := 20

# How long each decoder is fuzzed, in seconds.
SECONDS := 30
CODECS := fixed delimiter length-prefix content-length
FUZZERS := $(addprefix $(BUILD)/fuzz/,$(CODECS))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The Python that has what the charts and the guide need.
FIND_PYTHON := common/setup/find-python.sh matplotlib rich

# Parallel builds, one job a core, unless the user said how many.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: help
help: ## print this help
	@echo "The multiplexing lab: what waiting for many clients costs, and where it breaks."
	@echo
	@sed -nE 's/^([a-z%-]+):.*## (.*)/\1|\2/p' Makefile | sed 's/%/NN/' | \
	  awk -F'|' '{printf "  make %-11s %s\n", $$1, $$2}'
	@echo
	@echo "  make course PROFILE=full   wider, much longer; SEED=N: another order of runs"
	@echo "  make course RESUME=1       goes on after an interruption"
	@echo "  make lab-02 FROM=14        goes to step 14; RESTART=1 forgets all guesses"

.PHONY: deps
deps: ## install what is missing (Debian; needs root only then)
	@CXX="$(CXX)" common/setup/install-packages.sh

.PHONY: taste
taste: deps ## two minutes: one silent client, two servers, who waits?
	@$(MAKE) --no-print-directory $(PARALLEL) taste-programs
	@"$$($(FIND_PYTHON))" -m common.taste $(BIN)

.PHONY: build
build: deps ## build every program into build/bin/
	@$(MAKE) --no-print-directory $(PARALLEL) programs

.PHONY: course
course: build ## build, run the labs on real sockets, draw the charts
	@"$$($(FIND_PYTHON))" -m common.course $(BIN) '$(PROFILE)' '$(SEED)' $(if $(RESUME),--resume)

# Builds what the lab's handout names in its commands: a server that is given to the harness, too.
lab-%: deps ## step through lab NN in the terminal, as in `make lab-07`
	@$(MAKE) --no-print-directory $(PARALLEL) named-in-lab-$*
	@"$$($(FIND_PYTHON))" -m common.guide lab $* $(if $(FROM),--from '$(FROM)') $(if $(RESTART),--restart)

.PHONY: progress
progress: deps ## which labs are done, started, open
	@"$$($(FIND_PYTHON))" -m common.guide progress

.PHONY: report
report: deps ## draw the charts again from what is in results/
	@"$$($(FIND_PYTHON))" -m plots

.PHONY: own
own: build ## judge, measure and draw your own: SERVER="COMMAND" (15)
	@common/setup/run-own.sh $(BIN) $(PROFILE) $(SEED)

.PHONY: handouts
handouts: build ## run all handouts' commands and compare what they print
	@"$$($(FIND_PYTHON))" -m common.guide handouts

.PHONY: doctor
doctor: ## what this machine has and lacks, the cost, the cure
	@python=$$($(FIND_PYTHON) 2>/dev/null || common/setup/find-python.sh sys) && "$$python" -m common.guide.doctor

.PHONY: test
test: build ## run all tests; ONLY=word: those with it in name or file
	@$(MAKE) --no-print-directory $(PARALLEL) $(BUILD)/test/common-tests faulty-servers
	@common/setup/run-tests.sh $(BUILD) '$(ONLY)'

.PHONY: test-often
test-often: build ## run all tests TIMES=20 times; BUSY=1: beside two busy loops
	@$(MAKE) --no-print-directory $(PARALLEL) $(BUILD)/test/common-tests faulty-servers
	@"$$($(FIND_PYTHON) pytest xdist)" -m common.testing.often $(BUILD) --only '$(ONLY)' $(if $(BUSY),--busy) -- '$(TIMES)'

.PHONY: clean-room
clean-room: ## README in a bare Debian tree, timed; POOR=1: a poor machine
	@common/setup/clean-room.sh $(BUILD) $(POOR)

.PHONY: faulty-servers
faulty-servers: $(FAULTY_PROGRAMS) # the judge's negative controls

.PHONY: bench
bench: build ## compare with public counterparts (PAIRS=16 pairs a ratio)
	@$(MAKE) --no-print-directory $(PARALLEL) bench-programs
	@$(BIN)/bench --pairs $(PAIRS) --seed $(SEED)

.PHONY: fuzz
fuzz: ## feed each decoder what a fuzzer thinks up (SECONDS=30)
	@$(MAKE) --no-print-directory $(PARALLEL) $(FUZZERS)
	@for codec in $(CODECS); do \
	  echo "fuzz $$codec, $(SECONDS) seconds"; \
	  mkdir -p $(BUILD)/fuzz/corpus/$$codec; cases=common/framing/fuzz/cases/$$codec; log=$(BUILD)/fuzz/$$codec.log; \
	  $(BUILD)/fuzz/$$codec -max_total_time=$(SECONDS) -max_len=9000 -artifact_prefix=$$cases/ \
	    $(BUILD)/fuzz/corpus/$$codec $$cases >$$log 2>&1 || { tail -n 40 $$log; exit 1; }; \
	  tail -n 1 $$log; \
	done

.PHONY: format
format: ## lay out all code (clang-format, black; CHECK=1 only looks)
	@git ls-files '*.cpp' '*.h' '*.c' | xargs clang-format $(if $(CHECK),--dry-run --Werror,-i)
	@git ls-files '*.py' | xargs black --quiet --line-length 110 $(if $(CHECK),--check --diff)

.PHONY: tidy
tidy: ## clang-tidy over all C++, mypy over all Python: minutes
	@common/setup/check-types.sh $(BUILD)
	@$(MAKE) --no-print-directory $(BUILD)/compile_commands.json
	@printf '%s\n' $(patsubst $(BUILD)/obj/%.o,%.cpp,$(ALL_OBJECTS)) | nice xargs -P $$(nproc) -n 4 clang-tidy --quiet -p $(BUILD)

.PHONY: clean
clean: ## remove what was built (results/ stays)
	rm -rf $(BUILD)

# ---- how things are built ----------------------------------------------------------------------------------------

WITH_HARNESS := $(BIN)/harness $(BIN)/servers.csv $(BIN)/chat_rooms.csv $(BIN)/build.json
.PHONY: programs
programs: $(LIBRARIES) $(LAB_PROGRAMS) $(WITH_HARNESS) $(BUILD)/compile_commands.json

.PHONY: taste-programs
taste-programs: $(BIN)/blocking-loop $(BIN)/epoll $(WITH_HARNESS)
	@:

# The words of a handout's command blocks that are names of programs.
named_in = $(addprefix $(BIN)/,$(shell sed -n '/^```sh/,/^```$$/p' labs/$(1)-*/README.md 2>/dev/null | grep -oE '[a-z0-9][a-z0-9-]*' | sort -u))
.SECONDEXPANSION:
named-in-lab-%: $$(filter $(LAB_PROGRAMS),$$(call named_in,$$*)) $$(if $$(filter $(BIN)/harness,$$(call named_in,$$*)),$(WITH_HARNESS))
	@:

define lab_program
$(BIN)/$(basename $(notdir $(1))): $(call objects,$(1)) $(call archives,$(patsubst %/,%,$(dir $(1)))) $(FOR_LABS)
endef
$(foreach source,$(LAB_SOURCES),$(eval $(call lab_program,$(source))))
$(foreach lab,$(LABS_WITH_PARTS),$(eval $(call archives,$(lab)): $(call objects,$(filter $(lab)/%,$(LAB_PARTS)))))

$(BIN)/harness: $(BUILD)/obj/common/harness/main.o $(HARNESS) $(FOR_LABS)
$(BUILD)/test/common-tests: $(call objects,$(TEST_SOURCES)) $(call archives,labs/%) $(TESTING) $(filter-out %/main.o,$(BENCH)) $(HARNESS) $(FOR_LABS)
$(BUILD)/test/faulty-epoll: $(BUILD)/obj/$(FAULTY)/epoll_server.o
$(FAULTY_PROGRAMS): $(BUILD)/test/%: $(BUILD)/obj/$(FAULTY)/%.o $(FOR_LABS)

$(LAB_PROGRAMS) $(BIN)/harness $(BIN)/bench $(BUILD)/test/common-tests $(FAULTY_PROGRAMS):
	@mkdir -p $(@D)
	@echo "link $@"
	@$(CXX) $(CXXFLAGS) -o $@ $^ $(LDLIBS)

$(FOR_LABS): $(LAB_OBJECTS)
$(FOR_LABS) $(call archives,labs/%):
	@rm -f $@
	@ar rcs $@ $^

# The benchmark, and the servers in C that it compares with. A counterpart whose library isn't installed is left out.
.PHONY: bench-programs
bench-programs: $(BIN)/bench $(BUILD)/bench/minimal-epoll $(BUILD)/bench/minimal-room $(BUILD)/bench/libuv-echo $(BUILD)/bench/asio-echo

$(BIN)/bench: $(BENCH) $(HARNESS) $(FOR_LABS)

$(BUILD)/bench/libuv-echo: BENCH_LIBS := -luv
$(BUILD)/bench/%: common/bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@if grep -q '<uv.h>' $< && ! echo '#include <uv.h>' | $(CXX) -x c -E - >/dev/null 2>&1; then \
	  echo "left out $@: uv.h not found (Debian's package: libuv1-dev)"; \
	else echo "build $@" && $(CXX) -x c -std=gnu11 $(OPTIMIZE) $(WARNINGS) $(EXTRA_FLAGS) -o $@ $< $(BENCH_LIBS); fi

# Without the warnings: its header gives some of its own.
$(BUILD)/bench/asio-echo: common/bench/asio-echo.cpp $(BUILD)/flags
	@mkdir -p $(@D)
	@if $(CXX) -include asio.hpp -std=c++20 -x c++ -E /dev/null >/dev/null 2>&1; then \
	  echo "build $@" && $(CXX) -std=c++20 $(OPTIMIZE) -o $@ $< -pthread; \
	else echo "left out $@: asio.hpp not found (Debian's package: libasio-dev)"; fi

# What most files include is compiled once: that halves the work. g++ and clang++ look for it under different names.
OFTEN_INCLUDED := $(BUILD)/often_included.h
PRECOMPILED := $(OFTEN_INCLUDED).$(if $(findstring clang,$(CXX)),pch,gch)
$(PRECOMPILED): common/setup/often_included.h $(BUILD)/flags
	@echo "compile $<"
	@cp $< $(OFTEN_INCLUDED)
	@$(CXX) $(CXXFLAGS) -x c++-header -o $@ $<

# The two files that stand for a whole library each take the longest; what they do, nobody waits for. They are compiled
# while the rest waits for the header.
FROM_LIBRARY := -include $(OFTEN_INCLUDED)
LIBRARIES := $(call objects,common/net/command_line.cpp common/harness/records/json.cpp)

# Servers and the load generator are what is measured. The rest of the harness waits, starts and writes: a quarter less to
# compile.
$(filter-out $(call objects,$(call sources,harness/load)),$(HARNESS) $(BUILD)/obj/common/harness/main.o): FROM_LIBRARY += $(if $(filter -O2,$(OPTIMIZE)),-O1)
$(LIBRARIES): FROM_LIBRARY := -O0

$(BUILD)/obj/%.o: %.cpp $(BUILD)/flags | $$(if $$(filter $$@,$(LIBRARIES)),,$(PRECOMPILED))
	@mkdir -p $(@D)
	@echo "compile $<"
	@$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(FROM_LIBRARY) -c -o $@ $<

# Changes when a source file comes or goes, and only then.
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(ALL_OBJECTS)' | cmp -s - $@ || echo '$(ALL_OBJECTS)' > $@

# Changes when the compiler or the flags do, and only then: a build never mixes two kinds of objects.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CXX) $(CXXFLAGS)' | cmp -s - $@ || echo '$(CXX) $(CXXFLAGS)' > $@

$(BIN)/build.json: FORCE
	@common/setup/describe-build.sh $@ "$(CXX)" "$(CXXFLAGS)" "$(SANITIZE)"

$(BIN)/%.csv: common/harness/%.csv
	@mkdir -p $(@D)
	@cp $< $@

# One program a codec. Found inputs go to the corpus in the build folder; one that breaks a decoder, to the kept cases.
$(FUZZERS): $(BUILD)/fuzz/%: common/framing/fuzz/decoder_fuzz.cpp $(call sources,framing) common/net/printable.cpp \
    $(wildcard common/framing/*.h common/framing/fuzz/*.h)
	@mkdir -p $(@D)
	@echo "link $@"
	@clang++ -std=c++20 -O1 -g $(WARNINGS) $(EXTRA_FLAGS) -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	  -DCODEC='"$*"' -o $@ $(filter %.cpp,$^) -lfmt

# For clangd, clang-tidy and editors, which look for it in build/.
$(BUILD)/compile_commands.json: Makefile $(BUILD)/flags $(BUILD)/sources
	@{ echo '['; separator=; for object in $(ALL_OBJECTS); do \
	  source=$${object#$(BUILD)/obj/}; source=$${source%.o}.cpp; \
	  printf '%s{"directory": "%s", "file": "%s", "command": "%s"}\n' \
	    "$$separator" "$(CURDIR)" "$$source" "$(CXX) -I. $(CXXFLAGS) -c $$source"; separator=,; \
	done; echo ']'; } > $@

.PHONY: FORCE
FORCE:

-include $(ALL_OBJECTS:.o=.d)
