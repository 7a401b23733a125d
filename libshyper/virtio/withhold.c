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
	backend->withheld = json_incref(json_object_get(config, "features"));
	json_decref(config);
	return 0;
}

int backend_withhold(struct shyper_backend *backend)
{
	struct hvisor_device_decl *decl = &backend->decl;
	uint64_t bit, withheld = 0;
	const char *name;
	json_t *value;

	json_object_foreach(backend->withheld, name, value) {
		bit = features_bit(decl->device_id, name);
		if (!bit)
			return error_set(backend->ctx, -EINVAL, backend->name, "config",
					 "/features/%s: the device has no such feature",
					 name);
		if (json_is_false(value))
			withheld |= bit;
	}
	decl->features = features_without(decl->device_id, decl->features, withheld);
	return 0;
}
