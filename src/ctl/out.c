/* SPDX-License-Identifier: MIT */
/* Prints rows and messages. */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "out.h"

#define SHORT_ID   12
#define CELL_SIZE  64
#define SHORT_LIST 2 /* as many texts of a list */

/*
 * Characters that no terminal gets: control, what has no width or turns the direction of writing, so that a name could look
 * like another, lines and paragraphs, and what UTF-8 does not have. In order.
 */
static const unsigned int hidden[][2] = {
	{ 0, 0x1f },	      { 0x7f, 0x9f },	    { 0xad, 0xad },	{ 0x34f, 0x34f },
	{ 0x61c, 0x61c },     { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f }, { 0x3164, 0x3164 },
	{ 0xd800, 0xdfff },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
	{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff }, { 0x110000, ~0u },
};

/* Bytes of the valid UTF-8 sequence of a printable character at text, or 0. */
static size_t printable(const unsigned char *text)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	/* As many bytes as ones in front. */
	size_t len = text[0] < 0x80 ? 1 : (size_t)__builtin_clz(~((unsigned int)text[0] << 24));
	unsigned int character = text[0] < 0x80 ? text[0] : text[0] & (0x7fu >> len);

	if (text[0] >= 0x80 && (len < 2 || len > 4))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text[i] & 0x3f);
	}
	if (character < least[len])
		return 0;
	for (size_t i = 0; hidden[i][0] <= character; i++) {
		if (character <= hidden[i][1])
			return 0;
	}
	return len;
}

char *out_escaped(const char *text)
{
	char *out = file_alloc(4 * strlen(text) + 1), *end = out;

	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		size_t len = printable(at);

		if (len == 0) {
			end += sprintf(end, "\\x%02x", *at++);
		} else {
			memcpy(end, at, len);
			end += len;
			at += len;
		}
	}
	return out;
}

