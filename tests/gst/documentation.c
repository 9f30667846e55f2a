/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gst/docs/gst_plugins_cache.json tells hotdoc, GStreamer's documentation tool, about the plugin
 * without building it. The test compares it with the plugin; `test-gst-documentation --write`
 * updates it. */

#include <gst/gst.h>
#include <json-glib/json-glib.h>

#include <string.h>

/* ---- from the plugin ------------------------------------------------------------------------- */

static void
add_string (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, value);
}

static void
add_boolean (JsonBuilder *json, const char *name, gboolean value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_boolean_value (json, value);
}

static void add_printf (JsonBuilder *json, const char *name, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
add_printf (JsonBuilder *json, const char *name, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  add_string (json, name, text);
}

static void
begin_object (JsonBuilder *json, const char *name)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_object (json);
}

static gboolean
append_field (GQuark field, const GValue *value, gpointer text)
{
  g_autofree char *serialized = gst_value_serialize (value);
  g_auto (GStrv) parts = g_strsplit (serialized, "(string)", -1);
  g_autofree char *plain = g_strjoinv ("", parts);

  g_string_append_printf (text, "%15s: %s\n", g_quark_to_string (field), plain);
  return TRUE;
}

/* As gst-inspect-1.0 shows them. */
static char *
describe_caps (const GstCaps *caps)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstStructure *structure = gst_caps_get_structure (caps, i);
    GstCapsFeatures *features = gst_caps_get_features (caps, i);

    g_string_append (text, gst_structure_get_name (structure));
    if (features != NULL &&
        (gst_caps_features_is_any (features) ||
         !gst_caps_features_is_equal (features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY))) {
      g_autofree char *names = gst_caps_features_to_string (features);

      g_string_append_printf (text, "(%s)", names);
    }
    g_string_append (text, ":\n");
    gst_structure_foreach (structure, append_field, text);
  }
  return g_string_free (text, FALSE);
}

static void
add_templates (JsonBuilder *json, GstElement *element)
{
  begin_object (json, "pad-templates");
  for (const GList *l = gst_element_class_get_pad_template_list (GST_ELEMENT_GET_CLASS (element));
       l != NULL; l = l->next) {
    GstPadTemplate *template = l->data;
    g_autoptr (GstCaps) caps = gst_pad_template_get_caps (template);
    g_autofree char *text = describe_caps (caps);

    begin_object (json, GST_PAD_TEMPLATE_NAME_TEMPLATE (template));
    add_string (json, "caps", text);
    add_string (json, "direction",
                GST_PAD_TEMPLATE_DIRECTION (template) == GST_PAD_SRC ? "src" : "sink");
    add_string (json, "presence", "always");
    json_builder_end_object (json);
  }
  json_builder_end_object (json);
}

static void
add_range (JsonBuilder *json, const GParamSpec *spec)
{
  if (G_IS_PARAM_SPEC_UINT (spec)) {
    add_printf (json, "max", "%u", G_PARAM_SPEC_UINT (spec)->maximum);
    add_printf (json, "min", "%u", G_PARAM_SPEC_UINT (spec)->minimum);
  } else if (G_IS_PARAM_SPEC_INT (spec)) {
    add_printf (json, "max", "%d", G_PARAM_SPEC_INT (spec)->maximum);
    add_printf (json, "min", "%d", G_PARAM_SPEC_INT (spec)->minimum);
  } else if (G_IS_PARAM_SPEC_DOUBLE (spec)) {
    add_printf (json, "max", "%g", G_PARAM_SPEC_DOUBLE (spec)->maximum);
    add_printf (json, "min", "%g", G_PARAM_SPEC_DOUBLE (spec)->minimum);
  }
}

static void
add_default (JsonBuilder *json, GstElement *element, GParamSpec *spec)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, spec->value_type);
  g_object_get_property (G_OBJECT (element), spec->name, &value);
  if (G_VALUE_HOLDS_STRING (&value)) {
    add_string (json, "default", g_value_get_string (&value));
  } else if (G_VALUE_HOLDS_ENUM (&value)) {
    const GEnumValue *row =
        g_enum_get_value (G_PARAM_SPEC_ENUM (spec)->enum_class, g_value_get_enum (&value));

    add_printf (json, "default", "%s (%d)", row->value_nick, row->value);
  } else if (GST_VALUE_HOLDS_STRUCTURE (&value)) {
    g_autofree char *text = gst_structure_to_string (gst_value_get_structure (&value));

    add_string (json, "default", text);
  } else {
    g_autofree char *text = gst_value_serialize (&value);

    add_string (json, "default", text);
  }
}

