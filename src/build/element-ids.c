/*
 * Lets generate-id() of XSLT name elements as libxslt did before it counted its calls: with SHEAF_ELEMENT_IDS, by the place
 * in the document that libxml2 keeps in an element's content (xmlXPathOrderDocElems), as "idm41", and where it keeps none,
 * by a count, as "idp3". What is no element keeps the name of today's libxslt. The structures are the beginnings of
 * libxml2's public ones, whose layout is part of its ABI; whatever is not loaded is not called.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct xml_node {
  void *private;
  int type;
  const char *name;
  struct xml_node *children, *last, *parent, *next, *previous;
  void *document, *namespace;
  char *content;
};
struct xml_nodes {
  int count, room;
  struct xml_node **all;
};
struct xpath_object {
  int type;
  struct xml_nodes *nodes;
};
struct xpath_context {
  void *document;
  struct xml_node *node;
};
struct xpath_parser {
  const char *current, *base;
  int error;
  struct xpath_context *context;
  struct xpath_object *value;
};

enum { element = 1, node_set = 1 };

static void *named(const char *function)
{
  void *found = dlsym(RTLD_DEFAULT, function);
  if (found == NULL) abort();
  return found;
}

/* The element that is asked for, the first one of a set in the document's order. */
static struct xml_node *element_of(struct xpath_parser *parser, int arguments)
{
  int (*compare_nodes)(struct xml_node *, struct xml_node *) = named("xmlXPathCmpNodes");
  struct xml_node *node = NULL;
  if (arguments == 0) node = parser->context->node;
  if (arguments == 1 && parser->value != NULL && parser->value->type == node_set && parser->value->nodes != NULL) {
    const struct xml_nodes *nodes = parser->value->nodes;
    for (int at = 0; at < nodes->count; at++)
      if (node == NULL || compare_nodes(node, nodes->all[at]) == -1) node = nodes->all[at];
  }
  return node != NULL && node->type == element ? node : NULL;
}

void xsltGenerateIdFunction(struct xpath_parser *parser, int arguments)
{
  static void *transformation;
  static long count;
  struct xml_node *node = getenv("SHEAF_ELEMENT_IDS") == NULL ? NULL : element_of(parser, arguments);
  char id[32];
  if (node == NULL) {
    ((void (*)(struct xpath_parser *, int))dlsym(RTLD_NEXT, "xsltGenerateIdFunction"))(parser, arguments);
    return;
  }
  if (arguments == 1)
    ((void (*)(void *))named("xmlXPathFreeObject"))(((void *(*)(struct xpath_parser *))named("valuePop"))(parser));
  if (node->content == NULL) {
    void *present = ((void *(*)(struct xpath_parser *))named("xsltXPathGetTransformContext"))(parser);
    if (present != transformation) count = 0;
    transformation = present;
    node->content = (char *)++count;
  }
  long place = (long)node->content;
  snprintf(id, sizeof id, "id%c%ld", place < 0 ? 'm' : 'p', labs(place));
  void *text = ((void *(*)(const char *))named("xmlXPathNewCString"))(id);
  ((int (*)(struct xpath_parser *, void *))named("valuePush"))(parser, text);
}
