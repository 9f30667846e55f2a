/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The loader: what it finds in good files, and that errors say what is wrong with bad ones. */

#include <math.h>
#include <string.h>

#include "rfdn.h"
#include "synthetic.h"

static const SyntheticNetwork small = {"reprfn", 4, 1, 2, 1, FALSE, 1};

static void
test_shapes (void)
{
  static const SyntheticNetwork networks[] = {
      {"reprfn", 4, 1, 2, 1, FALSE, 1}, {"reprfn", 12, 3, 3, 3, TRUE, 2},
      {"rfdn", 8, 2, 4, 1, TRUE, 3},    {"rfdn", 50, 4, 4, 3, TRUE, 4},
      {"rfdn", 3, 6, 2, 3, TRUE, 5},
  };

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = synthetic_network_new (&networks[i]);
    g_autoptr (RfdnModel) model = rfdn_model_new (bytes, &error);
    g_assert_no_error (error);
    const RfdnModelInfo *info = rfdn_model_get_info (model);
    g_assert_cmpstr (info->architecture, ==, networks[i].architecture);
    g_assert_cmpuint (info->features, ==, networks[i].features);
    g_assert_cmpuint (info->blocks, ==, networks[i].blocks);
    g_assert_cmpuint (info->scale, ==, networks[i].scale);
    g_assert_cmpuint (info->channels, ==, networks[i].channels);
    g_assert_cmpint (info->attention, ==, networks[i].attention);
    g_assert_cmpint (info->colour, ==,
                     networks[i].channels == 1 ? RFDN_COLOUR_LUMA : RFDN_COLOUR_RGB);
    g_assert_cmpfloat (info->input_range, ==, 1);
    /* fea_conv, four 3x3 per block, LR_conv and the last one */
    g_assert_cmpuint (info->halo, ==, 3 + 4 * networks[i].blocks);
  }
}

/* E-RFDN's number of parameters and its cost, as in the paper. */
static void
test_e_rfdn (void)
{
  const SyntheticNetwork network = {"rfdn", 50, 4, 4, 3, TRUE, 4};
  g_autoptr (GBytes) bytes = synthetic_network_new (&network);
  g_autoptr (RfdnModel) model = rfdn_model_new (bytes, NULL);
  g_assert_cmpuint (rfdn_model_get_info (model)->parameters, ==, 433448);
  g_assert_cmpuint (rfdn_model_get_info (model)->macs / 1000, ==, 412);
}

static void
test_builtins (void)
{
  const RfdnBuiltin *builtin = rfdn_builtin_models ();
  g_assert_nonnull (builtin->name);

  for (; builtin->name; builtin++) {
    g_assert_cmpuint (builtin->scales, !=, 0);
    for (guint scale = 1; scale <= 5; scale++) {
      g_autoptr (GError) error = NULL;
      g_autoptr (RfdnModel) model = rfdn_model_new_builtin (builtin->name, scale, &error);
      if (builtin->scales >> scale & 1) {
        g_assert_no_error (error);
        g_assert_cmpuint (rfdn_model_get_info (model)->scale, ==, scale);
        g_assert_cmpstr (rfdn_model_get_info (model)->name, ==, builtin->name);
      } else {
        g_assert_error (error, RFDN_ERROR, RFDN_ERROR_NOT_FOUND);
        g_assert_nonnull (strstr (error->message, builtin->name));
      }
    }
    g_autoptr (RfdnModel) any = rfdn_model_new_builtin (builtin->name, 0, NULL);
    g_assert_nonnull (any);
  }

  g_autoptr (GError) error = NULL;
  g_assert_null (rfdn_model_new_builtin ("no-such-model", 2, &error));
  g_assert_error (error, RFDN_ERROR, RFDN_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, rfdn_builtin_models ()->name));
}

static void
assert_bad (GBytes *bytes, RfdnError code, const char *says)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) model = rfdn_model_new (bytes, &error);
  g_assert_null (model);
  g_assert_error (error, RFDN_ERROR, (gint) code);
  g_assert_null (strchr (error->message, '\n'));
  if (says && strstr (error->message, says) == NULL)
    g_error ("'%s' does not say '%s'", error->message, says);
}