static const char *
get_mutability (const GParamSpec *spec)
{
  if (spec->flags & GST_PARAM_MUTABLE_PLAYING)
    return "playing";
  if (spec->flags & GST_PARAM_MUTABLE_PAUSED)
    return "paused";
  return spec->flags & GST_PARAM_MUTABLE_READY ? "ready" : "null";
}

/* Those of the element's own type. */
static void
add_properties (JsonBuilder *json, GstElement *element)
{
  guint n;
  g_autofree GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

  begin_object (json, "properties");
  for (guint i = 0; i < n; i++) {
    GParamSpec *spec = specs[i];

    if (spec->owner_type != G_OBJECT_TYPE (element))
      continue;
    begin_object (json, spec->name);
    add_string (json, "blurb", g_param_spec_get_blurb (spec));
    add_boolean (json, "conditionally-available", FALSE);
    add_boolean (json, "construct", (spec->flags & G_PARAM_CONSTRUCT) != 0);
    add_boolean (json, "construct-only", (spec->flags & G_PARAM_CONSTRUCT_ONLY) != 0);
    add_boolean (json, "controllable", (spec->flags & GST_PARAM_CONTROLLABLE) != 0);
    add_default (json, element, spec);
    add_range (json, spec);
    add_string (json, "mutable", get_mutability (spec));
    add_boolean (json, "readable", (spec->flags & G_PARAM_READABLE) != 0);
    add_string (json, "type", g_type_name (spec->value_type));
    add_boolean (json, "writable", (spec->flags & G_PARAM_WRITABLE) != 0);
    json_builder_end_object (json);
  }
  json_builder_end_object (json);
}

static void
add_element (JsonBuilder *json, GstElement *element)
{
  const GType type = G_OBJECT_TYPE (element);
  guint n_interfaces;
  g_autofree GType *interfaces = g_type_interfaces (type, &n_interfaces);

  begin_object (json, GST_OBJECT_NAME (gst_element_get_factory (element)));
  add_string (json, "author", gst_element_get_metadata (element, "author"));
  add_string (json, "description", gst_element_get_metadata (element, "description"));
  json_builder_set_member_name (json, "hierarchy");
  json_builder_begin_array (json);
  for (GType t = type; t != 0; t = g_type_parent (t))
    json_builder_add_string_value (json, g_type_name (t));
  json_builder_end_array (json);
  json_builder_set_member_name (json, "interfaces");
  json_builder_begin_array (json);
  for (guint i = 0; i < n_interfaces; i++)
    json_builder_add_string_value (json, g_type_name (interfaces[i]));
  json_builder_end_array (json);
  add_string (json, "klass", gst_element_get_metadata (element, "klass"));
  add_string (json, "long-name", gst_element_get_metadata (element, "long-name"));
  add_templates (json, element);
  add_properties (json, element);
  add_string (json, "rank", "none");
  json_builder_end_object (json);
}

/* The types of the element's properties that the plugin itself defines. */
static void
add_types (JsonBuilder *json, GstElement *element)
{
  guint n;
  g_autofree GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

  begin_object (json, "other-types");
  for (guint i = 0; i < n; i++) {
    if (specs[i]->owner_type != G_OBJECT_TYPE (element) || !G_IS_PARAM_SPEC_ENUM (specs[i]))
      continue;
    begin_object (json, g_type_name (specs[i]->value_type));
    add_string (json, "kind", "enum");
    json_builder_set_member_name (json, "values");
    json_builder_begin_array (json);
    for (const GEnumValue *row = G_PARAM_SPEC_ENUM (specs[i])->enum_class->values;
         row->value_name != NULL; row++) {
      json_builder_begin_object (json);
      add_string (json, "desc", row->value_name);
      add_string (json, "name", row->value_nick);
      add_printf (json, "value", "%d", row->value);
      json_builder_end_object (json);
    }
    json_builder_end_array (json);
    json_builder_end_object (json);
  }
  json_builder_end_object (json);
}

static JsonNode *
describe_plugin (void)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (GstElement) element = gst_element_factory_make ("rfdnupscale", NULL);
  g_autoptr (GstPlugin) plugin = NULL;

  g_assert_nonnull (element);
  plugin = gst_plugin_feature_get_plugin (GST_PLUGIN_FEATURE (gst_element_get_factory (element)));
  json_builder_begin_object (json);
  begin_object (json, gst_plugin_get_name (plugin));
  add_string (json, "description", gst_plugin_get_description (plugin));
  begin_object (json, "elements");
  add_element (json, element);
  json_builder_end_object (json);
  add_string (json, "filename", "gstrfdn");
  add_string (json, "license", gst_plugin_get_license (plugin));
  add_types (json, element);
  add_string (json, "package", gst_plugin_get_package (plugin));
  add_string (json, "source", gst_plugin_get_source (plugin));
  begin_object (json, "tracers");
  json_builder_end_object (json);
  add_string (json, "url", gst_plugin_get_origin (plugin));
  json_builder_end_object (json);
  json_builder_end_object (json);
  return json_builder_get_root (json);
}

