/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Only strict JSON reaches json-glib, and json-glib reads the same from it. */

#include "json-check.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "rfdn.h"

static const RfdnJsonLimits limits = {.max_depth = 6, .max_values = 100};

/* TAP is UTF-8, including the text after "#". */
static void
say (const char *text)
{
  g_autofree char *escaped = g_strescape (text, NULL);
  g_test_message ("%s", escaped);
}

static void
test_accepted (void)
{
  static const char *const texts[] = {
      "{}",
      "[]",
      " \t\r\n{ } \n",
      "\"\"",
      "0",
      "-0",
      "[-1, 0.5, 1e5, 1E+5, -10.25e-3, 123456789]",
      "[true,false,null]",
      "{\"a\":{\"b\":[1,{\"c\":[]}]},\"a b\":\"\"}",
      "[[[[[[]]]]]]",
      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD834\\uDd1e\"",
      "\"\xc3\xa4\xf0\x9d\x84\x9e\x7f // /* # '\"",
      "{\"\":1,\" \":2}",
      "{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonParser) parser = json_parser_new_immutable ();
    say (texts[i]);
    g_assert_true (rfdn_json_check (texts[i], strlen (texts[i]), &limits, &error));
    g_assert_no_error (error);
    json_parser_load_from_data (parser, texts[i], (gssize) strlen (texts[i]), &error);
    g_assert_no_error (error);
  }
}

static void
test_refused (void)
{
  static const struct {
    const char *text;
    guint at; /* the byte that is wrong */
    const char *says;
  } cases[] = {
      {"", 0, "a value was expected"},
      {"  ", 2, "a value was expected"},
      {"{", 1, "a string in double quotes"},
      {"{\"a\"", 4, "a colon"},
      {"{\"a\":", 5, "a value"},
      {"{\"a\":1", 6, "a comma or the end"},
      {"{\"a\" 1}", 5, "a colon"},
      {"{\"a\":1 \"b\":2}", 7, "a comma or the end"},
      {"{\"a\":1,}", 7, "a string in double quotes"},
      {"[1,]", 3, "a value"},
      {"[,1]", 1, "a value"},
      {"[1}", 2, "a comma or the end"},
      {"{]", 1, "a string in double quotes"},
      {"{} {}", 3, "text behind the end"},
      {"{}x", 2, "text behind the end"},
      /* accepted by json-glib */
      {"{/* */\"a\":1}", 1, "a string in double quotes"},
      {"[1,/*]*/2]", 3, "a value"},
      {"[1,//]\n2]", 3, "a value"},
      {"[1,#]\n2]", 3, "a value"},
      {"//\n{}", 0, "a value"},
      {"{'a':1}", 1, "a string in double quotes"},
      {"['a']", 1, "a value"},
      {"{a:1}", 1, "a string in double quotes"},
      {"var a = {}", 0, "a value"},
      {"[TRUE]", 1, "a value"},
      {"[nul]", 1, "a value"},
      {"[truex]", 5, "a comma or the end"},
      {"{\"a\":1,\"a\":2}", 7, "the same name twice"},
      {"{\"ab\":1,\"\\u0061b\":2}", 8, "the same name twice"},
      {"{\"\":1,\"\":2}", 6, "the same name twice"},
      /* numbers */
      {"[01]", 2, "begins with 0"},
      {"[-01]", 3, "begins with 0"},
      {"[0x10]", 2, "a comma or the end"},
      {"[+1]", 1, "a value"},
      {"[-]", 2, "a digit"},
      {"[.5]", 1, "a value"},
      {"[1.]", 3, "a digit"},
      {"[1e]", 3, "a digit"},
      {"[1e+]", 4, "a digit"},
      {"[NaN]", 1, "a value"},
      {"[-Infinity]", 2, "a digit"},
      /* strings */
      {"\"", 1, "without an end"},
      {"\"abc", 4, "without an end"},
      {"\"\\\"", 3, "without an end"},
      {"\"\\", 2, "escape"},
      {"\"\\x\"", 2, "escape"},
      {"\"\\u12\"", 5, "four digits"},
      {"\"\\u12G4\"", 5, "four digits"},
      {"\"\\u0000\"", 7, "U+0000"},
      {"\"\\ud800\"", 7, "surrogate"},
      {"\"\\ud800\\u0041\"", 13, "surrogate"},
      {"\"\\udc00\"", 7, "surrogate"},
      {"\"a\nb\"", 2, "control character"},
      {"\"a\tb\"", 2, "control character"},
      {"\"\x1f\"", 1, "control character"},
      {"\"\xff\"", 1, "UTF-8"},
      {"\"\xc3\"", 1, "UTF-8"},
      {"\"\xed\xa0\x80\"", 1, "UTF-8"},
      {"\v{}", 0, "a value"},
      {"[\f]", 1, "a value"},
      {"\xef\xbb\xbf{}", 0, "a value"},
      /* limits */
      {"[[[[[[[]]]]]]]", 6, "too deep"},
      {"{\"a\":[{\"a\":[{\"a\":[{}]}]}]}", 18, "too deep"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *at = g_strdup_printf ("byte %u: ", cases[i].at);
    /* A copy of exactly this length, so that the address sanitizer notices reads beyond it. */
    const gsize length = strlen (cases[i].text);
    g_autofree char *copy = length > 0 ? g_memdup2 (cases[i].text, length) : NULL;

    say (cases[i].text);
    g_assert_false (rfdn_json_check (copy ? copy : "", length, &limits, &error));
    g_assert_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT);
    if (!g_str_has_prefix (error->message, at) || strstr (error->message, cases[i].says) == NULL)
      g_error ("'%s' is not '%s... %s'", error->message, at, cases[i].says);
  }
  g_assert_false (rfdn_json_check ("[\0]", 3, &limits, NULL));
}