/* Wherever it is cut off, the file is refused. */
static void
test_truncated (void)
{
  g_autoptr (GBytes) bytes = synthetic_network_new (&small);
  gsize size = g_bytes_get_size (bytes);

  for (gsize length = 0; length < size; length++) {
    /* A copy of exactly this length, so that the address sanitizer notices reads beyond it. */
    g_autoptr (GBytes) cut = g_bytes_new (g_bytes_get_data (bytes, NULL), length);
    assert_bad (cut, RFDN_ERROR_FORMAT, NULL);
  }
}

/* One byte changed anywhere: a model or an error, never worse. */
static void
test_damaged (void)
{
  g_autoptr (GBytes) bytes = synthetic_network_new (&small);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  for (guint round = 0; round < 4000; round++) {
    g_autofree guint8 *copy = g_memdup2 (data, size);
    gsize at = (gsize) g_test_rand_int_range (0, round % 4 ? 1800 : (gint) size);
    copy[at] = (guint8) g_test_rand_int_range (0, 256);
    g_autoptr (GBytes) damaged = g_bytes_new (copy, size);
    g_autoptr (GError) error = NULL;
    g_autoptr (RfdnModel) model = rfdn_model_new (damaged, &error);
    g_assert_true ((model == NULL) == (error != NULL));
  }
}

static GBytes *
file_of (const char *header, gint64 length, gsize data)
{
  GByteArray *file = g_byte_array_new ();
  guint64 le = GUINT64_TO_LE (length < 0 ? strlen (header) : (guint64) length);
  g_byte_array_append (file, (const guint8 *) &le, 8);
  g_byte_array_append (file, (const guint8 *) header, (guint) strlen (header));
  for (gsize i = 0; i < data; i++)
    g_byte_array_append (file, (const guint8 *) "", 1);
  return g_byte_array_free_to_bytes (file);
}

static void
test_headers (void)
{
  static const struct {
    const char *header;
    gint64 length; /* -1: the true one */
    gsize data;
    RfdnError code;
    const char *says;
  } cases[] = {
      {"", -1, 0, RFDN_ERROR_FORMAT, "not a safetensors"},
      {"{}", G_MAXINT64, 0, RFDN_ERROR_FORMAT, "not a safetensors"},
      {"{}", 3, 0, RFDN_ERROR_FORMAT, "not a safetensors"},
      {"[]", -1, 0, RFDN_ERROR_FORMAT, "not a safetensors"},
      {"{}", -1, 0, RFDN_ERROR_MODEL, "no known network"},
      {"{]", -1, 0, RFDN_ERROR_FORMAT, "not the JSON"},
      {"{\"a\":{\"b\":[[[[[[[[1]]]]]]]]}}", -1, 0, RFDN_ERROR_FORMAT, "not the JSON"},
      {"{\"a\":\xff\xfe}", -1, 0, RFDN_ERROR_FORMAT, "not the JSON"},
      {"{\"a\":1}", -1, 0, RFDN_ERROR_FORMAT, "entry a"},
      {"{\"a\":{}}", -1, 0, RFDN_ERROR_FORMAT, "dtype"},
      {"{\"a\":{\"dtype\":3}}", -1, 0, RFDN_ERROR_FORMAT, "dtype"},
      {"{\"a\":{\"dtype\":\"F7\"}}", -1, 0, RFDN_ERROR_FORMAT, "F7"},
      {"{\"a\":{\"dtype\":\"F\\n7\"}}", -1, 0, RFDN_ERROR_FORMAT, "F?7"},
      {"{\"a\":{\"dtype\":\"F7\"},\"\\u0061\":{}}", -1, 0, RFDN_ERROR_FORMAT, "twice"},
      {"{/* */\"a\":{}}", -1, 0, RFDN_ERROR_FORMAT, "not the JSON"},
      {"{'a':{}}", -1, 0, RFDN_ERROR_FORMAT, "not the JSON"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", -1, 8, RFDN_ERROR_FORMAT,
       "4 bytes in front of tensor a"},
      {"{\"a\":{\"dtype\":\"F32\"}}", -1, 0, RFDN_ERROR_FORMAT, "shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", -1, 4,
       RFDN_ERROR_FORMAT, "shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", -1, 4,
       RFDN_ERROR_FORMAT, "shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}}", -1, 4,
       RFDN_ERROR_FORMAT, "shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}", -1, 4,
       RFDN_ERROR_FORMAT, "shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", -1, 4, RFDN_ERROR_FORMAT,
       "data_offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", -1, 4, RFDN_ERROR_FORMAT,
       "data_offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", -1, 4,
       RFDN_ERROR_FORMAT, "data_offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", -1, 4, RFDN_ERROR_FORMAT,
       "contradict"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", -1, 4, RFDN_ERROR_FORMAT,
       "cut short"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", -1, 5, RFDN_ERROR_FORMAT,
       "follow"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", -1,
       0, RFDN_ERROR_FORMAT, "contradict"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807,"
       "9223372036854775807,9223372036854775807],\"data_offsets\":[0,0]}}",
       -1, 0, RFDN_ERROR_FORMAT, "contradict"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,0]}}", -1, 0,
       RFDN_ERROR_FORMAT, NULL},
      {"{\"__metadata__\":[]}", -1, 0, RFDN_ERROR_FORMAT, "__metadata__"},
      {"{\"__metadata__\":{\"scale\":2}}", -1, 0, RFDN_ERROR_FORMAT, "scale"},
      {"{\"a\\nb\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", -1, 4,
       RFDN_ERROR_FORMAT, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = file_of (cases[i].header, cases[i].length, cases[i].data);
    g_autofree char *printable = g_strescape (cases[i].header, NULL);
    g_test_message ("%s", printable);
    assert_bad (bytes, cases[i].code, cases[i].says);
  }
}

