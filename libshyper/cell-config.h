/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cell's configuration inside of libshyper, and the readers that make it.
 *
 *   config.c         load, parse: the order; findings; the public accessors
 *   config-json.c    typed values out of jansson's, each with its JSON path
 *   config-cell.c    the keys of the file, of boot, of the devices
 *   config-memory.c  the keys that are about memory
 *   config-console.c the keys of a console
 *   config-net.c     the keys of a network device
 *   config-vhost-user.c the keys of a device with a back end of vhost-user
 *   config-build.c   a file out of calls
 *   config-mediated.c   the keys of the daemon's file
 *   config-check.c   what needs the machine: files, images, CPUs, memory
 *   config-together.c   what needs other cells: names, CPUs, memory, disks
 *   layout.c         addresses and interrupt numbers
 *   plan.c           what it would become, for who wants to see it
 */
#ifndef LIBSHYPER_CELL_CONFIG_H
#define LIBSHYPER_CELL_CONFIG_H

#include <jansson.h>

#include <hvisor/cell.h>

#include <shyper/config.h>

#include "image.h"
#include "internal.h"

/* One entry of a cell is the early console, which no file names. */
#define CONFIG_MAX_DEVICES	(HVISOR_MAX_DEVICES - 1)
#define CONFIG_MAX_REGIONS	(HVISOR_MAX_REGIONS - 1)	/* beside RAM */
#define CONFIG_MAX_CMDLINE	2048	/* COMMAND_LINE_SIZE of arm64 Linux */
#define CONFIG_MAX_TEXT		65536	/* what the kernel keeps of JSON text */

#define EARLYCON_NAME		"earlycon"

enum device_type {
	DEVICE_CONSOLE,
	DEVICE_BLK,
	DEVICE_NET,
	DEVICE_VSOCK,
	DEVICE_RNG,
	DEVICE_VHOST_USER,
	DEVICE_PL011,
	DEVICE_RTC,
	DEVICE_ECHO,
	DEVICE_USER,
	DEVICE_NR_TYPES,
};

/* The same for all names of a file; of a block device @inode is 0. */
struct file_id {
	uint64_t device;
	uint64_t inode;
};

/**
 * struct device_config - one of the devices
 * @json: its path in the file, for findings
 * @path: of a disk
 * @file: which file @path is; zeroes: not known
 * @log: of a console or UART: file that gets what the guest writes
 * @bridge: of a network device: that its tap is put into, or empty
 * @ipa: @irq: 0: none given; filled by layout_assign()
 * @text: its JSON object, for the backend
 */
struct device_config {
	char json[32];
	enum device_type type;
	char name[HVISOR_DEVICE_NAME_LEN];
	char *path;
	struct file_id file;
	char *log;
	char bridge[16];
	bool is_readonly;
	bool has_ipa;
	bool has_irq;
	uint64_t ipa;
	uint32_t length;
	uint32_t irq;
	uint32_t nr_queues;
	uint32_t queue_size;
	uint32_t deadline_ms;
	uint32_t policy;
	char *text;
};

/**
 * struct region_config - memory beside RAM
 * @json: its path in the file, for findings
 * @file: what it is filled with at each start; NULL: zeroes when the cell is
 *	created, and then whatever the guest leaves there
 */
struct region_config {
	char json[32];
	char name[HVISOR_DEVICE_NAME_LEN];
	uint64_t ipa;
	uint64_t length;
	char *file;
	bool is_readonly;
};

/**
 * struct shyper_config - a configuration that was read
 * @is_file: @path is that of a file
 * @nr_listed: CPUs listed in @cpus; 0: the file has a count
 * @text: the whole file, compact
 * @has_entry: it starts at @entry, with no kernel
 * @has_dtb: the device tree is at @dtb
 * @images: zeroes: they were not looked at
 * @earlycon_ipa: filled by layout_assign()
 */
struct shyper_config {
	struct shyper_ctx *ctx;
	char *path;
	char *text;
	bool is_file;

	char name[HVISOR_CELL_NAME_LEN];
	unsigned int nr_cpus;
	unsigned int nr_listed;
	unsigned int cpus[HVISOR_MAX_CELL_CPUS];
	uint64_t memory;
	uint64_t memory_ipa;
	unsigned int nr_regions;
	struct region_config regions[CONFIG_MAX_REGIONS];
	enum shyper_restart restart;

	char *kernel;
	char *initrd;
	char *cmdline;
	bool has_kaslr;
	bool has_entry;
	bool has_dtb;
	uint64_t entry;
	uint64_t dtb;
	struct image_layout images;
	uint64_t earlycon_ipa;

	unsigned int nr_devices;
	struct device_config devices[CONFIG_MAX_DEVICES];

	struct shyper_finding *findings;
	size_t nr_findings;
	bool is_out_of_memory;
};

/* The words for device types, as in the file, for udev and in sysfs. */
const char *device_type_name(enum device_type type);

/* The word of the file; NULL: there is no such value. */
const char *restart_name(enum shyper_restart restart);

/*
 * As shyper_config_parse() within the library; @checks_machine: files, CPUs and
 * memory of this machine are looked at too.
 */
int config_parse(struct shyper_ctx *ctx, const char *path, const char *text,
		 size_t length, bool checks_machine,
		 struct shyper_config **ret_config);

