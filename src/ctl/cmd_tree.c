/* SPDX-License-Identifier: MIT */
/*
 * ovlctl tree: the forest of layers, each base with what is built on it. As text, as source for Graphviz, or as a picture.
 *
 * Drawn without recursion: a stack may be 500 layers deep, and a damaged tree may say anything of its parents.
 */
#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "verb.h"

struct label {	    /* the images and containers that end at a layer */
	char *text; /* or NULL */
	size_t len;
};

struct forest {
	const struct store *store;
	unsigned int *first; /* of each layer's children, or NO_LAYER */
	unsigned int *next;  /* of its siblings */
	bool *is_drawn;
	struct label *labels;
};

static void append(struct label *label, const char *text)
{
	for (;; text++) {
		label->text = file_grow(label->text, label->len, 1);
		label->text[label->len] = *text;
		if (!*text)
			return;
		label->len++;
	}
}

static void add_label(struct forest *forest, unsigned int layer, const char *text)
{
	if (layer == NO_LAYER)
		return;
	if (forest->labels[layer].text)
		append(&forest->labels[layer], ", ");
	append(&forest->labels[layer], text);
}

/* Children in the order of the layers, which is that of their ids. */
static void plant(struct forest *forest, const struct store *store)
{
	size_t size = store->layer_count * sizeof(unsigned int);

	*forest = (struct forest){ store, file_alloc(size), file_alloc(size),
				   file_alloc(store->layer_count),
				   file_alloc(store->layer_count * sizeof(struct label)) };
	for (unsigned int i = 0; i < store->layer_count; i++)
		forest->first[i] = forest->next[i] = NO_LAYER;
	for (unsigned int i = store->layer_count; i-- > 0;) {
		unsigned int parent = store->layers[i].parent;

		if (parent != NO_LAYER) {
			forest->next[i] = forest->first[parent];
			forest->first[parent] = i;
		}
	}
	for (unsigned int i = 0; i < store->image_count; i++) {
		const struct image *image = &store->images[i];

		for (unsigned int k = 0; k < image->name_count; k++) {
			if (!strchr(image->names[k], '@'))
				add_label(forest, image->layer, image->names[k]);
		}
	}
	for (unsigned int i = 0; i < store->container_count; i++)
		add_label(forest, store->containers[i].layer, store->containers[i].name);
}

static void print_layer(const struct forest *forest, const struct out *out, unsigned int i)
{
	const struct layer *layer = &forest->store->layers[i];
	char *id = out_id(layer->id, out->is_long);

	out_text(stdout, id);
	free(id);
	if (out->is_quiet) {
		putchar('\n');
		return;
	}
	printf("  %s", layer_kind_names[layer->kind]);
	if (layer->size >= 0) {
		char *size = out_bytes(layer->size);

		printf("  %s", size);
		free(size);
	}
	fputs(layer->is_damaged ? "  damaged" : "", stdout);
	if (forest->labels[i].text) {
		fputs("  ", stdout);
		out_text(stdout, forest->labels[i].text);
	}
	putchar('\n');
}

/* A layer that is still to be drawn. Only where the forest branches is it indented: most of an image is one row of layers. */
struct pending {
	unsigned int layer, level; /* level: branchings above it */
	bool is_branch, is_last;   /* one of several children, the last of them */
};

struct drawing {
	struct forest *forest;
	const struct out *out;
	struct pending *stack;
	unsigned int depth;
	bool *has_more; /* of each level: whether the line goes on, to the next sibling */
	const char *line, *nothing, *branch, *last;
};

static void push(struct drawing *drawing, unsigned int layer, unsigned int level, bool is_branch,
		 bool is_last)
{
	drawing->stack[drawing->depth++] = (struct pending){ layer, level, is_branch, is_last };
}

/* The children, so that the first is drawn next. */
static void push_children(struct drawing *drawing, unsigned int layer, unsigned int level)
{
	const struct forest *forest = drawing->forest;
	unsigned int begin = drawing->depth, child = forest->first[layer];
	bool is_branch = child != NO_LAYER && forest->next[child] != NO_LAYER;

	for (; child != NO_LAYER; child = forest->next[child])
		push(drawing, child, level + is_branch, is_branch, forest->next[child] == NO_LAYER);
	for (unsigned int end = drawing->depth; begin + 1 < end; begin++, end--) {
		struct pending swapped = drawing->stack[begin];

		drawing->stack[begin] = drawing->stack[end - 1];
		drawing->stack[end - 1] = swapped;
	}
}

static void draw_from(struct drawing *drawing, unsigned int root)
{
	push(drawing, root, 0, false, true);
	while (drawing->depth > 0) {
		struct pending at = drawing->stack[--drawing->depth];

		if (drawing->forest->is_drawn[at.layer])
			continue; /* a cycle */
		drawing->forest->is_drawn[at.layer] = true;
		for (unsigned int k = 0; k + at.is_branch < at.level; k++)
			fputs(drawing->has_more[k] ? drawing->line : drawing->nothing, stdout);
		if (at.is_branch) {
			fputs(at.is_last ? drawing->last : drawing->branch, stdout);
			drawing->has_more[at.level - 1] = !at.is_last;
		}
		print_layer(drawing->forest, drawing->out, at.layer);
		push_children(drawing, at.layer, at.level);
	}
}

