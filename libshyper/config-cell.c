// SPDX-License-Identifier: LGPL-2.1-or-later
/* The keys of a cell's file, of "boot" and of each of "devices". */
#include "cell-config.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feature-names.h"

/* Queues of a disk that are chosen at most: root's process that serves them is one. */
#define DISK_QUEUES	4

static const struct {
	const char *name;
	const char *const *keys;
	uint32_t device_id;
	unsigned int nr_queues;
	unsigned int queue_size;
} device_types[DEVICE_NR_TYPES] = {
	[DEVICE_CONSOLE] = {
		.name = "console",
		.keys = (const char *const[]) {
			"type", "name", "log", "ports", "queue_size", "features",
			"address", "interrupt", "deadline_ms", "policy", NULL
		},
		.device_id = VIRTIO_ID_CONSOLE,
		.nr_queues = 2,
		.queue_size = 64,
	},
	[DEVICE_BLK] = {
		.name = "blk",
		.keys = (const char *const[]) {
			"type", "name", "path", "readonly", "serial",
			"queues", "queue_size", "iops", "bytes_per_second",
			"poll", "features", "address", "interrupt", "deadline_ms",
			"policy", NULL
		},
		.device_id = VIRTIO_ID_BLOCK,
		.nr_queues = 1,
		.queue_size = 256,
	},
	[DEVICE_NET] = {
		.name = "net",
		.keys = (const char *const[]) {
			"type", "name", "bridge", "tap", "mac", "mtu", "link",
			"vhost", "queue_pairs", "queue_size", "poll", "features",
			"address", "interrupt", "deadline_ms", "policy", NULL
		},
		.device_id = VIRTIO_ID_NET,
		.queue_size = 256,
	},
	[DEVICE_VSOCK] = {
		.name = "vsock",
		.keys = (const char *const[]) {
			"type", "name", "cid", "queue_size", "features",
			"address", "interrupt", "deadline_ms", "policy", NULL
		},
		.device_id = VIRTIO_ID_VSOCK,
		.nr_queues = 3,
		.queue_size = 256,
	},
	[DEVICE_RNG] = {
		.name = "rng",
		.keys = (const char *const[]) {
			"type", "name", "rate", "queue_size", "features",
			"address", "interrupt", "deadline_ms", "policy", NULL
		},
		.device_id = VIRTIO_ID_RNG,
		.nr_queues = 1,
		.queue_size = 64,
	},
	[DEVICE_VHOST_USER] = {
		.name = "vhost-user",
		.keys = (const char *const[]) {
			"type", "name", "socket", "device", "tag", "queues",
			"direct", "poll", "queue_size", "features", "address",
			"interrupt", "deadline_ms", "policy", NULL
		},
		.nr_queues = 1,
		.queue_size = 128,
	},
	[DEVICE_PL011] = {
		.name = "pl011",
		.keys = (const char *const[]) {
			"type", "name", "log", "address", "interrupt",
			"deadline_ms", "policy", NULL
		},
	},
	[DEVICE_RTC] = {
		.name = "rtc",
		.keys = (const char *const[]) {
			"type", "name", "address", "deadline_ms", "policy", NULL
		},
	},
	[DEVICE_ECHO] = {
		.name = "echo",
		.keys = (const char *const[]) {
			"type", "name", "length", "address", "deadline_ms",
			"policy", NULL
		},
	},
	/* Somebody else's backend: virtio with "queues", else a region. */
	[DEVICE_USER] = {
		.name = "user",
		.keys = (const char *const[]) {
			"type", "name", "queues", "queue_size", "features",
			"length", "options", "address", "interrupt",
			"deadline_ms", "policy", NULL
		},
		.queue_size = 64,
	},
};

static const struct json_word restart_words[] = {
	{ "never", SHYPER_RESTART_NEVER },
	{ "on-failure", SHYPER_RESTART_ON_FAILURE },
	{ "always", SHYPER_RESTART_ALWAYS },
	{ NULL, 0 },
};

static const struct json_word policy_words[] = {
	{ "wait", HVISOR_POLICY_WAIT },
	{ "fail-device", HVISOR_POLICY_FAIL_DEVICE },
	{ "stop-cell", HVISOR_POLICY_STOP_CELL },
	{ NULL, 0 },
};

