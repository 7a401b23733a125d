// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper system ...: hypervisor, module and daemon. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cell-log.h"
#include "cmd-system.h"
#include "context.h"
#include "describe.h"
#include "mediated.h"
#include "output.h"
#include "supervise.h"

#define CONTROL_FOLDER		"/sys/class/hvisor/control"
#define HUGEPAGES_FOLDER	"/sys/kernel/mm/hugepages/hugepages-2048kB"

static enum cli_status load_mediated(const struct invocation *invocation,
				     const char *path,
				     struct mediated **ret_mediated)
{
	struct shyper_ctx *ctx = invocation->session->ctx;
	struct shyper_config *config;
	enum cli_status status;
	int err;

	err = shyper_config_load_mediated(ctx, path, &config);
	if (err)
		return context_fail(invocation, path, err);
	status = context_report_findings(invocation, config);
	if (!status)
		*ret_mediated = mediated_parse(shyper_config_get_text(config));
	if (!status && !*ret_mediated) {
		cli_error(invocation->session, path, NULL, "out of memory");
		status = CLI_FAILED;
	}
	shyper_config_free(config);
	return status;
}

static enum cli_status cmd_system_daemon(const struct invocation *invocation)
{
	struct mediated *mediated = NULL;
	enum cli_status status;
	struct shyper_ctx *ctx;
	int err;

	status = context_probe(invocation, &ctx);
	if (!status && invocation->argc)
		status = load_mediated(invocation, invocation->argv[0],
				       &mediated);
	if (status)
		return status;
	err = supervise_run(ctx, mediated);
	mediated_free(mediated);
	return err ? context_fail(invocation, "daemon", err) : CLI_DONE;
}

static enum cli_status cmd_system_log(const struct invocation *invocation)
{
	struct shyper_cell *root;
	enum cli_status status;
	struct shyper_ctx *ctx;
	int err;

	status = context_probe(invocation, &ctx);
	if (status)
		return status;
	err = shyper_cell_open_id(ctx, 0, &root);
	if (err)
		return context_fail(invocation, "cell0", err);
	status = cell_print_log(invocation, root);
	shyper_cell_close(root);
	return status;
}

/* Adds the first line of a file in sysfs, as a number where it is one. */
static void add_file(json_t *object, const char *key, const char *folder,
		     const char *name)
{
	char path[512], text[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(text, sizeof(text), file)) {
		text[strcspn(text, "\n")] = '\0';
		if (text[0] && strlen(text) <= 18 &&
		    !text[strspn(text, "0123456789")])
			json_object_set_new(object, key,
					    json_integer(atoll(text)));
		else
			json_object_set_new(object, key, json_string(text));
	}
	fclose(file);
}

/* What the module tells of the hypervisor, whatever that is. */
static json_t *describe_hypervisor(void)
{
	DIR *folder = opendir(CONTROL_FOLDER);
	json_t *object = json_object();
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		if (entry->d_type != DT_REG || !strcmp(entry->d_name, "dev") ||
		    !strcmp(entry->d_name, "uevent"))
			continue;
		add_file(object, entry->d_name, CONTROL_FOLDER, entry->d_name);
	}
	if (folder)
		closedir(folder);
	return object;
}

const struct output_field system_fields[] = {
	{ "hypervisor", "hypervisor", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ "cells", "cells", OUTPUT_PLAIN, NULL },
	{ "cpus_present", "CPUs present", OUTPUT_PLAIN, NULL },
	{ "cpus_online", "CPUs online in root", OUTPUT_PLAIN, NULL },
	{ "hugepages", "hugepages of 2M", OUTPUT_PLAIN, NULL },
	{ "hugepages_free", "free of them", OUTPUT_PLAIN, NULL },
	{ "holders", "memory of cells held by", OUTPUT_PLAIN, holder_columns },
	{ 0 }
};

json_t *describe_system(struct shyper_ctx *ctx)
{
	struct shyper_cell **cells;
	int count = shyper_cell_list(ctx, &cells);
	json_t *object;

	object = json_pack("{s:o s:i}", "hypervisor", describe_hypervisor(),
			   "cells", count > 0 ? count : 0);
	if (count >= 0)
		shyper_cell_list_free(cells);
	add_file(object, "cpus_present", "/sys/devices/system/cpu", "present");
	add_file(object, "cpus_online", "/sys/devices/system/cpu", "online");
	add_file(object, "hugepages", HUGEPAGES_FOLDER, "nr_hugepages");
	add_file(object, "hugepages_free", HUGEPAGES_FOLDER, "free_hugepages");
	json_object_set_new(object, "holders", describe_holders(ctx, NULL));
	return object;
}

static enum cli_status cmd_system_status(const struct invocation *invocation)
{
	enum cli_status status;
	struct shyper_ctx *ctx;

	status = context_probe(invocation, &ctx);
	if (status)
		return status;
	return output_value(invocation, describe_system(ctx), system_fields);
}

static const struct output_field version_fields[] = {
	{ "shyper", "shyper", OUTPUT_PLAIN, NULL },
	{ "hypervisor_abi", "hypervisor ABI", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ 0 }
};

/* Tells its own version on any machine, the hypervisor's where there is one. */
static enum cli_status cmd_system_version(const struct invocation *invocation)
{
	json_t *object = json_pack("{s:s}", "shyper", SHYPER_VERSION);

	add_file(object, "hypervisor_abi", CONTROL_FOLDER, "abi_version");
	return output_value(invocation, object, version_fields);
}

const struct command system_commands[] = {
	{ .words = "system daemon",
	  .help = "Start and watch monitors and backends where udev does not",
	  .arguments = { { "MEDIATED-CFG", ARGUMENT_FILE, true, false } },
	  .run = cmd_system_daemon },
	{ .words = "system log",
	  .help = "Print the hypervisor's own log",
	  .options = { { "follow", 'f', OPTION_FLAG, NULL,
			 "go on until ^C" } },
	  .run = cmd_system_log },
	{ .words = "system status",
	  .help = "Show hypervisor, CPUs, memory, and who holds memory of cells",
	  .run = cmd_system_status },
	{ .words = "system version",
	  .help = "Show the versions of program and hypervisor",
	  .run = cmd_system_version },
	{ 0 }
};