static void draw(struct forest *forest, const struct out *out)
{
	bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	unsigned int count = forest->store->layer_count;
	struct drawing drawing = {
		.forest = forest,
		.out = out,
		.stack = file_alloc((count + 1) * sizeof(struct pending)),
		.has_more = file_alloc(count + 1),
		.line = is_utf8 ? "│  " : "|  ",
		.nothing = "   ",
		.branch = is_utf8 ? "├─ " : "|- ",
		.last = is_utf8 ? "└─ " : "`- ",
	};

	if (out->is_quiet)
		drawing.line = drawing.nothing = drawing.branch = drawing.last = "";

	for (unsigned int i = 0; i < count; i++) {
		if (forest->store->layers[i].parent == NO_LAYER)
			draw_from(&drawing, i);
	}
	for (unsigned int i = 0; i < count;
	     i++) { /* what is left has no base: its parents go round */
		if (!forest->is_drawn[i])
			draw_from(&drawing, i);
	}
	free(drawing.stack);
	free(drawing.has_more);
}

/* Text within double quotes of Graphviz's language. */
static void print_quoted(FILE *file, const char *text)
{
	char *safe = out_escaped(text);

	for (const char *at = safe; *at; at++) {
		if (*at == '"' || *at == '\\')
			putc('\\', file);
		putc(*at, file);
	}
	free(safe);
}

static void print_dot(const struct forest *forest, const struct out *out, FILE *file)
{
	const struct store *store = forest->store;

	fputs("digraph layers {\n\trankdir=BT; node [shape=box, fontname=\"monospace\", "
	      "style=filled, fillcolor=white];\n",
	      file);
	for (unsigned int i = 0; i < store->layer_count; i++) {
		const struct layer *layer = &store->layers[i];
		char *size = layer->size >= 0 ? out_bytes(layer->size) : NULL;
		char *id = out_id(layer->id, out->is_long);

		fprintf(file, "\t%u [label=\"", i);
		print_quoted(file, id);
		fprintf(file, "\\n%s%s%s", layer_kind_names[layer->kind], size ? ", " : "",
			size ?: "");
		if (forest->labels[i].text) {
			fputs("\\n", file);
			print_quoted(file, forest->labels[i].text);
		}
		fprintf(file, "\"%s];\n",
			layer->is_damaged	 ? ", color=red"
			: forest->labels[i].text ? ", fillcolor=lightblue"
						 : "");
		if (layer->parent != NO_LAYER)
			fprintf(file, "\t%u -> %u;\n", i, layer->parent);
		free(size);
		free(id);
	}
	fputs("}\n", file);
}

static int print_svg(const struct forest *forest, const struct out *out, struct ovl_error *err)
{
	FILE *pipe;
	int status;

	fflush(stdout);
	pipe = popen("dot -Tsvg", "w");
	if (!pipe)
		return ovl_cannot(err, errno, "run", "dot", NULL);
	signal(SIGPIPE, SIG_IGN); /* it may be gone before it has read all */
	print_dot(forest, out, pipe);
	status = pclose(pipe);
	if (status == 0)
		return 0;
	return ovl_fail(err, ENOENT, "make a picture with", "it failed, or is not installed",
			"it belongs to graphviz; --dot prints what it would get", "dot");
}

static json_t *row(size_t i, void *context)
{
	const struct forest *forest = context;
	const struct store *store = forest->store;
	const struct layer *layer = &store->layers[i];

	return json_pack(
		"{s:o, s:o?, s:s, s:i, s:o, s:b, s:o?}", "id", out_string(layer->id), "parent",
		layer->parent == NO_LAYER ? NULL : out_string(store->layers[layer->parent].id),
		"kind", layer_kind_names[layer->kind], "depth", (int)layer->depth, "size",
		out_number(layer->size), "damaged", layer->is_damaged, "names",
		forest->labels[i].text ? out_string(forest->labels[i].text) : NULL);
}

static int run(struct call *call, struct ovl_error *err)
{
	struct forest forest;
	struct store store;
	int ret = store_open(&store, call->root, err);

	if (ret < 0)
		return ret;
	plant(&forest, &store);
	if (call_option(call, "svg"))
		ret = print_svg(&forest, &call->out, err);
	else if (call_option(call, "dot"))
		print_dot(&forest, &call->out, stdout);
	else if (call->out.is_json)
		out_rows(&call->out, NULL, 0, store.layer_count, row, &forest);
	else
		draw(&forest, &call->out);
	return ret;
}

const struct verb cmd_tree = {
	.name = "tree",
	.arguments = "",
	.summary = "the layers as a forest: which is built on which",
	.run = run,
	.options = { { "dot", 0, NULL, "as source for Graphviz" },
		     { "svg", 0, NULL, "as a picture, by Graphviz's dot" } },
};
