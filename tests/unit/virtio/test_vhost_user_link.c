// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The front end's side of vhost-user against a back end that breaks the protocol in
 * the answer to any message: what comes of it, that nothing of it is kept, and that
 * it takes no longer than one answer may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ANSWER_SECONDS	1
#include "../../../shyper-cli/backend/vhost-user-link.c"

#include <dirent.h>
#include <pthread.h>

/* What the back end makes of the answer that is due. */
enum fault {
	NONE,
	OTHER_REQUEST,
	OTHER_VERSION,
	NO_REPLY_FLAG,
	SHORT,			/* by one byte, and says so */
	LONG,
	EMPTY,
	HUGE_SIZE,		/* in its header, behind which is what there should be */
	EARLY,			/* the answer to the next message before this one's */
	HALF_A_HEADER,		/* and hangs up */
	HALF_A_PAYLOAD,
	HANGS_UP,
	SILENT,
	DRIPS,			/* a byte now and then */
	FAULTS,
};

static const int results[FAULTS] = {
	[OTHER_REQUEST] = -EPROTO, [OTHER_VERSION] = -EPROTO, [NO_REPLY_FLAG] = -EPROTO,
	[SHORT] = -EPROTO, [LONG] = -EPROTO, [EMPTY] = -EPROTO, [HUGE_SIZE] = -EPROTO,
	[EARLY] = -EPROTO, [HALF_A_HEADER] = -EPIPE, [HALF_A_PAYLOAD] = -EPIPE,
	[HANGS_UP] = -EPIPE, [SILENT] = -ETIMEDOUT, [DRIPS] = -ETIMEDOUT,
};

static struct {
	int fd;
	enum fault fault;
	unsigned int at;	/* the answer that is spoilt, from 0 on */
	unsigned int answers;	/* given so far */
	unsigned int sends_files;	/* with each answer */
	uint64_t number;	/* of each answer that is one */
	uint64_t status;	/* of each acknowledgement */
	uint64_t protocol;	/* that the front end has taken */
} peer;

static unsigned int count_open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int nr = 0;

	assert_non_null(folder);
	while (readdir(folder))
		nr++;
	closedir(folder);
	return nr;
}

static void send_answer(const struct message *answer, size_t length)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(250 * sizeof(int))];
	} control = { 0 };
	const size_t head = sizeof(answer->header) < length ? sizeof(answer->header) : length;
	struct iovec iov[2] = {
		{ (void *)&answer->header, head }, { (void *)&answer->payload, length - head },
	};
	struct msghdr header = { .msg_iov = iov, .msg_iovlen = 2 };
	int *files = (int *)CMSG_DATA(&control.header);
	unsigned int n;

	if (peer.sends_files) {
		for (n = 0; n < peer.sends_files; n++)
			files[n] = peer.fd;
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(peer.sends_files * sizeof(int));
		control.header = (struct cmsghdr){
			CMSG_LEN(peer.sends_files * sizeof(int)), SOL_SOCKET, SCM_RIGHTS,
		};
	}
	sendmsg(peer.fd, &header, MSG_NOSIGNAL);
}

static void drip(const struct message *answer, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)&answer->header;
	size_t n;

	for (n = 0; n < length; n++) {
		if (n == sizeof(answer->header))
			bytes = (const uint8_t *)&answer->payload - n;
		if (send(peer.fd, bytes + n, 1, MSG_NOSIGNAL) < 0)
			return;
		usleep(300000);
	}
}

/* Whether the back end goes on. */
static bool answer(struct message *message)
{
	enum fault fault = peer.answers++ == peer.at ? peer.fault : NONE;
	size_t length = sizeof(message->header) + message->header.size;

	message->header.flags = VERSION | FLAG_REPLY;
	switch (fault) {
	case OTHER_REQUEST:
		message->header.request++;
		break;
	case OTHER_VERSION:
		message->header.flags = 2 | FLAG_REPLY;
		break;
	case NO_REPLY_FLAG:
		message->header.flags = VERSION;
		break;
	case SHORT:
		message->header.size--;
		length--;
		break;
	case LONG:
		message->header.size++;
		length++;
		break;
	case EMPTY:
		message->header.size = 0;
		length = sizeof(message->header);
		break;
	case HUGE_SIZE:
		message->header.size = UINT32_MAX;
		break;
	case EARLY:
		message->header.request += 2;
		send_answer(message, length);
		message->header.request -= 2;
		break;
	case HALF_A_HEADER:
		length = sizeof(message->header) / 2;
		break;
	case HALF_A_PAYLOAD:
		length -= message->header.size / 2;
		break;
	case HANGS_UP:
		return false;
	case SILENT:
		return true;
	case DRIPS:
		drip(message, length);
		return true;
	default:
		break;
	}
	send_answer(message, length);
	return fault != HALF_A_HEADER && fault != HALF_A_PAYLOAD;
}

