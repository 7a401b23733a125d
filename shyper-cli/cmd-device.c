// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper device ...: the virtual devices of cells. */
#include "context.h"
#include "describe.h"

/* Of the cell that is named, or of all. */
static enum cli_status cmd_device_list(const struct invocation *invocation)
{
	struct shyper_device **devices;
	struct shyper_cell *cell = NULL;
	enum cli_status status;
	struct shyper_ctx *ctx;
	json_t *list;
	int count;

	status = invocation->argc ? context_open_cell(invocation, &cell) :
				    context_probe(invocation, &ctx);
	if (status)
		return status;
	count = shyper_device_list(invocation->session->ctx, cell, &devices);
	if (count < 0)
		status = context_fail(invocation, "devices", count);
	shyper_cell_close(cell);
	if (count < 0)
		return status;
	list = json_array();
	for (int i = 0; i < count; i++)
		json_array_append_new(list, describe_device(devices[i]));
	shyper_device_list_free(devices);
	return output_value(invocation, list, device_columns);
}

static enum cli_status cmd_device_show(const struct invocation *invocation)
{
	struct shyper_device *device;
	enum cli_status status;
	json_t *object;

	status = context_open_device(invocation, &device);
	if (status)
		return status;
	object = describe_device_fully(invocation->session->ctx, device);
	shyper_device_close(device);
	return output_value(invocation, object, device_fields);
}

const struct command device_commands[] = {
	{ .words = "device list",
	  .help = "List the devices of a cell, or of all cells",
	  .arguments = { { "CELL", ARGUMENT_CELL, true, false } },
	  .run = cmd_device_list },
	{ .words = "device show",
	  .help = "Show a device, its configuration and statistics",
	  .arguments = { { "DEVICE", ARGUMENT_DEVICE, false, false } },
	  .run = cmd_device_show },
	{ 0 }
};
