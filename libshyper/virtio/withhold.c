// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Features that the cell's configuration keeps a device from offering. It is read
 * here so that no backend need care; and it is what the cell was created with, since
 * what was once offered stays.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "../feature-names.h"
#include "backend.h"

static int withhold(struct shyper_backend *backend, const json_t *features)
{
	const char *name;
	json_t *value;
	uint64_t bit;

	json_object_foreach((json_t *)features, name, value) {
		bit = features_bit(backend->ops->device_id, name);
		if (!bit)
			return error_set(backend->ctx, -EINVAL, backend->name, "config",
					 "/features/%s: the device has no such feature",
					 name);
		if (json_is_false(value))
			backend->withheld |= bit;
	}
	return 0;
}

int backend_read_withheld(struct shyper_backend *backend)
{
	json_t *config;
	char *text;
	int err;

	err = link_config_text(backend->ctx, backend->name, &text);
	if (err < 0)
		return err;
	config = json_loads(text, 0, NULL);
	free(text);
	/* Whether it is one at all its reader tells. */
	err = withhold(backend, json_object_get(config, "features"));
	json_decref(config);
	return err;
}
