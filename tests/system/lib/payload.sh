# SPDX-License-Identifier: GPL-2.0-or-later
#
# Cells with a bare-metal payload of tests/guests. Sourced by bash after cell.sh.

# payload_config CELL PAYLOAD CPUS: 16 MiB, virtio device 0, the echo region.
payload_config() {
	cat >"$1.json" <<-END
		{ "version": 1, "name": "$1", "cpus": $3, "memory": "16M",
		  "boot": { "kernel": "$PWD/$2.img" }, "restart": "never",
		  "devices": [ { "type": "console", "name": "con0" },
			       { "type": "echo", "name": "echo0", "length": "4K" } ] }
	END
}

payload_create() {
	payload_config "$@"
	shyper cell create "$1.json" >/dev/null || fail "$1: create"
}

payload_start() {
	shyper cell start "$1" >/dev/null || fail "$1: start"
}

payload_destroy() {
	shyper cell destroy "$1" >/dev/null || fail "$1: destroy"
}

# payload_says CELL REGEX
payload_says() {
	shyper cell log "$1" | grep -q -- "$2"
}

# payload_verdict CELL PAYLOAD SECONDS: it says that all is well.
payload_verdict() {
	wait_until "$3" payload_says "$1" "^\(not \)\?ok $2"
	shyper cell log "$1"
	payload_says "$1" "^ok $2" || fail "$1: verdict"
}
