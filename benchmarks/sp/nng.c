/*
 * One end of a measurement, on the C library of NNG. The arguments are those of end.ts:
 * <sequential|pipelined|stream> <server|client> <url> <size> <seconds>
 */
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OUTSTANDING 64

static size_t      size;
static double      end;
static atomic_long count;
static atomic_int  running;

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (t.tv_sec + t.tv_nsec / 1e9);
}

static void
check(int rv)
{
	if (rv != 0) {
		fprintf(stderr, "%s\n", nng_strerror(rv));
		exit(1);
	}
}

static nng_msg *
message(size_t len)
{
	nng_msg *msg;
	check(nng_msg_alloc(&msg, len));
	memset(nng_msg_body(msg), 'x', len);
	return (msg);
}

struct worker {
	nng_ctx  ctx;
	nng_aio *aio;
	int      receiving;
};

static void
ask(struct worker *w)
{
	w->receiving = 0;
	nng_aio_set_msg(w->aio, message(size));
	nng_ctx_send(w->ctx, w->aio);
}

/* A request was sent, or its reply has come. */
static void
proceed(void *arg)
{
	struct worker *w = arg;

	check(nng_aio_result(w->aio));
	if (!w->receiving) {
		w->receiving = 1;
		nng_ctx_recv(w->ctx, w->aio);
		return;
	}
	nng_msg_free(nng_aio_get_msg(w->aio));
	count++;
	if (now() < end) {
		ask(w);
	} else {
		running--;
	}
}

static void
pipelined(nng_socket sock)
{
	static struct worker workers[OUTSTANDING];

	running = OUTSTANDING;
	for (int i = 0; i < OUTSTANDING; i++) {
		check(nng_ctx_open(&workers[i].ctx, sock));
		check(nng_aio_alloc(&workers[i].aio, proceed, &workers[i]));
		ask(&workers[i]);
	}
	while (running > 0) {
		nng_msleep(1);
	}
}

static void
sequential(nng_socket sock)
{
	while (now() < end) {
		nng_msg *msg;
		check(nng_sendmsg(sock, message(size), 0));
		check(nng_recvmsg(sock, &msg, 0));
		nng_msg_free(msg);
		count++;
	}
}

static void
echo(nng_socket sock)
{
	for (;;) {
		nng_msg *msg;
		check(nng_recvmsg(sock, &msg, 0));
		check(nng_sendmsg(sock, msg, 0));
	}
}

/* An empty message is the last one. */
static double
pull(nng_socket sock)
{
	nng_msg *msg;
	double   start;
	size_t   len;

	check(nng_recvmsg(sock, &msg, 0));
	start = now();
	do {
		nng_msg_free(msg);
		check(nng_recvmsg(sock, &msg, 0));
		len = nng_msg_len(msg);
		count++;
	} while (len > 0);
	return (start);
}

int
main(int argc, char **argv)
{
	int        stream = strcmp(argv[1], "stream") == 0;
	int        server = strcmp(argv[2], "server") == 0;
	double     start  = now();
	nng_socket sock;

	(void) argc;
	size = strtoul(argv[4], NULL, 10);
	check(stream ? (server ? nng_pull0_open(&sock) : nng_push0_open(&sock))
	             : (server ? nng_rep0_open(&sock) : nng_req0_open(&sock)));
	if (server) {
		check(nng_listen(sock, argv[3], NULL, 0));
		puts("ready");
		fflush(stdout);
		if (!stream) {
			echo(sock);
		}
		start = pull(sock);
	} else {
		check(nng_dial(sock, argv[3], NULL, 0));
		start = now();
		end   = start + atof(argv[5]);
		if (stream) {
			while (now() < end) {
				check(nng_sendmsg(sock, message(size), 0));
			}
			check(nng_sendmsg(sock, message(0), 0));
			nng_msleep(500);
			return (0);
		}
		strcmp(argv[1], "pipelined") == 0 ? pipelined(sock) : sequential(sock);
	}
	printf("%ld %f\n", (long) count, now() - start);
	return (0);
}
