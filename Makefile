# SPDX-License-Identifier: MIT
#
#   make            build what is missing of the dependencies, ovlrun, ovlinit and ovlctl
#   make demo       the main job, shown on a small tree
#   make check      all tests that need no container engine
#   make install    into PREFIX=/usr/local, setuid root; GROUP=NAME: for that group only; DESTDIR=
#   make uninstall  with the same variables
#   make deb        the same as two Debian packages, in build/: ovlrun, and ovlctl
#   make CTL=no     without ovlctl, the only one that needs libraries (jansson, OpenSSL); so for install, uninstall, deb
#   make help       the other targets

VERSION := 0.1.0
B       := build

# From the command line only: a shell or a Python environment may have variables of these names with another meaning.
PREFIX  := /usr/local
GROUP   :=
CTL     := yes

# What is built, installed and packaged, by the names of packaging/modes.
PACKAGES := ovlrun $(if $(filter-out no,$(CTL)),ovlctl)

# The TCB, by name: everything of ours that is linked into ovlrun, and the headers it is read with.
CORE := error ident stack lowerdir beneath tree mount
RUN  := main diag fault sealed process privs args word accounts idmap image rule policy trusted policy_file audit \
	userns isolate plan plan_print binds dev top upper mount attach names rootfs supervise payload
