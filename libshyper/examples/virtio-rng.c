// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A backend: a virtio entropy device (virtio 1.2, 5.4), whose one queue has
 * buffers that want to be filled. Serves a device like
 *
 *	{ "type": "user", "name": "rng0", "queues": 1 }
 *
 * usage: virtio-rng DEVICE, say "cell1.rng0"
 */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include <shyper/error.h>
#include <shyper/virtio/backend.h>

#define VIRTIO_ID_RNG	4
#define QUEUE_SIZE	64
#define MAX_BYTES	4096	/* for a buffer: the others shall not wait for one */

static uint32_t fill(const struct shyper_chain *chain)
{
	uint32_t wanted = chain->in_length < MAX_BYTES ? chain->in_length : MAX_BYTES;
	char bytes[MAX_BYTES];
	ssize_t got = getrandom(bytes, wanted, 0);

	if (got < 0)
		return 0;
	return shyper_iov_write(chain->iov + chain->nr_out, chain->nr_in, 0, bytes, got);
}

static bool rng_queue(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct iovec iov[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = iov, .max_segments = QUEUE_SIZE };
	unsigned int left;
	uint32_t length;

	/* A guest that never stops is given up now and then, for its other requests. */
	for (left = QUEUE_SIZE; left; left--) {
		if (shyper_queue_pop(queue, &chain) <= 0)
			return false;
		/* 5.4.6.1: buffers that the device reads are not allowed. */
		if (chain.nr_out || !chain.nr_in) {
			shyper_queue_break(queue, chain.head);
			return false;
		}
		length = fill(&chain);
		shyper_backend_count(backend, SHYPER_COUNT_READS, 1);
		shyper_backend_count(backend, SHYPER_COUNT_READ_BYTES, length);
		shyper_queue_push(queue, chain.head, length);
	}
	return true;
}

static const struct shyper_backend_ops rng_ops = {
	.device_id = VIRTIO_ID_RNG,
	.nr_queues = 1,
	.queue_max = QUEUE_SIZE,
	.queue = rng_queue,
};

int main(int argc, char **argv)
{
	struct shyper_backend *backend = NULL;
	struct shyper_ctx *ctx;
	int err;

	if (argc != 2)
		return SHYPER_EXIT_CONFIG;
	if (shyper_ctx_create(&ctx))
		return SHYPER_EXIT_RESTART;
	err = shyper_backend_open(ctx, argv[1], &rng_ops, NULL, &backend);
	if (!err)
		err = shyper_backend_attach(backend);
	if (!err)
		err = shyper_backend_run(backend);
	if (err)
		fprintf(stderr, "%s: %s\n", argv[1], shyper_ctx_get_error(ctx)->text);
	shyper_backend_close(backend);
	shyper_ctx_destroy(ctx);
	if (err == -EBUSY)
		return SHYPER_EXIT_BUSY;
	return err && err != -ENODEV ? SHYPER_EXIT_RESTART : SHYPER_EXIT_DONE;
}
