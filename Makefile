# Builds sockshim with cargo, and installs it.
#
#   make                                       builds what has changed
#   make install PREFIX=/usr/local DESTDIR=    installs what is built; builds it if there is nothing
#   make uninstall                             takes it away again, with the same variables
#
# `make install` does not look whether the build is old, because root, who may install, often has no cargo.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
# The command finds the libraries in lib/sockshim and in lib/x86_64-linux-gnu/sockshim of the prefix that it is in. Nothing is
# linked with them, so they are not beside libraries of which that is true.
LIBDIR ?= $(PREFIX)/lib/sockshim
DATADIR ?= $(PREFIX)/share
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(DATADIR)/man/man1
DOCDIR ?= $(DATADIR)/doc/sockshim
BASHDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR ?= $(DATADIR)/zsh/site-functions
FISHDIR ?= $(DATADIR)/fish/vendor_completions.d

CARGO ?= cargo
# It puts a new file in the place of an old one, so programs that have the old library loaded keep it.
INSTALL ?= install
CARGO_TARGET_DIR ?= target

release = $(CARGO_TARGET_DIR)/release
# What the command writes about itself: man pages and completions.
pages = $(release)/pages
packages = -p sockshim-cli -p sockshim-preload -p sockshim-rulefile -p sockshim-kmod -p sockshim-can -p sockshim-can-engine
# What must be beside libsockshim.so: it reads rules, hosts modules, and has AF_CAN.
libraries = libsockshim.so libsockshim_rulefile.so libsockshim_kmod.so libsockshim_can.so
engines = sockshim-can-engine

.PHONY: all install uninstall

all:
	$(CARGO) build --release --locked $(packages)
	rm -rf "$(pages)"
	"$(release)/sockshim" generate "$(pages)"

$(pages):
	$(MAKE) all

install: | $(pages)
	$(INSTALL) -D -m 755 "$(release)/sockshim" "$(DESTDIR)$(BINDIR)/sockshim"
	$(INSTALL) -D -m 644 -t "$(DESTDIR)$(LIBDIR)" $(libraries:%="$(release)/%")
	$(INSTALL) -D -m 755 -t "$(DESTDIR)$(LIBDIR)" $(engines:%="$(release)/%")
	$(INSTALL) -D -m 644 src/module/include/sockshim/module.h "$(DESTDIR)$(INCLUDEDIR)/sockshim/module.h"
	$(INSTALL) -D -m 644 -t "$(DESTDIR)$(MANDIR)" "$(pages)"/*.1
	$(INSTALL) -D -m 644 "$(pages)/sockshim.bash" "$(DESTDIR)$(BASHDIR)/sockshim"
	$(INSTALL) -D -m 644 -t "$(DESTDIR)$(ZSHDIR)" "$(pages)/_sockshim"
	$(INSTALL) -D -m 644 -t "$(DESTDIR)$(FISHDIR)" "$(pages)/sockshim.fish"
	$(INSTALL) -D -m 644 -t "$(DESTDIR)$(DOCDIR)" README.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT
	$(INSTALL) -D -m 644 -t "$(DESTDIR)$(DOCDIR)/docs" docs/*.md
# Of the crates that are linked in: who passes the programs on must pass it on too, so scripts/release.sh makes it.
	test ! -f "$(pages)/NOTICES" || $(INSTALL) -m 644 -t "$(DESTDIR)$(DOCDIR)" "$(pages)/NOTICES"

# Directories that others use too stay.
uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/sockshim"
	rm -f $(libraries:%="$(DESTDIR)$(LIBDIR)/%") $(engines:%="$(DESTDIR)$(LIBDIR)/%")
	rm -rf "$(DESTDIR)$(INCLUDEDIR)/sockshim"
	rm -f "$(DESTDIR)$(MANDIR)/sockshim.1" "$(DESTDIR)$(MANDIR)"/sockshim-*.1
	rm -f "$(DESTDIR)$(BASHDIR)/sockshim" "$(DESTDIR)$(ZSHDIR)/_sockshim" "$(DESTDIR)$(FISHDIR)/sockshim.fish"
	rm -rf "$(DESTDIR)$(DOCDIR)"
	case "$(LIBDIR)" in */sockshim) test ! -d "$(DESTDIR)$(LIBDIR)" || rmdir "$(DESTDIR)$(LIBDIR)" ;; esac
