# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The prompt of shyper on a terminal of 80x24, as somebody at a serial line has
# it. Sourced by cases that put tests/lib/dialogue.sh beside themselves.
. ./dialogue.sh

prompt_log=/tmp/prompt.log

# prompt_start [SECONDS]: until the prompt is there.
prompt_start() {
	cat >$prompt_log.run <<-END
		#!/bin/sh
		stty rows 24 cols 80
		TERM=vt100 exec shyper
	END
	chmod +x $prompt_log.run
	dialogue_start $prompt_log socat -t 1 - EXEC:$prompt_log.run,pty,setsid,ctty,stderr
	dialogue_await "${1:-30}" 'shyper> ' || fail "no prompt"
}

# prompt_type TEXT: as typed, without a newline.
prompt_type() {
	printf '%b' "$1" >&"$dialogue_in"
}

# prompt_result SECONDS: what the line that was typed printed, until the next prompt;
# with an end of line, which what redraws a screen or was interrupted has not.
prompt_result() {
	local LC_ALL=C from=$dialogue_from text line typed=1
	dialogue_await "$1" 'shyper> ' || fail "no prompt after: $(tail -n 5 $prompt_log)"
	dialogue_text "$from"
	text=${text:0:dialogue_from - from - 8}
	while IFS= read -r line; do
		[ $typed = 1 ] || printf '%s\n' "${line//$'\r'/}"
		typed=0
	done <<<"${text%$'\n'}"
}

# prompt_run LINE [SECONDS]
prompt_run() {
	dialogue_send "$1"
	prompt_result "${2:-60}"
}

# prompt_end: leaves the shell by exit.
prompt_end() {
	dialogue_send "${1:-exit}"
	dialogue_end 20 || fail "the shell does not end"
}
