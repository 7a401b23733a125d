#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# The manual pages of the commands are sound, are installed, and refer to pages
# that exist. That shyper(1) has the verbs of shyper is for unit/test_commands to say.
. tests/system/lib/check.sh

cd docs/man || fail "no pages"
for page in shyper.1 shyper-backend.8; do
	mandoc -T lint -W warning "$page" || fail "mandoc finds faults in $page"
	[ -e "$build/product/usr/share/man/man${page##*.}/$page" ] || fail "$page is not installed"
done
echo "ok lint"

# Of ours: those that begin with shyper or hvisor.
while read -r _ name section _; do
	[ -e "$name.$section" ] || fail "no page $name($section)"
done < <(grep -hE '^\.Xr (shyper|hvisor)' ./*.[1-8] | sort -u)
echo "ok references"
