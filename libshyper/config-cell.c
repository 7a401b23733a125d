// SPDX-License-Identifier: LGPL-2.1-or-later
/* The keys of a cell's file, of "boot" and of each of "devices". */
#include "cell-config.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *const *keys;
	unsigned int nr_queues;
	unsigned int queue_size;
} device_types[DEVICE_NR_TYPES] = {
	[DEVICE_CONSOLE] = {
		.name = "console",
		.keys = (const char *const[]) {
			"type", "name", "log", "queue_size", "address",
			"deadline_ms", "policy", NULL
		},
		.nr_queues = 2,
		.queue_size = 64,
	},
	[DEVICE_BLK] = {
		.name = "blk",
		.keys = (const char *const[]) {
			"type", "name", "path", "readonly", "serial",
			"queue_size", "address", "deadline_ms", "policy", NULL
		},
		.nr_queues = 1,
		.queue_size = 256,
	},
	[DEVICE_RNG] = {
		.name = "rng",
		.keys = (const char *const[]) {
			"type", "name", "rate", "queue_size", "address",
			"deadline_ms", "policy", NULL
		},
		.nr_queues = 1,
		.queue_size = 64,
	},
	[DEVICE_VHOST_USER] = {
		.name = "vhost-user",
		.keys = (const char *const[]) {
			"type", "name", "socket", "device", "tag", "queues",
			"queue_size", "address", "deadline_ms", "policy", NULL
		},
		.nr_queues = 1,
		.queue_size = 128,
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
			"type", "name", "queues", "queue_size", "length",
			"options", "address", "deadline_ms", "policy", NULL
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

static void read_memory(const struct json_place *place)
{
	uint64_t memory;

	if (!json_get_size(place, "memory", true, &memory))
		return;
	if (!memory || memory % HVISOR_BLOCK_SIZE)
		config_error(place->config, "/memory",
			     "is 0x%llx bytes, expected a multiple of 2 MiB",
			     (unsigned long long)memory);
	else if (memory > LAYOUT_MAX_MEMORY)
		config_error(place->config, "/memory",
			     "is 0x%llx bytes, more than a cell's address space has (0x%lx)",
			     (unsigned long long)memory, LAYOUT_MAX_MEMORY);
	else
		place->config->memory = memory;
}

static void read_boot(struct shyper_config *config, json_t *root)
{
	static const char *const keys[] = {
		"kernel", "initrd", "cmdline", "kaslr", NULL
	};
	const struct json_place top = { config, root, "" };
	struct json_place place = { config, NULL, "/boot" };

	place.object = json_get(&top, "boot", JSON_OBJECT, true,
				"an object with the key \"kernel\"");
	if (!place.object)
		return;
	json_check_keys(&place, keys);
	json_get_file(&place, "kernel", true, &config->kernel);
	json_get_file(&place, "initrd", false, &config->initrd);
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
			 "\"console\", \"blk\", \"rng\", \"vhost-user\", \"rtc\", \"echo\" or \"user\"");
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
	} else if (!has_queues && json_object_get(place->object, "queue_size")) {
		json_path(place, "queue_size", path, sizeof(path));
		config_error(place->config, path, "is of a virtio device, but \"length\" makes it a region");
	}
}

#define MAX_SOCKET	107	/* of sockaddr_un, less its NUL */

static void check_socket(const struct json_place *place)
{
	char *socket = NULL, path[48];

	if (json_get_file(place, "socket", true, &socket) &&
	    strlen(socket) > MAX_SOCKET) {
		json_path(place, "socket", path, sizeof(path));
		config_error(place->config, path, "has %zu bytes, expected at most %d",
			     strlen(socket), MAX_SOCKET);
	}
	free(socket);
}

static void check_tag(const struct json_place *place, bool is_fs)
{
	char tag[sizeof(((struct virtio_fs_config *)0)->tag) + 1], path[48];

	json_path(place, "tag", path, sizeof(path));
	if (is_fs && !json_object_get(place->object, "tag"))
		config_error(place->config, path, "is missing, expected the name by which the guest mounts it");
	else if (is_fs)
		json_get_name(place, "tag", tag, sizeof(tag));
	else if (json_object_get(place->object, "tag"))
		config_error(place->config, path, "is of a \"fs\" alone");
}

/* A name, or the number of any other virtio device. */
static int read_virtio_id(const struct json_place *place)
{
	static const char expected[] =
		"\"blk\", \"net\", \"fs\" or a virtio device ID from 1 to 63";
	static const struct json_word words[] = {
		{ "blk", VIRTIO_ID_BLOCK }, { "net", VIRTIO_ID_NET },
		{ "fs", VIRTIO_ID_FS }, { NULL, 0 },
	};
	json_t *value = json_object_get(place->object, "device");
	unsigned int number = 0;
	int id = 0;

	if (!value)
		json_get(place, "device", JSON_STRING, true, expected);
	else if (json_is_integer(value))
		json_get_count(place, "device", 1, 63, &number);
	else
		json_get_word(place, "device", words, &id);
	return id ? id : (int)number;
}

static void read_vhost_user(const struct json_place *place,
			    struct device_config *device)
{
	int id = read_virtio_id(place);

	check_socket(place);
	check_tag(place, id == VIRTIO_ID_FS);
	if (id == VIRTIO_ID_FS || id == VIRTIO_ID_NET)
		device->nr_queues = 2;
	json_get_count(place, "queues", 1, HVISOR_MAX_QUEUES, &device->nr_queues);
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

/* The backend's alone. */
static void check_rate(const struct json_place *place)
{
	unsigned int rate;

	json_get_count(place, "rate", 1024, 1024 * 1024 * 1024, &rate);
}

static void read_typed_keys(const struct json_place *place,
			    struct device_config *device)
{
	json_check_keys(place, device_types[device->type].keys);
	device->nr_queues = device_types[device->type].nr_queues;
	if (device->type == DEVICE_USER)
		read_user(place, device);
	if (device->type == DEVICE_CONSOLE)
		json_get_file(place, "log", false, &device->log);
	if (device->type == DEVICE_BLK) {
		json_get_file(place, "path", true, &device->path);
		json_get_bool(place, "readonly", &device->is_readonly);
		config_read_serial(place);
	}
	if (device->type == DEVICE_RNG)
		check_rate(place);
	if (device->type == DEVICE_VHOST_USER)
		read_vhost_user(place, device);
	read_queue_size(place, device);
	read_length(place, device);
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
	device->text = json_dumps(object, JSON_COMPACT);
	if (!device->text)
		config->is_out_of_memory = true;
	read_device_name(&place, device);
	if (read_device_type(&place, device))
		read_typed_keys(&place, device);
	device->has_ipa = json_get_address(&place, "address", &device->ipa);
	read_deadline(&place, device);
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
		"version", "name", "cpus", "memory", "boot", "devices",
		"restart", NULL
	};
	const struct json_place place = { config, root, "" };
	int restart = SHYPER_RESTART_NEVER;

	config->has_kaslr = true;
	json_check_keys(&place, keys);
	config_read_version(&place);
	config_read_cell_name(&place, "name", config->name);
	read_cpus(&place);
	read_memory(&place);
	read_boot(config, root);
	read_devices(config, root);
	if (json_get_word(&place, "restart", restart_words, &restart))
		config->restart = (enum shyper_restart)restart;
}
