#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# The set-up takes Debian's own sources from the host's lists, in both forms of
# such lists, and no third party's.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/sources.list.d"

cat >"$work/sources.list" <<-'EOF'
	# deb http://off.example/debian bookworm main
	deb http://one.example/debian bookworm main contrib
	deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://two.example/debian bookworm-updates main
	deb-src http://src.example/debian bookworm main
EOF
cat >"$work/sources.list.d/other.list" <<-'EOF'
	deb [arch=amd64 signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.example bookworm main
	deb https://docker.example/debian bookworm stable
	deb https://cloud.example/apt cloud-sdk-bookworm main
EOF
cat >"$work/sources.list.d/debian.sources" <<-'EOF'
	Types: deb
	# a comment
	URIs: http://three.example/debian
	Suites: bookworm bookworm-backports
	Components: main
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

	Types: deb deb-src
	URIs: http://four.example/debian-security
	Suites: bookworm-security
	Components: contrib main
EOF
cat >"$work/sources.list.d/node.sources" <<-'EOF'
	Types: deb
	URIs: https://node.example/node
	Suites: nodistro
	Components: main
EOF
cat >"$work/wanted" <<-'EOF'
	deb http://one.example/debian bookworm main
	deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://two.example/debian bookworm-updates main
	deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://three.example/debian bookworm main
	deb http://four.example/debian-security bookworm-security main
EOF
SHYPER_ETC_APT=$work bash -c '. scripts/debs.sh; debian_sources' | diff "$work/wanted" - ||
	fail "other sources than wanted"
