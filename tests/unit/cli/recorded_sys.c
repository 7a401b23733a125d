// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs of shyper over a recorded /sys, see recorded_sys.h. */
#include "recorded_sys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <shyper/shyper.h>

#include "batch.h"

char root[64];
char output[65536], errors[65536];

void put(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void put_cell(const char *sysname, const char *id, const char *name,
	      const char *state, const char *reason)
{
	const struct {
		const char *file, *text;
	} files[] = {
		{ "id", id }, { "name", name }, { "state", state },
		{ "reason", reason }, { "starts", "3\n" }, { "cpus", "2-3\n" },
		{ "memory", "268435456\n" }, { "uptime_ms", "61000\n" },
		{ "failure", "" }, { "statistics/vmexits_total", "42\n" },
		{ "statistics/cpu0/vmexits_total", "42\n" },
	};
	char path[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/sys/class/hvisor/%s/%s", sysname,
			 files[i].file);
		put(path, files[i].text);
	}
}

void remove_cell(const char *sysname)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -r '%s/sys/class/hvisor/%s'",
		 root, sysname);
	assert_int_equal(system(command), 0);
}

int make_tree(void **state)
{
	strcpy(root, "/tmp/shyper-cli-XXXXXX");
	assert_non_null(mkdtemp(root));
	put("/sys/class/hvisor/control/abi_version", "1.0\n");
	put_cell("cell0", "0\n", "root\n", "running\n", "none\n");
	put_cell("cell1", "1\n", "debian\n", "running\n", "none\n");
	put_cell("cell2", "2\n", "broken\n", "failed\n", "unmapped\n");
	put("/sys/class/hvisor/cell2/failure",
	    "REASON=unmapped\nCPU=0\nPC=0x40001000\nESR=0x93c08046\n"
	    "IPA=0x10000000\n");
	put("/sys/class/hvisor/cell1/memory_regions",
	    "REGION0=0x40000000,0x10000000,rw,root,00:0e,77\n");
	put("/sys/class/hvisor/cell1.blk0/type", "blk\n");
	put("/sys/class/hvisor/cell1.blk0/index", "0\n");
	put("/sys/class/hvisor/cell1.blk0/name", "blk0\n");
	put("/sys/class/hvisor/cell1.blk0/config", "{\"path\": \"/a\"}");
	put("/sys/class/hvisor/cell1.blk0/attached", "1\n");
	put("/sys/class/hvisor/cell1.blk0/backend_pid", "321\n");
	put("/sys/class/hvisor/cell1/virtio/blk0",
	    "TYPE=blk\nREQUESTS=7\nIN_FLIGHT=2\nFEATURES=0x100\n");
	put("/sys/class/hvisor/cell1/virtio/pending",
	    "CPU1=blk0,reset,0xa000070,4,3500\nCONTROL1=con0,quiesce,8\n");
	return 0;
}

int remove_tree(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static FILE *redirect(int fd, int *saved)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	*saved = dup(fd);
	dup2(fileno(file), fd);
	return file;
}

static void restore(int fd, int saved, FILE *file, char *text, size_t size)
{
	dup2(saved, fd);
	close(saved);
	rewind(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

enum cli_status run_below(const char *below, const char *line,
			  const char *path, bool go_on)
{
	struct session session = { 0 };
	int saved_output, saved_errors;
	FILE *out, *err;
	enum cli_status status;

	assert_int_equal(shyper_ctx_create(&session.ctx), 0);
	assert_int_equal(shyper_ctx_set_root(session.ctx, below), 0);
	fflush(NULL);
	out = redirect(STDOUT_FILENO, &saved_output);
	err = redirect(STDERR_FILENO, &saved_errors);
	status = path ? batch_run(&session, path, go_on) :
			command_run_line(&session, line);
	fflush(NULL);
	restore(STDERR_FILENO, saved_errors, err, errors, sizeof(errors));
	restore(STDOUT_FILENO, saved_output, out, output, sizeof(output));
	shyper_ctx_destroy(session.ctx);
	return status;
}

enum cli_status run(const char *line)
{
	return run_below(root, line, NULL, false);
}

size_t count_lines(const char *text)
{
	size_t count = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length > longest)
			longest = length;
		text += length + (text[length] == '\n');
	}
	return longest;
}

json_t *json_output(void)
{
	json_t *value = json_loads(output, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(value);
	return value;
}
