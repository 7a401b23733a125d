#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# root-run gives a script's output, status and files, byte for byte.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

head -c 3000000 /dev/urandom >"$work/in file"
cat >"$work/script" <<-'EOF'
	cat "in file"
	printf 'to stderr\0\r\n' >/dev/stderr
	mkdir /tmp/dir; cp "in file" "/tmp/dir/a b"
	[ "$(pwd)" = /root ] && [ "$(id -u)" = 0 ] || exit 3
	[ "$(systemctl is-system-running)" = running ] || exit 4
	sleep 1000 &
	exit 42
EOF
status=0
"$root_run" --put "$work/in file" --get "/tmp/dir/a b:$work/back" --get /tmp/dir:"$work/dir" \
	"$work/script" >"$work/out" 2>"$work/err" || status=$?
expect_eq status 42 $status
cmp "$work/in file" "$work/out" || fail "stdout differs"
cmp "$work/in file" "$work/back" || fail "the fetched file differs"
cmp "$work/in file" "$work/dir/a b" || fail "the fetched folder differs"
printf 'to stderr\0\r\n' >"$work/wanted"
head -n 1 "$work/err" | cmp - "$work/wanted" || fail "stderr differs"
expect_eq 'lines of stderr' 2 "$(wc -l <"$work/err")"
logs=$(sed -n 's/^root-run: logs: //p' "$work/err")
[ -s "$logs/dmesg.log" ] || fail "no logs in '$logs'"
rm -r "$logs"

# Nothing of root-run's own in a good case; the date is the host's.
echo 'date +%s; : > /var/lib/shyper/mark' >"$work/date"
"$root_run" "$work/date" >"$work/out" 2>"$work/err" || fail "date"
expect_eq stderr '' "$(cat "$work/err")"
off=$(($(date +%s) - $(cat "$work/out")))
[ $off -ge 0 ] && [ $off -lt 60 ] || fail "root's date is $off s behind"
