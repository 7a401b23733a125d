// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Configurations: the order in which one is read and checked, and its findings.
 *
 * A text becomes JSON (a syntax error ends it: there is nothing to look at),
 * then fields (config-cell.c), then addresses (layout.c), then it is compared
 * with the machine (config-check.c). Each step adds findings and goes on, and
 * looks only at what the steps before found right.
 */
#include "cell-config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

/* A report is one line, whatever stood in the file. */
static void text_clean(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

static void finding_add(struct shyper_config *config, const char *path,
			const char *format, va_list args)
{
	struct shyper_finding *findings, *finding;

	findings = realloc(config->findings,
			   (config->nr_findings + 1) * sizeof(*findings));
	if (!findings) {
		config->is_out_of_memory = true;
		return;
	}
	config->findings = findings;
	finding = &findings[config->nr_findings++];
	finding->severity = SHYPER_SEVERITY_ERROR;
	text_copy(finding->path, sizeof(finding->path), path);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	text_clean(finding->path);
	text_clean(finding->text);
}

void config_error(struct shyper_config *config, const char *path,
		  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding_add(config, path, format, args);
	va_end(args);
}

static void report_syntax(struct shyper_config *config, const json_error_t *error)
{
	char place[32];

	snprintf(place, sizeof(place), "%d:%d", error->line, error->column);
	config_error(config, place, "is no JSON: %s", error->text);
}

static void read_cell(struct shyper_config *config, json_t *root)
{
	config_read_cell(config, root);
	layout_assign(config);
}

static void read_text(struct shyper_config *config, const char *text,
		      size_t length, config_reader read)
{
	json_error_t error;
	json_t *root;

	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_error_code(&error) == json_error_out_of_memory) {
		config->is_out_of_memory = true;
		return;
	}
	if (!root) {
		report_syntax(config, &error);
		return;
	}
	if (!json_is_object(root)) {
		config_error(config, "/", "is no object, expected { \"version\": 1, ... }");
		goto out;
	}
	read(config, root);
	config->text = json_dumps(root, JSON_COMPACT);
	if (!config->text)
		config->is_out_of_memory = true;
	else if (strlen(config->text) > CONFIG_MAX_TEXT)
		config_error(config, "/", "is longer than %d KiB",
			     CONFIG_MAX_TEXT / 1024);
out:
	json_decref(root);
}

static void read_cell_for_here(struct shyper_config *config, json_t *root)
{
	read_cell(config, root);
	config_check_machine(config);
}

static int parse(struct shyper_ctx *ctx, const char *path, const char *text,
		 size_t length, config_reader read,
		 struct shyper_config **ret_config)
{
	struct shyper_config *config = calloc(1, sizeof(*config));

	if (!config)
		return error_no_memory(ctx);
	config->ctx = ctx;
	config->path = strdup(path);
	if (config->path)
		read_text(config, text, length, read);
	if (!config->path || config->is_out_of_memory) {
		shyper_config_free(config);
		return error_no_memory(ctx);
	}
	*ret_config = config;
	return 0;
}

int config_parse(struct shyper_ctx *ctx, const char *path, const char *text,
		 size_t length, bool checks_machine,
		 struct shyper_config **ret_config)
{
	return parse(ctx, path, text, length,
		     checks_machine ? read_cell_for_here : read_cell, ret_config);
}

int shyper_config_parse(struct shyper_ctx *ctx, const char *path,
			const char *text, size_t length,
			struct shyper_config **ret_config)
{
	ctx_begin(ctx);
	return config_parse(ctx, path, text, length, true, ret_config);
}

static int load(struct shyper_ctx *ctx, const char *path, config_reader read,
		struct shyper_config **ret_config)
{
	size_t length;
	char *text;
	int err;

	ctx_begin(ctx);
	err = file_read(path, 1 << 20, &text, &length);
	if (err == -EFBIG)
		return error_set(ctx, err, path, NULL,
				 "is longer than 1 MiB, which no configuration is");
	if (err)
		return error_set(ctx, err, path, NULL, "cannot be read: %s",
				 strerror(-err));
	err = parse(ctx, path, text, length, read, ret_config);
	free(text);
	if (!err)
		(*ret_config)->is_file = true;
	return err;
}

int shyper_config_load(struct shyper_ctx *ctx, const char *path,
		       struct shyper_config **ret_config)
{
	return load(ctx, path, read_cell_for_here, ret_config);
}

int shyper_config_load_mediated(struct shyper_ctx *ctx, const char *path,
				struct shyper_config **ret_config)
{
	return load(ctx, path, config_read_mediated, ret_config);
}

void shyper_config_free(struct shyper_config *config)
{
	unsigned int i;

	if (!config)
		return;
	for (i = 0; i < config->nr_devices; i++) {
		free_keep_errno(config->devices[i].path);
		free_keep_errno(config->devices[i].log);
		free_keep_errno(config->devices[i].text);
	}
	for (i = 0; i < config->nr_regions; i++)
		free_keep_errno(config->regions[i].file);
	free_keep_errno(config->kernel);
	free_keep_errno(config->initrd);
	free_keep_errno(config->cmdline);
	free_keep_errno(config->findings);
	free_keep_errno(config->text);
	free_keep_errno(config->path);
	free_keep_errno(config);
}

bool shyper_config_is_valid(const struct shyper_config *config)
{
	size_t i;

	for (i = 0; i < config->nr_findings; i++) {
		if (config->findings[i].severity == SHYPER_SEVERITY_ERROR)
			return false;
	}
	return true;
}

const struct shyper_finding *
shyper_config_get_finding(const struct shyper_config *config, size_t index)
{
	return index < config->nr_findings ? &config->findings[index] : NULL;
}

const char *shyper_config_get_path(const struct shyper_config *config)
{
	return config->path;
}

const char *shyper_config_get_text(const struct shyper_config *config)
{
	return config->text ? config->text : "";
}

const char *shyper_config_get_name(const struct shyper_config *config)
{
	return config->name;
}

unsigned int shyper_config_get_nr_cpus(const struct shyper_config *config)
{
	return config->nr_cpus;
}

uint64_t shyper_config_get_memory(const struct shyper_config *config)
{
	return config->memory;
}

enum shyper_restart shyper_config_get_restart(const struct shyper_config *config)
{
	return config->restart;
}