/* A deeply nested header of allowed length must not exhaust the stack, even after a prefix that
 * parsers read differently. */
static void
test_deep (void)
{
  static const char *const begins[] = {
      "{\"a\":", "{/*\"*/\"a\":", "{'\"':", "{//\"\n\"a\":", "{#\"\n\"a\":", "{\"\\\"'\":"};

  for (guint k = 0; k < G_N_ELEMENTS (begins); k++) {
    g_autoptr (GString) text = g_string_new (begins[k]);
    for (guint i = 0; i < 100000; i++)
      g_string_append_c (text, '[');
    g_autoptr (GBytes) bytes = file_of (text->str, -1, 0);
    assert_bad (bytes, RFDN_ERROR_FORMAT, "not the JSON");
  }
}

/* A parsed header takes many times its length in memory. */
static void
test_large_header (void)
{
  g_autoptr (GString) text = g_string_new ("{\"__metadata__\":{\"name\":\"");
  for (guint i = 0; i < 1u << 20; i++)
    g_string_append_c (text, 'x');
  g_string_append (text, "\"}}");
  g_autoptr (GBytes) one_string = file_of (text->str, -1, 0);
  assert_bad (one_string, RFDN_ERROR_FORMAT, "at most");

  g_string_assign (text, "{\"a\":[0");
  for (guint i = 0; i < 100000; i++)
    g_string_append (text, ",0");
  g_string_append (text, "]}");
  g_autoptr (GBytes) many_values = file_of (text->str, -1, 0);
  assert_bad (many_values, RFDN_ERROR_FORMAT, "too many values");
}

static void
append_entry (GString *header, const char *name, const char *dtype, guint n, guint begin, guint end)
{
  g_string_append_printf (header,
                          "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%u],\"data_offsets\":[%u,%u]}",
                          header->len > 1 ? "," : "", name, dtype, n, begin, end);
}

/* Tensors together are no larger than the file: without that rule, tensors that share bytes could
 * be any size. */