/* Columns on a terminal: one for each character. */
static size_t width(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

void out_text(FILE *file, const char *text)
{
	char *safe = out_escaped(text);

	fputs(safe, file);
	free(safe);
}

json_t *out_string(const char *text)
{
	json_t *json = json_string(text);

	if (!json) { /* no UTF-8 */
		char *safe = out_escaped(text);

		json = json_string(safe);
		free(safe);
	}
	return json;
}

json_t *out_number(json_int_t number)
{
	return number < 0 ? json_null() : json_integer(number);
}

bool out_is_coloured(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

char *out_bytes(json_int_t n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	char cell[CELL_SIZE];
	double value = (double)n;
	size_t unit = 0;

	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	snprintf(cell, sizeof(cell), unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value,
		 units[unit]);
	return file_copy(cell);
}

static char *age(json_int_t then)
{
	static const struct {
		json_int_t seconds;
		const char *name;
	} units[] = { { 31557600, "year" }, { 2629800, "month" }, { 604800, "week" },
		      { 86400, "day" },	    { 3600, "hour" },	  { 60, "minute" },
		      { 1, "second" } };
	json_int_t seconds;
	char cell[CELL_SIZE];
	size_t i = 0;

	/* A file system may hold any number. */
	if (__builtin_sub_overflow((json_int_t)time(NULL), then, &seconds))
		return file_copy("-");
	if (seconds < 1)
		return file_copy("now");
	while (seconds < units[i].seconds)
		i++;
	snprintf(cell, sizeof(cell), "%lld %s%s", (long long)(seconds / units[i].seconds),
		 units[i].name, seconds / units[i].seconds == 1 ? "" : "s");
	return file_copy(cell);
}

/* Cuts an id as engines do; Docker's init layers keep their ending. */
static void shorten(char *id)
{
	size_t len = strlen(id);

	if (len > SHORT_ID)
		strcpy(id + SHORT_ID, strcmp(id + len - 5, "-init") == 0 ? "-init" : "");
}

char *out_id(const char *id, bool is_long)
{
	char *text = file_copy(id);

	if (!is_long)
		shorten(text);
	return text;
}

/* The first most of a list's texts. */
static char *joined(const json_t *list, size_t most)
{
	size_t count = json_array_size(list), shown = count > most ? most : count;
	size_t size = CELL_SIZE;
	char *text, *end;

	for (size_t i = 0; i < shown; i++)
		size += json_string_length(json_array_get(list, i)) + 2;
	text = end = file_alloc(size);
	for (size_t i = 0; i < shown; i++)
		end = stpcpy(stpcpy(end, i ? ", " : ""),
			     json_string_value(json_array_get(list, i)) ?: "");
	if (shown < count)
		sprintf(end, " and %zu more", count - shown);
	return text;
}

/* What a cell shows, escaped. */
static char *cell(const struct out *out, const struct column *column, const json_t *row)
{
	const json_t *value = json_object_get(row, column->key);
	char *text, *safe, number[CELL_SIZE];

	if (json_is_array(value) && json_array_size(value)) {
		text = joined(value,
			      column->kind == COLUMN_FEW && !out->is_long ? SHORT_LIST : SIZE_MAX);
	} else if (json_is_string(value)) {
		text = out_id(json_string_value(value),
			      column->kind != COLUMN_SHORT || out->is_long);
	} else if (json_is_integer(value) && column->kind == COLUMN_BYTES) {
		text = out_bytes(json_integer_value(value));
	} else if (json_is_integer(value) && column->kind == COLUMN_AGE) {
		text = age(json_integer_value(value));
	} else if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		text = file_copy(number);
	} else if (json_is_boolean(value)) {
		text = file_copy(json_is_true(value) ? "true" : "false");
	} else {
		text = file_copy("-");
	}
	safe = out_escaped(text);
	free(text);
	return safe;
}

static bool is_right(enum column_kind kind)
{
	return kind == COLUMN_BYTES || kind == COLUMN_COUNT;
}

static void pad(size_t columns)
{
	printf("%*s", (int)columns, "");
}

static void print_cell(const char *text, const struct column *column, size_t columns, bool is_last)
{
	size_t fill = columns > width(text) ? columns - width(text) : 0;

	if (is_right(column->kind))
		pad(fill);
	fputs(text, stdout);
	if (!is_last)
		pad((is_right(column->kind) ? 0 : fill) + 2);
}

static void print_json(json_t *json, size_t flags)
{
	/* Without it DEL and all beyond would reach a terminal as they are. */
	json_dumpf(json, stdout, flags | JSON_ENSURE_ASCII);
}

static void rows_as_json(size_t count, json_t *(*row)(size_t, void *), void *context)
{
	bool is_first = true;

	putchar('[');
	for (size_t i = 0; i < count; i++) {
		json_t *object = row(i, context);

		if (!object)
			continue;
		fputs(is_first ? "\n " : ",\n ", stdout);
		is_first = false;
		print_json(object, JSON_COMPACT);
		json_decref(object);
	}
	puts(is_first ? "]" : "\n]");
}

void out_rows(const struct out *out, const struct column *columns, size_t column_count,
	      size_t count, json_t *(*row)(size_t i, void *context), void *context)
{
	size_t *widths, shown = out->is_quiet ? 1 : column_count;
	bool is_coloured = out_is_coloured();

	if (out->is_json) {
		rows_as_json(count, row, context);
		return;
	}
	widths = file_alloc(column_count * sizeof(*widths));
	for (size_t k = 0; k < shown && !out->is_quiet; k++)
		widths[k] = strlen(columns[k].title);
	for (int pass = 0; pass < 2; pass++) { /* measure, then print */
		if (pass == 1 && !out->is_quiet) {
			fputs(is_coloured ? "\033[1m" : "", stdout);
			for (size_t k = 0; k < shown; k++)
				print_cell(columns[k].title, &columns[k], widths[k],
					   k + 1 == shown);
			puts(is_coloured ? "\033[0m" : "");
		}
		for (size_t i = 0; i < count; i++) {
			json_t *object = row(i, context);

			for (size_t k = 0; object && k < shown; k++) {
				char *text = cell(out, &columns[k], object);

				if (pass == 1)
					print_cell(text, &columns[k], widths[k], k + 1 == shown);
				else if (width(text) > widths[k])
					widths[k] = width(text);
				free(text);
			}
			if (object && pass == 1)
				putchar('\n');
			json_decref(object);
		}
	}
	free(widths);
}

void out_object(const struct out *out, json_t *object, const struct column *columns,
		size_t column_count)
{
	size_t widest = 0;

	if (out->is_json) {
		print_json(object, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	for (size_t k = 0; k < column_count; k++) {
		if (strlen(columns[k].title) > widest)
			widest = strlen(columns[k].title);
	}
	for (size_t k = 0; k < (out->is_quiet ? 1 : column_count); k++) {
		char *text;

		if (!json_object_get(object, columns[k].key))
			continue;
		text = cell(out, &columns[k], object);
		if (!out->is_quiet)
			printf("%s:%*s ", columns[k].title,
			       (int)(widest - strlen(columns[k].title)), "");
		puts(text);
		free(text);
	}
}

void out_note(const struct out *out, const char *format, ...)
{
	char *text, *safe;
	va_list args;
	int len;

	if (out->is_quiet)
		return;
	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	safe = out_escaped(text);
	fflush(stdout);
	fprintf(stderr, "ovlctl: %s\n", safe);
	free(safe);
	free(text);
}

void out_error(const struct ovl_error *err)
{
	char *object = out_escaped(err->object);

	fflush(stdout);
	fprintf(stderr, "ovlctl: cannot %s %s: %s\n", err->verb, object,
		err->reason ?: strerror(err->errnum));
	if (err->hint)
		fprintf(stderr, "ovlctl: hint: %s\n", err->hint);
	free(object);
}