/* A good answer, up to what the fault makes of it. */
static bool serve_message(struct message *message)
{
	bool acknowledges = message->header.flags & FLAG_NEED_REPLY;

	switch (message->header.request) {
	case SET_PROTOCOL_FEATURES:
		peer.protocol = message->payload.number;
		break;
	case GET_FEATURES:
	case GET_PROTOCOL_FEATURES:
	case GET_QUEUE_NUM:
	case GET_MAX_MEM_SLOTS:
		message->header.size = sizeof(message->payload.number);
		message->payload.number = peer.number;
		return answer(message);
	case GET_VRING_BASE:
	case GET_CONFIG:
	case GET_INFLIGHT_FD:
		return answer(message);
	}
	if (!acknowledges)
		return true;
	message->header.size = sizeof(message->payload.number);
	message->payload.number = peer.status;
	return answer(message);
}

static void *serve(void *unused)
{
	struct message message;

	(void)unused;
	do {
		memset(&message, 0, sizeof(message));
		if (recv(peer.fd, &message.header, sizeof(message.header), MSG_WAITALL) !=
		    sizeof(message.header))
			break;
		if (message.header.size &&
		    recv(peer.fd, &message.payload, message.header.size, MSG_WAITALL) !=
		    message.header.size)
			break;
	} while (serve_message(&message));
	shutdown(peer.fd, SHUT_RDWR);
	return NULL;
}

static const struct vu_region regions[9];
static uint8_t config[VU_MAX_CONFIG];

static int begin(struct vu_link *link)
{
	return vu_begin(link, true);
}

static int get_queues(struct vu_link *link)
{
	uint64_t nr;

	return vu_get_queues(link, &nr);
}

static int get_config(struct vu_link *link)
{
	return vu_get_config(link, config, 60);
}

static int set_config(struct vu_link *link)
{
	return vu_set_config(link, 32, config, 1);
}

static int set_memory(struct vu_link *link)
{
	return vu_set_memory(link, regions, 2);
}

static int set_slots(struct vu_link *link)
{
	return vu_set_memory(link, regions, 9);
}

static int set_features(struct vu_link *link)
{
	return vu_set_features(link, 1);
}

static int size_account(struct vu_link *link)
{
	struct vu_account account = { .queues = 1, .queue_size = 64 };

	return vu_size_account(link, &account);
}

static int set_account(struct vu_link *link)
{
	struct vu_account account = { .queues = 1, .queue_size = 64 };

	return vu_set_account(link, &account, 0);
}

static int ring_start(struct vu_link *link)
{
	const struct vu_ring ring = { .size = 64 };

	return vu_ring_start(link, &ring);
}

static int ring_stop(struct vu_link *link)
{
	return vu_ring_stop(link, 3);
}

/* All that a front end asks for, and how many answers each takes. */
static const struct {
	int (*call)(struct vu_link *link);
	unsigned int answers;
} calls[] = {
	/* Acknowledgements are only agreed on by it. */
	{ begin, 2 },
	{ get_queues, 1 },
	{ get_config, 1 },
	{ set_config, 1 },
	{ set_memory, 1 },
	{ set_slots, 10 },
	{ set_features, 1 },
	{ size_account, 1 },
	{ set_account, 1 },
	{ ring_start, 6 },
	{ ring_stop, 1 },
};

#define NR_CALLS	(sizeof(calls) / sizeof(calls[0]))