const char *device_type_name(enum device_type type)
{
	return device_types[type].name;
}

const char *restart_name(enum shyper_restart restart)
{
	const struct json_word *word;

	for (word = restart_words; word->word; word++) {
		if (word->value == (int)restart)
			break;
	}
	return word->word;
}

/* Commands take a cell's name or "cellN": a name may not look like the other. */
bool config_read_cell_name(const struct json_place *place, const char *key,
			   char ret[HVISOR_CELL_NAME_LEN])
{
	char name[HVISOR_CELL_NAME_LEN], path[48];

	if (!json_get_name(place, key, name, sizeof(name)))
		return false;
	json_path(place, key, path, sizeof(path));
	if (!strcmp(name, "root")) {
		config_error(place->config, path, "is \"root\", which is the root cell's");
		return false;
	}
	if (!strncmp(name, "cell", 4) && name[4] &&
	    !name[4 + strspn(name + 4, "0123456789")]) {
		config_error(place->config, path, "is \"%s\", but cell and a number is what ids look like",
			     name);
		return false;
	}
	return text_copy(ret, HVISOR_CELL_NAME_LEN, name);
}

void config_read_version(const struct json_place *place)
{
	json_t *value = json_get(place, "version", JSON_INTEGER, true, "1");

	if (value && json_integer_value(value) != 1)
		config_error(place->config, "/version", "is %lld, expected 1",
			     (long long)json_integer_value(value));
}

static bool cpu_is_listed(const struct shyper_config *config, unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < config->nr_listed; i++) {
		if (config->cpus[i] == cpu)
			return true;
	}
	return false;
}

static void read_listed_cpu(struct shyper_config *config, size_t index,
			    const json_t *value)
{
	char path[32], shown[64];
	json_int_t cpu;

	snprintf(path, sizeof(path), "/cpus/%zu", index);
	cpu = json_is_integer(value) ? json_integer_value(value) : -1;
	if (cpu < 0 || cpu >= HVISOR_MAX_CPUS) {
		json_describe(value, shown, sizeof(shown));
		config_error(config, path, "is %s, expected a CPU number from 1 to %d",
			     shown, HVISOR_MAX_CPUS - 1);
	} else if (cpu == 0) {
		config_error(config, path, "is CPU 0, which always belongs to the root cell");
	} else if (cpu_is_listed(config, (unsigned int)cpu)) {
		config_error(config, path, "CPU %lld is listed twice", (long long)cpu);
	} else {
		config->cpus[config->nr_listed++] = (unsigned int)cpu;
	}
}