static void
test_ranges (void)
{
  static const struct {
    guint ranges[3][2];
    const char *says; /* NULL: they are accepted */
  } cases[] = {
      {{{0, 40}, {40, 60}, {60, 100}}, NULL},
      {{{60, 100}, {0, 40}, {40, 60}}, NULL},
      {{{0, 50}, {50, 50}, {50, 100}}, NULL},
      {{{0, 0}, {0, 100}, {100, 100}}, NULL},
      {{{40, 40}, {0, 100}, {0, 0}}, NULL},
      {{{0, 100}, {0, 100}, {0, 0}}, "share bytes"},
      {{{0, 60}, {59, 80}, {80, 100}}, "a and b share bytes"},
      {{{0, 100}, {40, 41}, {50, 51}}, "share bytes"},
      {{{0, 40}, {41, 60}, {60, 100}}, "1 bytes in front of tensor b"},
      {{{10, 40}, {40, 60}, {60, 100}}, "10 bytes in front of tensor a"},
      {{{0, 40}, {40, 60}, {60, 99}}, "1 bytes follow"},
  };
  static const char *const names[] = {"a", "b", "c"};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) header = g_string_new ("{");
    for (guint k = 0; k < 3; k++) {
      const guint *range = cases[i].ranges[k];
      append_entry (header, names[k], "U8", range[1] - range[0], range[0], range[1]);
    }
    g_string_append_c (header, '}');
    g_autoptr (GBytes) bytes = file_of (header->str, -1, 100);
    assert_bad (bytes, cases[i].says ? RFDN_ERROR_FORMAT : RFDN_ERROR_MODEL,
                cases[i].says ? cases[i].says : "no known network");
  }
}

/* Three thousand tensors of the same 250 kB, which would take 1.5 GB as floats. */
static void
test_shared_bytes (void)
{
  const guint size = 250000;
  g_autoptr (GString) header = g_string_new ("{");

  for (guint i = 0; i < 3000; i++) {
    g_autofree char *name = g_strdup_printf ("t%u", i);
    append_entry (header, name, "F16", size / 2, 0, size);
  }
  g_string_append_c (header, '}');
  g_autoptr (GBytes) bytes = file_of (header->str, -1, size);
  assert_bad (bytes, RFDN_ERROR_FORMAT, "share bytes");
}

/* A network in which one tensor or the metadata does not fit the rest. */
static GBytes *
file_with (const char *drop, const SyntheticTensor *extra, const char *metadata)
{
  static const struct {
    const char *name;
    gsize out, in, side;
  } convs[] = {
      {"fea_conv", 2, 1, 3},
      {"reprfb1.repblock1.rbr_reparam", 2, 2, 3},
      {"reprfb1.repblock2.rbr_reparam", 2, 2, 3},
      {"reprfb1.repblock3.rbr_reparam", 2, 2, 3},
      {"reprfb1.conv3", 2, 2, 3},
      {"lr_conv", 2, 2, 3},
      {"upsampler.conv", 4, 2, 3},
  };
  static float zeros[4096];
  SyntheticTensor tensors[2 * G_N_ELEMENTS (convs) + 1];
  char *names[2 * G_N_ELEMENTS (convs)];
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (convs); i++) {
    names[2 * i] = g_strconcat (convs[i].name, ".weight", NULL);
    names[2 * i + 1] = g_strconcat (convs[i].name, ".bias", NULL);
    for (guint k = 0; k < 2; k++) {
      SyntheticTensor tensor = {.name = names[2 * i + k], .n_dims = k ? 1 : 4, .values = zeros};
      gsize shape[4] = {convs[i].out, convs[i].in, convs[i].side, convs[i].side};
      memcpy (tensor.shape, shape, sizeof shape);
      if (drop == NULL || !g_str_equal (tensor.name, drop))
        tensors[n++] = tensor;
    }
  }
  if (extra)
    tensors[n++] = *extra;
  GBytes *bytes = synthetic_file_new (tensors, n, metadata);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_free (names[i]);
  return bytes;
}