/* ---- against the file ------------------------------------------------------------------------ */

static JsonNode *
read_file (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, PLUGIN_CACHE, &error);
  g_assert_no_error (error);
  return json_parser_steal_root (parser);
}

static JsonObject *
get_member (JsonObject *object, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);

  for (char **name = names; *name != NULL; name++) {
    g_assert_true (json_object_has_member (object, *name));
    object = json_object_get_object_member (object, *name);
  }
  return object;
}

/* The names in `text` from "{ " on; FALSE when it has none. */
static gboolean
split_formats (const char *text, GStrv *formats)
{
  const char *begin = strchr (text, '{'), *end = strchr (text, '}');
  g_autofree char *list = NULL;

  if (begin == NULL || end == NULL)
    return FALSE;
  list = g_strndup (begin + 2, (gsize) (end - begin - 3));
  *formats = g_strsplit (list, ", ", -1);
  return TRUE;
}

/* Ignores formats that are missing in the file, and their order: new releases of GStreamer add
 * some. */
static void
compare_line (const char *want, const char *got)
{
  g_auto (GStrv) want_formats = NULL, got_formats = NULL;

  if (!split_formats (want, &want_formats)) {
    g_assert_cmpstr (got, ==, want);
    return;
  }
  g_assert_true (split_formats (got, &got_formats));
  for (char **format = want_formats; *format != NULL; format++) {
    if (!g_strv_contains ((const char *const *) got_formats, *format))
      g_error ("%s is missing", *format);
  }
}

static void
compare_lines (const char *want, const char *got)
{
  g_auto (GStrv) want_lines = g_strsplit (want, "\n", -1), got_lines = g_strsplit (got, "\n", -1);

  g_assert_cmpuint (g_strv_length (got_lines), ==, g_strv_length (want_lines));
  for (guint i = 0; want_lines[i] != NULL; i++)
    compare_line (want_lines[i], got_lines[i]);
}

static void
test_caps (void)
{
  g_autoptr (JsonNode) want = read_file (), got = describe_plugin ();
  static const char *const names[] = {"sink", "src"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path =
        g_strconcat ("rfdn/elements/rfdnupscale/pad-templates/", names[i], NULL);

    compare_lines (
        json_object_get_string_member (get_member (json_node_get_object (want), path), "caps"),
        json_object_get_string_member (get_member (json_node_get_object (got), path), "caps"));
  }
}

/* What depends on GStreamer, and on the options of a build. */
static void
remove_varying (JsonNode *node)
{
  JsonObject *plugin = get_member (json_node_get_object (node), "rfdn");

  json_object_remove_member (plugin, "package");
  json_object_remove_member (plugin, "url");
  json_object_remove_member (get_member (plugin, "elements/rfdnupscale/pad-templates/sink"),
                             "caps");
  json_object_remove_member (get_member (plugin, "elements/rfdnupscale/pad-templates/src"), "caps");
}

static void
test_all_else (void)
{
  g_autoptr (JsonNode) want = read_file (), got = describe_plugin ();

  remove_varying (want);
  remove_varying (got);
  if (!json_node_equal (got, want)) {
    g_autofree char *text = json_to_string (got, TRUE);

    g_error ("%s is out of date (test-gst-documentation --write): the plugin says\n%s",
             PLUGIN_CACHE, text);
  }
}

static int
write_file (void)
{
  g_autoptr (JsonNode) node = describe_plugin ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *lines = NULL;

  json_generator_set_root (generator, node);
  json_generator_set_pretty (generator, TRUE);
  json_generator_set_indent (generator, 4);
  text = json_generator_to_data (generator, NULL);
  lines = g_strconcat (text, "\n", NULL);
  g_file_set_contents (PLUGIN_CACHE, lines, -1, &error);
  g_assert_no_error (error);
  return 0;
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc == 2 && g_str_equal (argv[1], "--write"))
    return write_file ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/documentation/caps", test_caps);
  g_test_add_func ("/documentation/all-else", test_all_else);
  return g_test_run ();
}