static int compare_cpus(const void *a, const void *b)
{
	const unsigned int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void read_cpu_list(struct shyper_config *config, const json_t *list)
{
	size_t i, count = json_array_size(list);

	if (count < 1 || count > HVISOR_MAX_CELL_CPUS) {
		config_error(config, "/cpus", "lists %zu CPUs, expected 1 to %d",
			     count, HVISOR_MAX_CELL_CPUS);
		return;
	}
	for (i = 0; i < count; i++)
		read_listed_cpu(config, i, json_array_get(list, i));
	config->nr_cpus = config->nr_listed;
	qsort(config->cpus, config->nr_listed, sizeof(config->cpus[0]),
	      compare_cpus);
}

static void read_cpus(const struct json_place *place)
{
	json_t *value = json_object_get(place->object, "cpus");
	char shown[64];

	if (!value) {
		config_error(place->config, "/cpus",
			     "is missing, expected a number of CPUs or a list of CPU numbers");
	} else if (json_is_array(value)) {
		read_cpu_list(place->config, value);
	} else if (json_is_integer(value)) {
		json_get_count(place, "cpus", 1, HVISOR_MAX_CELL_CPUS,
			       &place->config->nr_cpus);
	} else {
		json_describe(value, shown, sizeof(shown));
		config_error(place->config, "/cpus",
			     "is %s, expected a number of CPUs or a list of CPU numbers",
			     shown);
	}
}

/* What is not an Image of Linux: where it begins is said, not found. */
static void read_entry(const struct json_place *place)
{
	static const char *const images[] = { "kernel", "initrd", NULL };
	const char *const *image;
	char path[48];

	place->config->has_entry = config_read_address(place, "entry",
						       &place->config->entry);
	for (image = images; *image; image++) {
		if (!json_object_get(place->object, *image))
			continue;
		json_path(place, *image, path, sizeof(path));
		config_error(place->config, path, "is of a kernel, but \"entry\" says that the cell starts without one");
	}
}

static void read_boot(struct shyper_config *config, json_t *root)
{
	static const char *const keys[] = {
		"kernel", "initrd", "cmdline", "kaslr", "entry", "dtb", NULL
	};
	const struct json_place top = { config, root, "" };
	struct json_place place = { config, NULL, "/boot" };

	place.object = json_get(&top, "boot", JSON_OBJECT, true,
				"an object with the key \"kernel\" or \"entry\"");
	if (!place.object)
		return;
	json_check_keys(&place, keys);
	if (json_object_get(place.object, "entry")) {
		read_entry(&place);
	} else {
		json_get_file(&place, "kernel", true, &config->kernel);
		json_get_file(&place, "initrd", false, &config->initrd);
	}
	config->has_dtb = config_read_address(&place, "dtb", &config->dtb);
	json_get_bool(&place, "kaslr", &config->has_kaslr);
	if (json_get_text(&place, "cmdline", false, "a text", &config->cmdline) &&
	    strlen(config->cmdline) >= CONFIG_MAX_CMDLINE - 16)
		config_error(config, "/boot/cmdline",
			     "has %zu characters, expected less than %d",
			     strlen(config->cmdline), CONFIG_MAX_CMDLINE - 16);
}

static bool read_device_type(const struct json_place *place,
			     struct device_config *device)
{
	struct json_word words[DEVICE_NR_TYPES + 1] = { { NULL, 0 } };
	int type;

	for (type = 0; type < DEVICE_NR_TYPES; type++) {
		words[type].word = device_types[type].name;
		words[type].value = type;
	}
	if (!json_object_get(place->object, "type")) {
		json_get(place, "type", JSON_STRING, true,
			 "\"console\", \"blk\", \"net\", \"vsock\", \"rng\", \"vhost-user\", \"pl011\", \"rtc\", \"echo\" or \"user\"");
		return false;
	}
	if (!json_get_word(place, "type", words, &type))
		return false;
	device->type = (enum device_type)type;
	return true;
}

bool config_read_device_name(const struct json_place *place, const char *key,
			     char ret[HVISOR_DEVICE_NAME_LEN])
{
	char name[HVISOR_DEVICE_NAME_LEN], path[48];

	if (!json_get_name(place, key, name, sizeof(name)))
		return false;
	json_path(place, key, path, sizeof(path));
	if (!strcmp(name, EARLYCON_NAME)) {
		config_error(place->config, path, "is \"" EARLYCON_NAME "\", which every cell has already");
		return false;
	}
	if (!strcmp(name, "pending")) {
		config_error(place->config, path, "is \"pending\", which is a file of sysfs beside the devices'");
		return false;
	}
	return text_copy(ret, HVISOR_DEVICE_NAME_LEN, name);
}

static void read_device_name(const struct json_place *place,
			     struct device_config *device)
{
	struct shyper_config *config = place->config;
	struct device_config *other;
	char path[48];

	if (!config_read_device_name(place, "name", device->name))
		return;
	for (other = config->devices; other < device; other++) {
		if (strcmp(other->name, device->name))
			continue;
		json_path(place, "name", path, sizeof(path));
		config_error(config, path, "is \"%s\", as that of %s",
			     device->name, other->json);
		return;
	}
}

static void refuse_of_virtio(const struct json_place *place, const char *key)
{
	char path[48];

	if (!json_object_get(place->object, key))
		return;
	json_path(place, key, path, sizeof(path));
	config_error(place->config, path, "is of a virtio device, but \"length\" makes it a region");
}

/* It has either "queues" and is a virtio device, or a "length" and is a region. */
static void read_user(const struct json_place *place,
		      struct device_config *device)
{
	bool has_queues = json_object_get(place->object, "queues");
	bool has_length = json_object_get(place->object, "length");
	char path[48];

	json_get(place, "options", JSON_OBJECT, false,
		 "an object, which the backend gets as it is");
	json_get_count(place, "queues", 1, HVISOR_MAX_QUEUES, &device->nr_queues);
	if (has_queues && has_length) {
		json_path(place, "length", path, sizeof(path));
		config_error(place->config, path, "is of a region, but \"queues\" makes it a virtio device");
	} else if (!has_queues && !has_length) {
		json_path(place, "queues", path, sizeof(path));
		config_error(place->config, path, "is missing, expected the number of virtqueues, or the \"length\" of a region");
	} else if (!has_queues) {
		refuse_of_virtio(place, "queue_size");
		refuse_of_virtio(place, "features");
	}
}

/* What it is not to offer; the backend's library looks there, too. */
static void read_features(const struct json_place *place, uint32_t device_id)
{
	const char *names[FEATURES_MAX_NAMES];
	struct json_place inner = { place->config, NULL, NULL };
	char path[48];
	bool is_offered;
	size_t n;

	inner.object = json_get(place, "features", JSON_OBJECT, false,
				"an object with features of the device");
	if (!inner.object)
		return;
	json_path(place, "features", path, sizeof(path));
	inner.path = path;
	features_list(device_id, names);
	json_check_keys(&inner, names);
	for (n = 0; names[n]; n++)
		json_get_bool(&inner, names[n], &is_offered);
}

static void read_queue_size(const struct json_place *place,
			    struct device_config *device)
{
	char path[48];

	device->queue_size = device_types[device->type].queue_size;
	if (!device->nr_queues)
		return;
	if (!json_get_count(place, "queue_size", 2, HVISOR_MAX_QUEUE_SIZE,
			    &device->queue_size))
		return;
	if (device->queue_size & (device->queue_size - 1)) {
		json_path(place, "queue_size", path, sizeof(path));
		config_error(place->config, path,
			     "is %u, expected a power of two", device->queue_size);
	}
}

static void read_length(const struct json_place *place,
			struct device_config *device)
{
	uint64_t length = LAYOUT_PAGE_SIZE;
	char path[48];

	if (device->nr_queues) {
		device->length = LAYOUT_PAGE_SIZE;
		return;
	}
	if (json_get_size(place, "length", false, &length) &&
	    (!length || length % LAYOUT_PAGE_SIZE ||
	     length > LAYOUT_FOREIGN_STRIDE)) {
		json_path(place, "length", path, sizeof(path));
		config_error(place->config, path,
			     "is 0x%llx, expected a multiple of 4 KiB up to 64 KiB",
			     (unsigned long long)length);
		length = LAYOUT_PAGE_SIZE;
	}
	device->length = (uint32_t)length;
}

static void read_deadline(const struct json_place *place,
			  struct device_config *device)
{
	int policy = HVISOR_POLICY_WAIT;
	char path[48];

	json_get_count(place, "deadline_ms", 0, 3600000, &device->deadline_ms);
	if (!json_get_word(place, "policy", policy_words, &policy))
		return;
	device->policy = (uint32_t)policy;
	if (policy != HVISOR_POLICY_WAIT &&
	    !json_object_get(place->object, "deadline_ms")) {
		json_path(place, "policy", path, sizeof(path));
		config_error(place->config, path,
			     "needs a \"deadline_ms\" after which it is applied");
	}
}

void config_read_serial(const struct json_place *place)
{
	char serial[VIRTIO_BLK_ID_BYTES + 1];

	if (json_object_get(place->object, "serial"))
		json_get_name(place, "serial", serial, sizeof(serial));
}

static void read_disk(const struct json_place *place, struct device_config *device)
{
	unsigned int iops;
	uint64_t rate = 1;
	char path[48];
	bool poll;	/* the backend's alone */

	json_get_file(place, "path", true, &device->path);
	json_get_bool(place, "readonly", &device->is_readonly);
	config_read_serial(place);
	/* One for each CPU of the guest, as long as it is worth one. */
	if (place->config->nr_cpus)
		device->nr_queues = place->config->nr_cpus < DISK_QUEUES ?
				    place->config->nr_cpus : DISK_QUEUES;
	json_get_count(place, "queues", 1, HVISOR_MAX_QUEUES, &device->nr_queues);
	json_get_bool(place, "poll", &poll);
	json_get_count(place, "iops", 1, SHYPER_MAX_IOPS, &iops);
	json_get_size(place, "bytes_per_second", false, &rate);
	if (rate && rate <= SHYPER_MAX_BYTES_PER_SECOND)
		return;
	json_path(place, "bytes_per_second", path, sizeof(path));
	config_error(place->config, path, "is 0x%llx, expected from 1 to 1024G",
		     (unsigned long long)rate);
}

static void read_typed_keys(const struct json_place *place,
			    struct device_config *device)
{
	uint32_t device_id = device_types[device->type].device_id;
	unsigned int backends;	/* alone */

	json_check_keys(place, device_types[device->type].keys);
	device->nr_queues = device_types[device->type].nr_queues;
	if (device->type == DEVICE_USER)
		read_user(place, device);
	if (device->type == DEVICE_NET)
		config_read_net(place, device);
	if (device->type == DEVICE_VSOCK)
		json_get_count(place, "cid", 3, UINT32_MAX - 1, &backends);
	if (device->type == DEVICE_CONSOLE)
		config_read_console(place, device);
	if (device->type == DEVICE_PL011)
		json_get_file(place, "log", false, &device->log);
	if (device->type == DEVICE_BLK)
		read_disk(place, device);
	if (device->type == DEVICE_RNG)
		json_get_count(place, "rate", 1024, 1024 * 1024 * 1024, &backends);
	if (device->type == DEVICE_VHOST_USER)
		device_id = config_read_vhost_user(place, device);
	if (device->nr_queues)
		read_features(place, device_id);
	read_queue_size(place, device);
	read_length(place, device);
}

/* The backend gets what the file has, and what was chosen where it has nothing. */
static void write_text(struct shyper_config *config, const json_t *object,
		       struct device_config *device)
{
	json_t *copy = json_copy((json_t *)object);

	if (device->type == DEVICE_BLK && !json_object_get(copy, "queues"))
		json_object_set_new(copy, "queues", json_integer(device->nr_queues));
	device->text = json_dumps(copy, JSON_COMPACT);
	json_decref(copy);
	if (!device->text)
		config->is_out_of_memory = true;
}

static void read_device(struct shyper_config *config, size_t index,
			json_t *object)
{
	struct device_config *device = &config->devices[config->nr_devices++];
	struct json_place place = { config, object, device->json };
	char shown[64];

	snprintf(device->json, sizeof(device->json), "/devices/%zu", index);
	if (!json_is_object(object)) {
		json_describe(object, shown, sizeof(shown));
		config_error(config, device->json, "is %s, expected an object with \"type\" and \"name\"",
			     shown);
		return;
	}
	read_device_name(&place, device);
	if (read_device_type(&place, device))
		read_typed_keys(&place, device);
	device->has_ipa = json_get_address(&place, "address", &device->ipa);
	device->has_irq = json_get_count(&place, "interrupt", LAYOUT_MIN_IRQ,
					 LAYOUT_MAX_IRQ, &device->irq);
	read_deadline(&place, device);
	write_text(config, object, device);
}

static void read_devices(struct shyper_config *config, json_t *root)
{
	const struct json_place place = { config, root, "" };
	json_t *list;
	size_t i;

	list = json_get(&place, "devices", JSON_ARRAY, false, "a list of devices");
	if (!list)
		return;
	if (json_array_size(list) > CONFIG_MAX_DEVICES) {
		config_error(config, "/devices", "lists %zu devices, expected at most %d",
			     json_array_size(list), CONFIG_MAX_DEVICES);
		return;
	}
	for (i = 0; i < json_array_size(list); i++)
		read_device(config, i, json_array_get(list, i));
}

void config_read_cell(struct shyper_config *config, json_t *root)
{
	static const char *const keys[] = {
		"version", "name", "cpus", "memory", "memory_address",
		"regions", "boot", "devices", "restart", NULL
	};
	const struct json_place place = { config, root, "" };
	int restart = SHYPER_RESTART_NEVER;

	config->has_kaslr = true;
	json_check_keys(&place, keys);
	config_read_version(&place);
	config_read_cell_name(&place, "name", config->name);
	read_cpus(&place);
	config_read_memory(config, root);
	read_boot(config, root);
	read_devices(config, root);
	if (json_get_word(&place, "restart", restart_words, &restart))
		config->restart = (enum shyper_restart)restart;
}
