# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A dialogue with a program as on a terminal, without expect; sourced.

dialogue=

# dialogue_start LOG COMMAND...: its output goes to LOG, `dialogue` is its pid.
dialogue_start() {
	dialogue_log=$1 dialogue_from=1
	shift
	: >"$dialogue_log"
	exec {dialogue_in}> >(exec "$@" >"$dialogue_log" 2>&1)
	dialogue=$!
}

# dialogue_text FROM: what it printed from there on, in $text; a NUL counts for a byte.
dialogue_text() {
	local part
	text=
	while IFS= read -r -d '' part; do
		text+=$part$'\1'
	done <"$dialogue_log"
	text+=$part
	text=${text:$1-1}
}

# dialogue_await SECONDS TEXT: until TEXT comes after what was awaited before. No
# process looks for it: under emulation each takes a tenth of a second.
dialogue_await() {
	local LC_ALL=C end=$((SECONDS + $1)) text line
	until dialogue_text "$dialogue_from" && [[ $text == *"$2"* ]]; do
		[ $SECONDS -lt $end ] || { echo "'$2' did not come in $1 s" >&2; return 1; }
		[ -d "/proc/$dialogue" ] || { echo "ended before '$2'" >&2; return 1; }
		sleep 0.2
	done
	# In its line: for each byte before it bash looks at all behind it.
	while IFS= read -r line && [[ $line != *"$2"* ]]; do
		dialogue_from=$((dialogue_from + ${#line} + 1))
	done <<<"$text"
	line=${line%%"$2"*}
	dialogue_from=$((dialogue_from + ${#line} + ${#2}))
}

dialogue_send() {
	printf '%s\n' "$1" >&"$dialogue_in"
}

# dialogue_end SECONDS: until the program has ended by itself.
dialogue_end() {
	local end=$((SECONDS + $1))
	while [ -d "/proc/$dialogue" ]; do
		[ $SECONDS -lt $end ] || { echo "did not end in $1 s" >&2; return 1; }
		sleep 0.2
	done
	exec {dialogue_in}>&-
}

dialogue_kill() {
	[ -z "$dialogue" ] || kill "$dialogue" 2>/dev/null || true
}