/* Its result; it may neither take much longer than an answer nor keep a file. */
static int call(unsigned int which, enum fault fault, unsigned int at)
{
	struct vu_link link = {
		.features = 1ULL << VU_F_PROTOCOL_FEATURES,
		.protocol = 1ULL << VU_PROTOCOL_MQ | 1ULL << VU_PROTOCOL_REPLY_ACK |
			    1ULL << VU_PROTOCOL_CONFIGURE_MEM_SLOTS,
	};
	int fds[2], result;
	unsigned int before;
	pthread_t thread;
	int64_t start;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	link.fd = fds[0];
	peer.fd = fds[1];
	peer.fault = fault;
	peer.at = at;
	peer.answers = 0;
	before = count_open_files();
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	start = now_ms();
	result = calls[which].call(&link);
	/* All that drips takes six seconds. */
	assert_in_range(now_ms() - start, fault < SILENT ? 0 : 900, 4000);
	shutdown(link.fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	assert_int_equal(count_open_files(), before);
	close(fds[0]);
	close(fds[1]);
	return result;
}

static int set_up(void **state)
{
	(void)state;
	memset(&peer, 0, sizeof(peer));
	peer.number = UINT64_MAX;
	return 0;
}

static void test_each_answer_is_checked(void **state)
{
	unsigned int which, at;
	enum fault fault;

	(void)state;
	for (which = 0; which < NR_CALLS; which++) {
		assert_int_equal(call(which, NONE, 0), 0);
		assert_int_equal(peer.answers, calls[which].answers);
		for (at = 0; at < calls[which].answers; at++)
			for (fault = NONE + 1; fault < SILENT; fault++)
				assert_int_equal(call(which, fault, at), results[fault]);
	}
}

/* As long as one answer may take, not as long as its bytes do. */
static void test_silence_has_an_end(void **state)
{
	unsigned int which;

	(void)state;
	for (which = 0; which < NR_CALLS; which++)
		assert_int_equal(call(which, SILENT, 0), -ETIMEDOUT);
	assert_int_equal(call(0, DRIPS, 1), -ETIMEDOUT);
}

/* With a right answer, and with wrong ones. */
static void test_no_descriptor_arrives(void **state)
{
	unsigned int which;

	(void)state;
	peer.sends_files = 250;
	for (which = 0; which < NR_CALLS; which++) {
		assert_int_equal(call(which, NONE, 0), 0);
		assert_int_equal(call(which, EARLY, 0), -EPROTO);
		assert_int_equal(call(which, HALF_A_PAYLOAD, 0), -EPIPE);
	}
}

/* Nothing is agreed on but what we know, whatever is offered. */
static void test_protocol_features(void **state)
{
	const uint64_t known = 1ULL << VU_PROTOCOL_MQ | 1ULL << VU_PROTOCOL_REPLY_ACK |
			       1ULL << VU_PROTOCOL_CONFIG |
			       1ULL << VU_PROTOCOL_CONFIGURE_MEM_SLOTS |
			       1ULL << VU_PROTOCOL_INFLIGHT_SHMFD;

	(void)state;
	assert_int_equal(call(0, NONE, 0), 0);
	assert_int_equal(peer.protocol, known);
	/* Of a back end that has none of the rings' features the account is of no use. */
	peer.number = 1ULL << VU_F_PROTOCOL_FEATURES | known;
	assert_int_equal(call(0, NONE, 0), 0);
	assert_int_equal(peer.protocol, known & ~(1ULL << VU_PROTOCOL_INFLIGHT_SHMFD));
}

/* What it refuses, and numbers that are none. */
static void test_refusals(void **state)
{
	unsigned int which;

	(void)state;
	peer.status = 1;
	for (which = 0; which < NR_CALLS; which++)
		if (calls[which].call == set_config || calls[which].call == set_memory ||
		    calls[which].call == set_features || calls[which].call == set_account ||
		    calls[which].call == ring_start)
			assert_int_equal(call(which, NONE, 0), -EACCES);
	peer.status = 0;
	peer.number = 8;
	for (which = 0; which < NR_CALLS; which++)
		if (calls[which].call == set_slots)
			assert_int_equal(call(which, NONE, 0), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_answer_is_checked, set_up),
		cmocka_unit_test_setup(test_silence_has_an_end, set_up),
		cmocka_unit_test_setup(test_no_descriptor_arrives, set_up),
		cmocka_unit_test_setup(test_protocol_features, set_up),
		cmocka_unit_test_setup(test_refusals, set_up),
	};

	return cmocka_run_group_tests_name("virtio/vhost_user_link", tests, NULL, NULL);
}