static void
test_tensors (void)
{
  static float zeros[4096], bad[4096];
  static const struct {
    const char *name;
    guint n_dims;
    gsize shape[4];
  } wrong[] = {
      {"fea_conv.weight", 4, {2, 2, 3, 3}},
      {"fea_conv.weight", 4, {2, 1, 5, 5}},
      {"fea_conv.weight", 1, {2}},
      {"fea_conv.weight", 4, {0, 1, 3, 3}},
      {"fea_conv.bias", 1, {3}},
      {"fea_conv.bias", 2, {2, 1}},
      {"reprfb1.conv3.weight", 4, {2, 3, 3, 3}},
      {"reprfb1.conv3.weight", 4, {3, 2, 3, 3}},
      {"lr_conv.weight", 4, {2, 2, 1, 1}},
      {"upsampler.conv.weight", 4, {5, 2, 3, 3}},
      {"upsampler.conv.weight", 4, {25, 2, 3, 3}},
      {"upsampler.conv.weight", 0, {0}},
  };

  g_autoptr (GBytes) good = file_with (NULL, NULL, NULL);
  g_autoptr (RfdnModel) model = rfdn_model_new (good, NULL);
  g_assert_nonnull (model);

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    SyntheticTensor tensor = {.name = wrong[i].name, .n_dims = wrong[i].n_dims, .values = zeros};
    memcpy (tensor.shape, wrong[i].shape, sizeof tensor.shape);
    g_autoptr (GBytes) bytes = file_with (wrong[i].name, &tensor, NULL);
    assert_bad (bytes, RFDN_ERROR_MODEL, i == 4 || i == 5 ? "fea_conv.bias" : NULL);
  }

  g_autoptr (GBytes) missing = file_with ("lr_conv.bias", NULL, NULL);
  assert_bad (missing, RFDN_ERROR_MODEL, "lr_conv.bias is missing");

  static const float poisons[] = {NAN, INFINITY, -INFINITY};
  for (guint i = 0; i < G_N_ELEMENTS (poisons); i++) {
    bad[7] = poisons[i];
    SyntheticTensor tensor = {"lr_conv.weight", 4, {2, 2, 3, 3}, bad};
    g_autoptr (GBytes) bytes = file_with ("lr_conv.weight", &tensor, NULL);
    assert_bad (bytes, RFDN_ERROR_MODEL, "lr_conv.weight holds a number that is not finite");
  }
}

