/* SPDX-License-Identifier: MIT */
/*
 * Times several commands against each other on a noisy machine.
 *
 *   timer [-n RUNS] [-w WARMUPS] [-c CPU] [-u ID] LABEL PROGRAM [ARG...] [::: LABEL PROGRAM
 * [ARG...]]...
 *
 * In each round every command runs once, in an order drawn anew from a fixed
 * seed: a launch leaves work behind for the kernel (mounts and superblocks
 * freed later), and with a fixed order the same row would always pay for the
 * same neighbour. The first command is the one that the others are compared
 * with; a ratio is taken within a round, so that slow drifts of the machine
 * cancel out.
 *
 * The clock runs from before vfork() until waitpid() has returned: start,
 * payload, and the taking down of the mount namespace at exit.
 *
 * Output, one line per command, tab-separated, microseconds:
 *   label p50 p99 p50/p50(first) p99/p99(first) paired low high
 * where paired is the middle of the ratios within a round (Hodges-Lehmann: the
 * median of the means of all pairs of their logarithms, which needs half the
 * rounds of a plain median for the same precision), and low and high bound it
 * with 95 % confidence.
 *
 * A command that ends with anything but 0 is run once more with its stderr in
 * sight, and the timer fails.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CMDS 16

struct cmd {
	const char *label;
	char **argv;
	double *us;
};

static char *const empty_env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };

static long number(const char *s, long min, const char *what)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (errno || end == s || *end || n < min)
		errx(2, "%s: '%s' is not a number of at least %ld", what, s, min);
	return n;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double run_once(const struct cmd *c, int *status)
{
	double start = now_us();
	pid_t pid = vfork();

	if (pid == 0) {
		execve(c->argv[0], c->argv, empty_env);
		_exit(127);
	}
	if (pid < 0)
		err(1, "vfork");
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			err(1, "waitpid");
	return now_us() - start;
}

static void report_failure(const struct cmd *c, int status, int errfd)
{
	int null = dup(2);

	dup2(errfd, 2);
	fprintf(stderr, "timer: %s: wait status 0x%x; once more, with its messages:\n", c->label,
		(unsigned)status);
	run_once(c, &status);
	dup2(null, 2);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double *sorted(const double *v, size_t n)
{
	double *s = malloc(n * sizeof(*s));

	if (!s)
		err(1, "malloc");
	memcpy(s, v, n * sizeof(*s));
	qsort(s, n, sizeof(*s), compare);
	return s;
}

/* Nearest rank; s is sorted. */
static double rank(const double *s, size_t n, double p)
{
	double r = ceil(p * (double)n);

	if (r < 1)
		r = 1;
	if (r > (double)n)
		r = (double)n;
	return s[(size_t)r - 1];
}

static void shuffle(size_t *order, size_t n)
{
	static uint64_t state = 0x9e3779b97f4a7c15u; /* fixed: two runs compare */

	for (size_t i = n; i > 1; i--) {
		size_t j, t;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		j = (size_t)(state % i);
		t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
}

static void print_paired(FILE *out, const double *mine, const double *base, size_t n)
{
	size_t pairs = n * (n + 1) / 2, k = 0, margin;
	double *walsh = malloc(pairs * sizeof(*walsh)), *log_ratio = malloc(n * sizeof(*log_ratio));
	double spread = 1.96 * sqrt((double)n * ((double)n + 1) * (2 * (double)n + 1) / 24);

	if (!walsh || !log_ratio)
		err(1, "malloc");
	for (size_t i = 0; i < n; i++)
		log_ratio[i] = log(mine[i] / base[i]);
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			walsh[k++] = (log_ratio[i] + log_ratio[j]) / 2;
	qsort(walsh, pairs, sizeof(*walsh), compare);
	margin = spread < (double)pairs / 2 ? (size_t)((double)pairs / 2 - spread) : 0;
	fprintf(out, "\t%.3f\t%.3f\t%.3f\n", exp(walsh[pairs / 2]), exp(walsh[margin]),
		exp(walsh[pairs - 1 - margin]));
	free(walsh);
	free(log_ratio);
}

static void print_row(FILE *out, const struct cmd *c, const struct cmd *first, size_t n)
{
	double *mine = sorted(c->us, n), *base = sorted(first->us, n);
	double p50 = rank(mine, n, 0.5), p99 = rank(mine, n, 0.99);

	fprintf(out, "%s\t%.1f\t%.1f\t%.3f\t%.3f", c->label, p50, p99, p50 / rank(base, n, 0.5),
		p99 / rank(base, n, 0.99));
	print_paired(out, c->us, first->us, n);
	free(mine);
	free(base);
}

static size_t split(char **argv, struct cmd *cmds)
{
	size_t n = 0;

	while (*argv) {
		if (n == MAX_CMDS)
			errx(2, "more than %d commands", MAX_CMDS);
		if (!argv[1])
			errx(2, "'%s' has no command", argv[0]);
		cmds[n].label = *argv++;
		cmds[n++].argv = argv;
		while (*argv && strcmp(*argv, ":::") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
	if (n == 0)
		errx(2, "usage: timer [-n RUNS] [-w WARMUPS] [-c CPU] [-u ID] LABEL PROGRAM "
			"[ARG...] [::: LABEL PROGRAM...]...");
	return n;
}

static void become(uid_t id)
{
	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		err(1, "cannot become uid %u", (unsigned)id);
}

static void pin(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((int)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "cannot stay on cpu %ld", cpu);
}

int main(int argc, char **argv)
{
	struct cmd cmds[MAX_CMDS];
	size_t order[MAX_CMDS], n;
	long runs = 300, warmups = 20, cpu = -1, id = -1;
	int opt, status, null, errfd;
	FILE *out;

	while ((opt = getopt(argc, argv, "+n:w:c:u:")) != -1) {
		switch (opt) {
		case 'n':
			runs = number(optarg, 1, "-n");
			break;
		case 'w':
			warmups = number(optarg, 0, "-w");
			break;
		case 'c':
			cpu = number(optarg, 0, "-c");
			break;
		case 'u':
			id = number(optarg, 0, "-u");
			break;
		default:
			return 2;
		}
	}
	n = split(argv + optind, cmds);
	for (size_t i = 0; i < n; i++) {
		order[i] = i;
		cmds[i].us = calloc(
			(size_t)runs,
			sizeof(double)); /* touched below: no page fault while the clock runs */
		if (!cmds[i].us)
			err(1, "calloc");
		for (long r = 0; r < runs; r++)
			cmds[i].us[r] = 1;
	}
	if (cpu >= 0)
		pin(cpu);
	if (id >= 0)
		become((uid_t)id);

	/* The commands get /dev/null by inheritance, so that nothing but vfork and execve is timed.
	 */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	errfd = fcntl(2, F_DUPFD_CLOEXEC, 10);
	out = fdopen(fcntl(1, F_DUPFD_CLOEXEC, 10), "w");
	if (null < 0 || errfd < 0 || !out || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0)
		return 1;

	for (long r = -warmups; r < runs; r++) {
		shuffle(order, n);
		for (size_t i = 0; i < n; i++) {
			const struct cmd *c = &cmds[order[i]];
			double us = run_once(c, &status);

			if (status != 0)
				report_failure(c, status, errfd);
			if (r >= 0)
				c->us[r] = us;
		}
	}
	for (size_t i = 0; i < n; i++)
		print_row(out, &cmds[i], &cmds[0], (size_t)runs);
	return fclose(out) ? 1 : 0;
}