TCB_SOURCES := $(CORE:%=src/core/%.c) $(RUN:%=src/run/%.c)
TCB_HEADERS := $(wildcard include/ovl/*.h src/run/*.h)

# ovlinit, beside the core.
INIT := main words report early device probe dir upper compose switch onfail
INIT_SOURCES := $(INIT:%=src/init/%.c)
INIT_HEADERS := $(wildcard src/init/*.h)

# ovlctl: an ordinary program with the system's C library, and the core once more for it.
CTL_SOURCES := $(wildcard src/ctl/*.c)
CTL_HEADERS := $(wildcard src/ctl/*.h)

PROBES := $(patsubst tests/probes/%.c,$(B)/probes/%,$(wildcard tests/probes/*.c))
UNITS  := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))

.DELETE_ON_ERROR:
.PHONY: all help demo check check-interop check-boot check-mutants bench tcb lint format format-check probes units clean
.PHONY: install uninstall deb tested

all: $(B)/ovlrun $(B)/ovlinit $(if $(filter ovlctl,$(PACKAGES)),$(B)/ovlctl)

# Written by packaging/deps.sh: where musl, libcap-ng and the kernel's headers are. A goal that
# builds nothing needs none of it.
ifneq ($(filter-out help format format-check tcb clean uninstall,$(or $(MAKECMDGOALS),all)),)
-include $(B)/deps.mk
endif
$(B)/deps.mk: packaging/deps.sh
	packaging/deps.sh build

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wconversion \
	-Wno-sign-conversion -Werror
HARDEN := -fPIE -fstack-protector-strong -ftrivial-auto-var-init=zero -fcf-protection=full \
	-fno-common -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
CFLAGS  := -Os -g
DEFINES := -D_GNU_SOURCE -DOVL_VERSION='"$(VERSION)"'
TCB_CFLAGS = -std=c11 $(WARN) $(CFLAGS) $(HARDEN) $(DEFINES) -Iinclude -Isrc/run $(KERNEL_CFLAGS) -MMD -MP

INIT_CFLAGS = -std=c11 $(WARN) $(CFLAGS) $(HARDEN) $(DEFINES) -Iinclude -Isrc/init $(KERNEL_CFLAGS) -MMD -MP

# musl-gcc -static-pie makes a dynamic executable on Debian: every file is named instead.
comma := ,
STATIC_PIE_START = $(MUSL_LIBDIR)/rcrt1.o $(MUSL_LIBDIR)/crti.o $(GCC_LIBDIR)/crtbeginS.o
STATIC_PIE_END   = $(MUSL_LIBDIR)/libc.a $(GCC_LIBDIR)/libgcc.a $(GCC_LIBDIR)/crtendS.o $(MUSL_LIBDIR)/crtn.o
STATIC_PIE_FLAGS = -nostdlib -static-pie \
	-Wl,--no-dynamic-linker,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--gc-sections,--build-id=none
LINK_STATIC_PIE  = $(CC) $(STATIC_PIE_FLAGS) -o $@ $(STATIC_PIE_START) $(1) $(STATIC_PIE_END)

# Only what reads /proc/PID/status in libcap-ng calls sscanf, and is itself never called (privs.c, MUST 2): without
# musl's scanf and its floating point the file is 10 KiB smaller, and a call would end the program.
NO_SCANF         = -Wl,--defsym,sscanf=abort

$(B)/core/%.o: src/core/%.c | $(B)/deps.mk
	@mkdir -p $(@D)
	$(MUSL_CC) $(TCB_CFLAGS) -c -o $@ $<

$(B)/run/%.o: src/run/%.c | $(B)/deps.mk
	@mkdir -p $(@D)
	$(MUSL_CC) $(TCB_CFLAGS) $(CAPNG_CFLAGS) -c -o $@ $<

$(B)/run/args.o $(B)/fault/run/args.o: src/run/usage.txt

$(B)/libovl.a: $(CORE:%=$(B)/core/%.o)
	@rm -f $@
	ar rcs $@ $^

$(B)/ovlrun.debug: $(RUN:%=$(B)/run/%.o) $(B)/libovl.a $(CAPNG_LIB) packaging/check-binary.sh
	$(call LINK_STATIC_PIE,$(NO_SCANF) $(RUN:%=$(B)/run/%.o) $(B)/libovl.a $(CAPNG_LIB))

# Stripped, and refused if it is not what a setuid file must be.
$(B)/ovlrun: $(B)/ovlrun.debug
	strip -o $@ $<
	packaging/check-binary.sh $@

# Never setuid; the same start files and hardening, no library.
$(B)/init/%.o: src/init/%.c | $(B)/deps.mk
	@mkdir -p $(@D)
	$(MUSL_CC) $(INIT_CFLAGS) -c -o $@ $<

# In as few segments as can be: code and constants together, a page of padding less each, for a budget of 64 KiB.
$(B)/ovlinit.debug: $(INIT:%=$(B)/init/%.o) $(B)/libovl.a packaging/check-binary.sh
	$(call LINK_STATIC_PIE,-Wl$(comma)-z$(comma)noseparate-code $(INIT:%=$(B)/init/%.o) $(B)/libovl.a)

$(B)/ovlinit: $(B)/ovlinit.debug
	strip -o $@ $<
	packaging/check-binary.sh $@

# The objects of errors are taken apart by `check`: never cut, with PATH_MAX for a tree and what a layer has.
CTL_DEFINES = $(DEFINES) -DOVL_ERROR_OBJECT=4608
CTL_CFLAGS = -std=c11 $(WARN) -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE $(CTL_DEFINES) -Iinclude -Isrc/ctl -MMD -MP
CTL_LIBS   = -ljansson -lcrypto

# When its libraries were looked for, and installed where they were missing.
$(B)/ctl.deps: packaging/deps.sh
	packaging/deps.sh ctl || { echo 'make: with CTL=no it does without ovlctl and these' >&2; exit 1; }
	@touch $@

$(B)/ctl/%.o: src/ctl/%.c | $(B)/ctl.deps
	@mkdir -p $(@D)
	$(CC) $(CTL_CFLAGS) -c -o $@ $<
$(B)/ctl/core/%.o: src/core/%.c | $(B)/ctl.deps
	@mkdir -p $(@D)
	$(CC) $(CTL_CFLAGS) -c -o $@ $<
$(B)/ovlctl.debug: $(CTL_SOURCES:src/ctl/%.c=$(B)/ctl/%.o) $(CORE:%=$(B)/ctl/core/%.o)
	$(CC) -pie -Wl,-z,relro,-z,now -o $@ $^ $(CTL_LIBS)
$(B)/ovlctl: $(B)/ovlctl.debug
	strip -o $@ $<

# The same sources with the sanitizers, for tests that hand it anything.
SANITIZE   = -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_CFLAGS = -std=c11 $(WARN) -O1 -g $(SANITIZE) $(CTL_DEFINES) -Iinclude -Isrc/ctl -MMD -MP

$(B)/san/%.o: src/%.c | $(B)/ctl.deps
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) -c -o $@ $<
$(B)/san/ovlctl: $(CTL_SOURCES:src/%.c=$(B)/san/%.o) $(CORE:%=$(B)/san/core/%.o)
	$(CC) $(SANITIZE) -o $@ $^ $(CTL_LIBS)

# The same program with fault points, for tests; check-binary.sh refuses it.
$(B)/fault/%.o: src/%.c | $(B)/deps.mk
	@mkdir -p $(@D)
	$(MUSL_CC) $(TCB_CFLAGS) -DOVL_FAULT_POINTS $(CAPNG_CFLAGS) -c -o $@ $<
$(B)/fault/ovlrun: $(TCB_SOURCES:src/%.c=$(B)/fault/%.o) $(CAPNG_LIB)
	$(call LINK_STATIC_PIE,$(NO_SCANF) $^)

probes: $(PROBES)
$(B)/probes/%: tests/probes/%.c | $(B)/deps.mk
	@mkdir -p $(@D)
	$(MUSL_CC) -std=c11 -Wall -Wextra -Werror -O2 -fPIE $(DEFINES) $(KERNEL_CFLAGS) -c -o $@.o $<
	$(call LINK_STATIC_PIE,$@.o)

# Unit tests: the same sources under the system's libc with the sanitizers.
UNIT_CFLAGS := -std=c11 -Wall -Wextra -Werror -O1 -g -fsanitize=address,undefined \
	-fno-sanitize-recover=all $(DEFINES) -Iinclude -Isrc/run -Isrc/init
UNIT_SOURCES := $(addprefix src/core/,error.c ident.c stack.c lowerdir.c) \
	$(addprefix src/run/,args.c word.c accounts.c idmap.c image.c rule.c policy.c plan.c plan_print.c diag.c) \
	$(addprefix src/init/,words.c probe.c)
units: $(UNITS)
# The sink, with the test's own mount and syscall in place of the C library's.
$(B)/unit/test_mount_sink: UNIT_SOURCES += src/core/mount.c
$(B)/unit/test_mount_sink: src/core/mount.c
$(B)/unit/%: tests/unit/%.c tests/unit/unit.h $(UNIT_SOURCES) src/run/usage.txt $(TCB_HEADERS) $(INIT_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -o $@ $< $(UNIT_SOURCES) -lcmocka

# What goes where, whose and with which mode: packaging/modes.
INSTALL = DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' GROUP='$(GROUP)' packaging/install.sh
install: all
	$(INSTALL) install $(PACKAGES)
uninstall:
	$(INSTALL) uninstall $(PACKAGES)

deb: all
	$(if $(filter ovlctl,$(PACKAGES)),packaging/deps.sh deb)
	packaging/debian/build $(VERSION) $(PACKAGES)

demo: $(B)/deps.mk
	packaging/deps.sh build demo
	$(MAKE) --no-print-directory all
	tests/demo

check: $(B)/deps.mk
	packaging/deps.sh build check
	$(MAKE) --no-print-directory tested
	tests/run unit bats

# All that the tests run.
tested: all probes units $(B)/fault/ovlrun $(B)/ovlctl $(B)/san/ovlctl

check-interop: $(B)/deps.mk
	packaging/deps.sh build interop
	$(MAKE) --no-print-directory tested
	tests/run interop

check-boot: $(B)/deps.mk
	packaging/deps.sh build boot
	$(MAKE) --no-print-directory tested
	tests/run boot

check-mutants: $(B)/deps.mk
	packaging/deps.sh build check
	$(MAKE) --no-print-directory tested
	tests/run mutants

bench: $(B)/deps.mk
	packaging/deps.sh build bench
	$(MAKE) --no-print-directory all
	tests/bench/launch.sh
	tests/bench/policy.sh
	tests/bench/many.sh

tcb:
	packaging/tcb.sh 4150 $(TCB_SOURCES) $(TCB_HEADERS)
	packaging/tcb.sh 1350 $(INIT_SOURCES) $(INIT_HEADERS)
	packaging/tcb.sh 7300 $(CTL_SOURCES) $(CTL_HEADERS)

# The same sources through clang, with musl's headers.
MUSL_INCDIR = $(dir $(filter %/stdio.h,$(shell $(MUSL_CC) -M -include stdio.h -xc /dev/null)))
lint: $(B)/deps.mk $(B)/ctl.deps
	clang -fsyntax-only -nostdlibinc -isystem $(MUSL_INCDIR) $(KERNEL_CFLAGS) $(CAPNG_CFLAGS) -std=c11 \
		$(WARN) $(DEFINES) -Iinclude -Isrc/run $(TCB_SOURCES)
	clang -fsyntax-only -nostdlibinc -isystem $(MUSL_INCDIR) $(KERNEL_CFLAGS) -std=c11 \
		$(WARN) $(DEFINES) -Iinclude -Isrc/init $(INIT_SOURCES)
	clang -fsyntax-only -std=c11 $(WARN) $(CTL_DEFINES) -Iinclude -Isrc/ctl $(CTL_SOURCES)

FORMATTED = $(shell git ls-files --cached --others --exclude-standard -- '*.c' '*.h')
format:
	clang-format -i $(FORMATTED)
format-check:
	clang-format --dry-run -Werror $(FORMATTED)

clean:
	rm -rf $(B)

help:
	@sed -n 's/^#   make/  make/p' Makefile
	@echo '  make check-interop   the same launches on trees of a real Docker and a real Podman'
	@echo '  make check-boot      boots machines in qemu with ovlinit, and runs tests of ovlrun in one, on an older kernel'
	@echo '  make check-mutants   takes one defence out at a time: some test must notice'
	@echo '  make bench           launch times as ratios to a bare C program and to bubblewrap'
	@echo '  make tcb             lines of code of each program, against its budget'
	@echo '  make lint, format, format-check, clean'

-include $(wildcard $(B)/core/*.d $(B)/run/*.d $(B)/init/*.d $(B)/ctl/*.d $(B)/ctl/core/*.d $(B)/fault/*/*.d $(B)/san/*/*.d)