/* Adds a finding; @path is a JSON path. */
void config_error(struct shyper_config *config, const char *path,
		  const char *format, ...) PRINTF(3, 4);

/*
 * config-json.c. Each looks for @key of @object, whose own path is @path ("" is
 * the file), and gives the value if it is there and right. @ret stays as it was
 * else; what is wrong has become a finding. With @required a missing key is.
 */
struct json_place {
	struct shyper_config *config;
	json_t *object;
	const char *path;
};

struct json_word {
	const char *word;
	int value;
};

void json_path(const struct json_place *place, const char *key, char *path,
	       size_t size);
/* Unknown keys are findings that name the nearest of @keys (NULL at the end). */
void json_check_keys(const struct json_place *place, const char *const *keys);
/* The value of @key if it is there and of @type, else NULL with a finding. */
json_t *json_get(const struct json_place *place, const char *key,
		 json_type type, bool required, const char *expected);
bool json_get_name(const struct json_place *place, const char *key, char *ret,
		   size_t size);
/* A new string, which the caller frees. */
bool json_get_text(const struct json_place *place, const char *key,
		   bool required, const char *expected, char **ret);
bool json_get_file(const struct json_place *place, const char *key,
		   bool required, char **ret);
bool json_get_bool(const struct json_place *place, const char *key, bool *ret);
bool json_get_count(const struct json_place *place, const char *key,
		    unsigned int min, unsigned int max, unsigned int *ret);
/* "256M", "0x10000000" */
bool json_get_size(const struct json_place *place, const char *key,
		   bool required, uint64_t *ret);
/* "0x0a000000" */
bool json_get_address(const struct json_place *place, const char *key,
		      uint64_t *ret);
bool json_get_word(const struct json_place *place, const char *key,
		   const struct json_word *words, int *ret);
/* A value as a finding shows it: 17, "text", an object ... */
void json_describe(const json_t *value, char *buffer, size_t size);

/*
 * Read all of a file. Of the daemon's file only the findings are of interest.
 */
typedef void (*config_reader)(struct shyper_config *config, json_t *root);
void config_read_cell(struct shyper_config *config, json_t *root);
void config_read_mediated(struct shyper_config *config, json_t *root);

/* The names of a cell and of a device; where they are wrong @ret stays. */
bool config_read_cell_name(const struct json_place *place, const char *key,
			   char ret[HVISOR_CELL_NAME_LEN]);
bool config_read_device_name(const struct json_place *place, const char *key,
			     char ret[HVISOR_DEVICE_NAME_LEN]);
void config_read_version(const struct json_place *place);
void config_read_serial(const struct json_place *place);

/* config-console.c */
void config_read_console(const struct json_place *place, struct device_config *device);

/* config-net.c */
void config_read_net(const struct json_place *place, struct device_config *device);

/* config-vhost-user.c; returns the virtio device ID, 0: it has none. */
uint32_t config_read_vhost_user(const struct json_place *place,
				struct device_config *device);

/* config-memory.c: "memory", "memory_address", "regions". */
void config_read_memory(struct shyper_config *config, json_t *root);
/* An address below the end of the address space. */
bool config_read_address(const struct json_place *place, const char *key,
			 uint64_t *ret);
/* RAM and regions. */
uint64_t config_total_memory(const struct shyper_config *config);

/* config-check.c */
void config_check_machine(struct shyper_config *config);
/* Looks which files the disks are, for disks_clash(). */
void config_identify_disks(struct shyper_config *config);
/* They are the same file or block device, and not both only read it. */
bool disks_clash(const struct device_config *a, const struct device_config *b);

/* config-together.c: -EBUSY: a disk of @config is that of a cell that exists. */
int config_refuse_disks(struct shyper_ctx *ctx, const struct shyper_config *config);

/*
 * The CPUs that the file lists, else the highest of @candidates, never CPU 0.
 * 0: there are too few.
 */
uint64_t config_choose_cpus(const struct shyper_config *config,
			    uint64_t candidates);

/*
 * layout.c. Gives addresses and interrupts to the devices that have none;
 * what was given and overlaps is a finding.
 */
#define LAYOUT_GICD_IPA		0x08000000UL
#define LAYOUT_GICR_IPA		0x080a0000UL
#define LAYOUT_EARLYCON_IPA	0x09000000UL
#define LAYOUT_VIRTIO_IPA	0x0a000000UL
#define LAYOUT_FOREIGN_IPA	0x0b000000UL
#define LAYOUT_RAM_IPA		0x40000000UL
#define LAYOUT_GICD_SIZE	0x10000UL
#define LAYOUT_GICR_SIZE	0x20000UL	/* for each CPU */
#define LAYOUT_PAGE_SIZE	0x1000UL
#define LAYOUT_FOREIGN_STRIDE	0x10000UL
#define LAYOUT_DEVICE_IRQ	48U
#define LAYOUT_MIN_IRQ		32U	/* SPIs that EL2 takes */
#define LAYOUT_MAX_IRQ		255U
/* 40 bits of IPA: what stage 2 has on every arm64 machine that runs this. */
#define LAYOUT_IPA_END		(1UL << 40)

void layout_assign(struct shyper_config *config);
/* What EL2 takes for device @index; index nr_devices is the early console. */
void layout_describe_device(const struct shyper_config *config,
			    unsigned int index, struct hvisor_device_desc *desc);

#endif /* LIBSHYPER_CELL_CONFIG_H */