static void
test_metadata (void)
{
  static const struct {
    const char *metadata, *says;
  } cases[] = {
      {"{\"architecture\":\"rfdn\"}", "architecture"},
      {"{\"scale\":\"3\"}", "scale"},
      {"{\"scale\":\"two\"}", "scale"},
      {"{\"scale\":\"-2\"}", "scale"},
      {"{\"input_range\":\"2\"}", "input_range"},
      {"{\"colour\":\"rgb\"}", "colour"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = file_with (NULL, NULL, cases[i].metadata);
    assert_bad (bytes, RFDN_ERROR_MODEL, cases[i].says);
  }

  g_autoptr (GBytes) bytes = file_with (
      NULL, NULL,
      "{\"architecture\":\"reprfn\",\"scale\":\"2\",\"input_range\":\"255\",\"colour\":\"luma\","
      "\"name\":\"tiny\",\"description\":\"does nothing\",\"anything\":\"else\"}");
  g_autoptr (RfdnModel) model = rfdn_model_new (bytes, NULL);
  g_assert_nonnull (model);
  g_assert_cmpfloat (rfdn_model_get_info (model)->input_range, ==, 255);
  g_assert_cmpstr (rfdn_model_get_info (model)->name, ==, "tiny");
  g_assert_cmpstr (rfdn_model_get_info (model)->description, ==, "does nothing");
}

/* The dtypes of weights. All weights are zero except the bias of the last layer, so it alone
 * makes the picture. */
static void
test_dtypes (void)
{
  static const struct {
    const char *dtype;
    guint8 bytes[4]; /* of one number */
    gsize size;
    float value;
  } cases[] = {
      {"F32", {0, 0, 0xa0, 0xbf}, 4, -1.25f}, {"F16", {0x00, 0x3e}, 2, 1.5f},
      {"F16", {0x00, 0xb8}, 2, -0.5f},        {"F16", {0x01, 0x80}, 2, -0x1p-24f},
      {"F16", {0xff, 0x03}, 2, 0x1.ff8p-15f}, {"BF16", {0xc0, 0x3f}, 2, 1.5f},
  };
  static const char *const convs[] = {"fea_conv",
                                      "reprfb1.repblock1.rbr_reparam",
                                      "reprfb1.repblock2.rbr_reparam",
                                      "reprfb1.repblock3.rbr_reparam",
                                      "reprfb1.conv3",
                                      "lr_conv",
                                      "upsampler.conv"};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) header = g_string_new ("{");
    gsize offset = 0;
    for (guint c = 0; c < G_N_ELEMENTS (convs); c++) {
      gsize out = c == 6 ? 4 : 1, weight = out * 9 * cases[i].size, bias = out * cases[i].size;
      g_string_append_printf (
          header,
          "%s\"%s.weight\":{\"dtype\":\"%s\",\"shape\":[%zu,1,3,3],\"data_offsets\":[%zu,%zu]},"
          "\"%s.bias\":{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}",
          c ? "," : "", convs[c], cases[i].dtype, out, offset, offset + weight, convs[c],
          cases[i].dtype, out, offset + weight, offset + weight + bias);
      offset += weight + bias;
    }
    g_string_append_c (header, '}');
    g_autoptr (GBytes) empty = file_of (header->str, -1, offset);
    gsize size;
    g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (empty, &size), g_bytes_get_size (empty));
    size = g_bytes_get_size (empty);
    for (guint k = 0; k < 4; k++)
      memcpy (data + size - (k + 1) * cases[i].size, cases[i].bytes, cases[i].size);

    g_autoptr (GBytes) bytes = g_bytes_new (data, size);
    g_autoptr (GError) error = NULL;
    g_autoptr (RfdnModel) model = rfdn_model_new (bytes, &error);
    g_assert_no_error (error);
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    params.width = params.height = 1;
    params.format.samples = RFDN_SAMPLES_F32;
    g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
    float in = 0, out[4];
    RfdnPlane from = {&in, 4, 4}, to = {out, 8, 4};
    rfdn_upscaler_run (upscaler, &from, &to);
    for (guint k = 0; k < 4; k++)
      g_assert_cmpfloat (out[k], ==, cases[i].value);
  }

  g_autoptr (GBytes) counter = file_of (
      "{\"B1.c1_d.weight\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}", -1, 8);
  assert_bad (counter, RFDN_ERROR_MODEL, NULL);
}

/* Scratch memory grows with channels, file size with products of channels: a file of 100 kB must
 * not get thousands of channels in a block of a narrow network. */
static void
test_narrow (void)
{
  static float zeros[8 * 1024 * 9];
  const SyntheticTensor rfdn[] = {
      {"fea_conv.weight", 4, {8, 1, 3, 3}, zeros},
      {"fea_conv.bias", 1, {8}, zeros},
      {"upsampler.0.weight", 4, {4, 8, 3, 3}, zeros},
      {"B1.c1_d.weight", 4, {9, 8, 1, 1}, zeros},
  };
  SyntheticTensor reprfn[] = {
      {"fea_conv.weight", 4, {8, 1, 3, 3}, zeros},
      {"fea_conv.bias", 1, {8}, zeros},
      {"upsampler.conv.weight", 4, {4, 8, 3, 3}, zeros},
      {"reprfb1.repblock1.rbr_reparam.weight", 4, {8, 8, 3, 3}, zeros},
      {"reprfb1.repblock1.rbr_reparam.bias", 1, {8}, zeros},
      {"reprfb1.repblock2.rbr_reparam.weight", 4, {8, 8, 3, 3}, zeros},
      {"reprfb1.repblock2.rbr_reparam.bias", 1, {8}, zeros},
      {"reprfb1.repblock3.rbr_reparam.weight", 4, {8, 8, 3, 3}, zeros},
      {"reprfb1.repblock3.rbr_reparam.bias", 1, {8}, zeros},
      {"reprfb1.conv3.weight", 4, {8, 8, 3, 3}, zeros},
      {"reprfb1.conv3.bias", 1, {8}, zeros},
      {"reprfb1.esa.conv1.weight", 4, {1024, 8, 1, 1}, zeros},
      {"reprfb1.esa.conv1.bias", 1, {1024}, zeros},
  };

  g_autoptr (GBytes) distilled = synthetic_file_new (rfdn, G_N_ELEMENTS (rfdn), NULL);
  assert_bad (distilled, RFDN_ERROR_MODEL, "B1.c1_d.weight makes 9 channels");
  g_autoptr (GBytes) attended = synthetic_file_new (reprfn, G_N_ELEMENTS (reprfn), NULL);
  assert_bad (attended, RFDN_ERROR_MODEL, "reprfb1.esa.conv1.weight makes 1024 channels");
  /* As many channels as features are allowed: this error is about missing tensors. */
  reprfn[11].shape[0] = reprfn[12].shape[0] = 8;
  g_autoptr (GBytes) wide = synthetic_file_new (reprfn, G_N_ELEMENTS (reprfn), NULL);
  assert_bad (wide, RFDN_ERROR_MODEL, "reprfb1.esa.conv2.weight is missing");
}