/* The limits themselves are allowed. */
static void
test_limits (void)
{
  g_autoptr (GString) text = g_string_new ("[1");
  const RfdnJsonLimits flat = {.max_depth = 0, .max_values = 1};

  for (guint i = 2; i < limits.max_values; i++)
    g_string_append (text, ",1");
  g_string_append_c (text, ']');
  g_assert_true (rfdn_json_check (text->str, text->len, &limits, NULL));
  g_string_insert (text, 1, "1,");
  g_assert_false (rfdn_json_check (text->str, text->len, &limits, NULL));
  g_assert_true (rfdn_json_check ("1", 1, &flat, NULL));
  g_assert_false (rfdn_json_check ("[]", 2, &flat, NULL));
}

/* Values as json-glib counts them. */
static guint
count_values (JsonNode *node)
{
  guint n = 1;

  if (JSON_NODE_HOLDS_ARRAY (node)) {
    JsonArray *array = json_node_get_array (node);
    for (guint i = 0; i < json_array_get_length (array); i++)
      n += count_values (json_array_get_element (array, i));
  } else if (JSON_NODE_HOLDS_OBJECT (node)) {
    g_autoptr (GList) values = json_object_get_values (json_node_get_object (node));
    for (GList *at = values; at != NULL; at = at->next)
      n += count_values (at->data);
  }
  return n;
}

/* Random damage: json-glib parses all text that is accepted, and finds as many values as were
 * counted. */
static void
test_random (void)
{
  static const char seed[] =
      "{\"a\":{\"b\":[1,-2.5e3,\"x\\u0041\\n\"],\"c\":null},\"d\":[true,{}]}";
  static const char bytes[] = "{}[]\",:'\\/*#0123456789.eE+-truefalsn ux\t\n";
  guint n_accepted = 0;

  for (guint round = 0; round < 100000; round++) {
    g_autofree char *text = g_strdup (seed);
    for (gint k = g_test_rand_int_range (1, 4); k > 0; k--)
      text[g_test_rand_int_range (0, sizeof seed - 1)] =
          bytes[g_test_rand_int_range (0, sizeof bytes - 1)];
    if (!rfdn_json_check (text, strlen (text), &limits, NULL))
      continue;
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonParser) parser = json_parser_new_immutable ();
    json_parser_load_from_data (parser, text, -1, &error);
    if (error != NULL)
      g_error ("%s: %s", text, error->message);
    const RfdnJsonLimits exact = {limits.max_depth, count_values (json_parser_get_root (parser))};
    g_assert_true (rfdn_json_check (text, strlen (text), &exact, NULL));
    const RfdnJsonLimits less = {limits.max_depth, exact.max_values - 1};
    g_assert_false (rfdn_json_check (text, strlen (text), &less, NULL));
    n_accepted++;
  }
  g_test_message ("%u accepted", n_accepted);
  g_assert_cmpuint (n_accepted, >, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/accepted", test_accepted);
  g_test_add_func ("/json/refused", test_refused);
  g_test_add_func ("/json/limits", test_limits);
  g_test_add_func ("/json/random", test_random);
  return g_test_run ();
}
