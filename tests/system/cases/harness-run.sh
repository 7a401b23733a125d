#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# tests/run counts what passed and failed and fails if something did; `make test`,
# which .ci/run calls, sets up what is missing and runs it; unit tests are built
# with ASan and UBSan.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/unit" "$work/bin"
for name in one two; do
	printf '#!/bin/sh\necho "[       OK ] part_of_%s"\n' $name >"$work/unit/$name"
done
chmod +x "$work/unit"/*
run() {
	SHYPER_BUILD=$work tests/run 'unit/*' >"$work/out"
}
expect_status 0 run
expect_eq 'last line' '2 passed, 0 failed' "$(tail -n 1 "$work/out")"
expect_eq 'what ran' 'unit/one unit/one/part_of_one unit/two unit/two/part_of_two' \
	"$(sort "$work/test-results.txt" | xargs)"
echo 'exit 1' >>"$work/unit/two"
expect_status 1 run
expect_eq 'last line' '1 passed, 1 failed' "$(tail -n 1 "$work/out")"
grep -q 'FAIL.*unit/two' "$work/out" || fail "the one that failed is not told"
rm "$work/unit"/*
expect_status 1 run
echo "ok counts"

make -n test >"$work/commands" 2>&1
for command in scripts/host-packages scripts/mk-sysroot scripts/mk-kernel scripts/mk-root-tree \
	scripts/mk-cell-tree scripts/mk-data-image scripts/mk-root-image tests/run; do
	grep -q "$command" "$work/commands" || fail "make test does not call $command"
done
printf '#!/bin/sh\necho "CI=$CI make $*"\n' >"$work/bin/make"
chmod +x "$work/bin/make"
expect_eq '.ci/run' 'CI=true make test' "$(PATH=$work/bin:$PATH .ci/run)"
echo "ok make-test"

for test in build/unit/test_*; do
	nm "$test" >"$work/symbols"
	grep -q __asan_init "$work/symbols" && grep -q __ubsan_handle "$work/symbols" ||
		fail "$test has no sanitizers"
done
echo "ok sanitizers"