/* As deep and wide as a file of 2.6 MB can be in the shapes that are allowed: tiles chosen by the
 * layout fit into memory, requested tiles that do not are refused. */
static void
test_scratch (void)
{
  static const SyntheticNetwork networks[] = {
      {"rfdn", 14, 64, 2, 3, TRUE, 1},
      {"rfdn", 120, 1, 2, 3, TRUE, 2},
      {"reprfn", 16, 64, 2, 3, TRUE, 3},
  };

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = synthetic_network_new (&networks[i]);
    g_autoptr (RfdnModel) model = rfdn_model_new (bytes, &error);
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    g_assert_no_error (error);
    params.width = 1920;
    params.height = 500;
    params.n_threads = 1;
    g_autoptr (RfdnUpscaler) chosen = rfdn_upscaler_new (model, &params, &error);
    g_assert_no_error (error);
    g_autofree char *text = rfdn_upscaler_describe (chosen);
    g_test_message ("%s of %" G_GSIZE_FORMAT " bytes: %s", networks[i].architecture,
                    g_bytes_get_size (bytes), text);

    params.width = params.tile_size = RFDN_MAX_SIZE;
    params.tile_height = 500;
    g_assert_null (rfdn_upscaler_new (model, &params, &error));
    g_assert_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY);
    g_assert_nonnull (strstr (error->message, "2048 are the most"));
  }
}

static void
test_references (void)
{
  g_autoptr (GBytes) bytes = synthetic_network_new (&small);
  RfdnModel *model = rfdn_model_new (bytes, NULL);
  g_assert_true (rfdn_model_ref (model) == model);
  rfdn_model_unref (model);
  g_assert_cmpuint (rfdn_model_get_info (model)->scale, ==, 2);
  rfdn_model_unref (model);
  rfdn_model_unref (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/shapes", test_shapes);
  g_test_add_func ("/model/e-rfdn", test_e_rfdn);
  g_test_add_func ("/model/builtins", test_builtins);
  g_test_add_func ("/model/truncated", test_truncated);
  g_test_add_func ("/model/damaged", test_damaged);
  g_test_add_func ("/model/headers", test_headers);
  g_test_add_func ("/model/deep", test_deep);
  g_test_add_func ("/model/large-header", test_large_header);
  g_test_add_func ("/model/ranges", test_ranges);
  g_test_add_func ("/model/shared-bytes", test_shared_bytes);
  g_test_add_func ("/model/tensors", test_tensors);
  g_test_add_func ("/model/metadata", test_metadata);
  g_test_add_func ("/model/dtypes", test_dtypes);
  g_test_add_func ("/model/narrow", test_narrow);
  g_test_add_func ("/model/scratch", test_scratch);
  g_test_add_func ("/model/references", test_references);
  return g_test_run ();
}
