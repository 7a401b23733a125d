#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# shyper-cell(5) is a sound page and documents the keys of the schemas, those that
# must be given as such, and no others; its examples are valid.
. tests/system/lib/check.sh
page=docs/man/shyper-cell.5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A comma in a tag separates keys.
keys_of_page() {
	sed -n 's/^\.It Ic //p' $page | sed 's/ , /\n/g' | sort -u
}

keys_of_schema() {
	jq -r '.. | objects | .properties? // empty | keys[]' configs/schema/*.json | sort -u
}

required_of_page() {
	awk '/^\.It Ic /{ key = $3 } /^Must be given\./{ print key }' $page | sort -u
}

required_of_schema() {
	jq -r '.. | objects | select(has("additionalProperties")).required[]?' \
		configs/schema/*.json | sort -u
}

mandoc -T lint -W error $page || fail "mandoc finds errors in $page"
# Which pages there are beside it depends on the machine; of ours man-pages looks.
! mandoc -T lint -W all $page | grep -v 'referenced manual not found' ||
	fail "mandoc finds faults in $page"
echo "ok lint"

expect_eq "keys" "$(keys_of_schema)" "$(keys_of_page)"
expect_eq "keys that must be given" "$(required_of_schema)" "$(required_of_page)"
echo "ok keys"

mkdir -p "$work"/{cell,mediated}/good
awk -v work="$work" '/^\.Bd/{ text = ""; next }
	/^\.Ed/ && text ~ /^{/ { printf "%s", text >(work (text ~ /mediated/ ? "/mediated" : "/cell") "/good/" ++n ".json") }
	{ text = text $0 "\n" }' $page
for kind in cell mediated; do
	tests/corpus/check-schema configs/schema/$kind.schema.json "$work/$kind" || fail "the example of $kind"
done
echo "ok examples"
