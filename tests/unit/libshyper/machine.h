/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine for tests of libshyper: a temporary folder that a context takes for
 * its root, with 4 CPUs, 2 GiB, 300 hugepages, a kernel, an initrd and disks.
 */
#ifndef TEST_MACHINE_H
#define TEST_MACHINE_H

#include <shyper/shyper.h>

struct machine {
	char root[64];
	struct shyper_ctx *ctx;
};

/* For cmocka_unit_test_setup_teardown(); *state is a struct machine. */
int machine_setup(void **state);
int machine_teardown(void **state);

/* Writes a file below the root, with the folders above it. */
void machine_write(const struct machine *machine, const char *path,
		   const void *data, size_t length);
void machine_write_text(const struct machine *machine, const char *path,
			const char *text);
/* Reads a file of the tests; the caller frees it. */
char *read_whole(const char *path, size_t *ret_length);
/* Findings as lines "PATH: TEXT"; the caller frees them. */
char *list_findings(const struct shyper_config *config);

#define MACHINE_IMAGE_SIZE	0x2100000

#endif /* TEST_MACHINE_H */
