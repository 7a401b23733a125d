#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# hvisor(4) knows the calls, structures and errors of /dev/hvisor: those of the
# header, of docs/ABI and of the module, no more and no less.
. tests/system/lib/check.sh
page=docs/man/hvisor.4 header=include/hvisor/ioctl.h abi=docs/ABI/testing/dev-hvisor

mandoc -T lint -W warning $page || fail "mandoc finds faults in $page"
echo "ok lint"

# same WHAT A B: the same words, one a line.
same() {
	diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") || fail "$1 differ"
	[ -n "$2" ] || fail "$1: there are none"
}

calls=$(sed -nE 's/^#define (HVISOR_[A-Z_]+)\s+_IO[WR]*\(HVISOR_IOC.*/\1/p' $header | sort)
same "calls of page and header" \
	"$(sed -n 's/^\.It Dv \(HVISOR_[A-Z_]*\) Pq.*/\1/p' $page | sort)" "$calls"
same "calls of docs/ABI and header" \
	"$(sed -n 's/^\t\t\(HVISOR_[A-Z_]*\)  .*/\1/p' $abi | sort)" "$calls"
same "calls of module and header" \
	"$(sed -n 's/^\t{ \(HVISOR_[A-Z_]*\), ROLE.*/\1/p' kmod/chardev.c | sort)" "$calls"
echo "ok calls"

# structures FILE: their definitions, without comments, in the order of names.
structures() {
	sed -n '/^struct hvisor_[a-z_]* {/,/^};/p' "$1" | tr '\n' '@' |
		sed 's/};@/};\n/g' | sort
}
same "structures of page and header" "$(structures $page)" "$(structures $header)"
echo "ok structures"

# What the module gives is its own, that of the hypervisor behind it (ESTALE is its
# alone), or the kernel's: EMFILE, which get_unused_fd_flags() makes. Of an
# interrupted read the kernel makes EINTR.
gives=$({
	grep -rhoE --include='*.c' -e '-E[A-Z0-9]+\b' kmod hypervisor
	echo -EMFILE
} | sed 's/^-//; s/ERESTARTSYS/EINTR/' | sort -u)
errors=$(sed -n '/^\.Sh ERRORS/,/^\.Sh /s/^\.It Er //p' $page)
same "errors of page and module" "$(sort -u <<<"$errors")" "$gives"
same "errors of docs/ABI and page" \
	"$(sed -nE 's/^\t\t-(E[A-Z0-9]+) .*/\1/p' $abi | sort)" "$(sort <<<"$errors")"
echo "ok errors"
