/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps of a model that ships, with any changes: they are refused in one line, or integers are
 * computed by them. The first byte chooses the model, what follows says what to change in the text:
 * where (two bytes), how much to take away, how much to put there, and that.
 * With libFuzzer: fuzz-steps CORPUS, which may be empty. Without: fuzz-steps FILE ... replays files
 * (replay.c). Built with READ_ONLY, as fuzz-steps-read, nothing is computed: many more texts in the
 * same time. */

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "rfdn.h"

#define WIDTH 9
#define HEIGHT 5

/* What is seldom drawn by chance. */
static const char *const words[] = {"1e38", "1e39", "1e-38",     "1e-45", "1e-46",   "0",
                                    "-1",   "nan",  "inf",       "0.0",   "1e",      "0x1p-9",
                                    "\n",   "\r\n", "\t",        " ",     "1",       "0.01",
                                    "\n\n", "#",    "1e-999999", "1E+38", "\xc2\xa0"};

static const char *const models[] = {"live_x2",       "live_x3",       "live_x4",
                                     "live-clean_x2", "live-clean_x3", "live-clean_x4"};

/* A model's file, parted before and behind the text of its steps. */
typedef struct {
  GBytes *file;
  gsize begin, end;
} Source;

static const Source *
get_source (guint i)
{
  static Source sources[G_N_ELEMENTS (models)];
  static const char key[] = "\"steps\":\"";
  Source *self = &sources[i];

  if (self->file != NULL)
    return self;
  g_autofree char *path = g_strdup_printf ("/org/gst-rfdn/models/%s.safetensors", models[i]);
  rfdn_builtin_models (); /* which they come with */
  self->file = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  gsize size;
  const char *data = g_bytes_get_data (self->file, &size);
  const char *at = g_strstr_len (data + 8, (gssize) size - 8, key);
  if (at == NULL)
    abort ();
  self->begin = (gsize) (at - data) + strlen (key);
  self->end = (gsize) (strchr (data + self->begin, '"') - data);
  return self;
}

/* The text as it is in the file, where only line breaks are escaped. */
static GString *
get_steps (const Source *source)
{
  const char *data = g_bytes_get_data (source->file, NULL);
  GString *text = g_string_new_len (data + source->begin, (gssize) (source->end - source->begin));

  g_string_replace (text, "\\n", "\n", 0);
  return text;
}

static void
change (GString *text, const guint8 *data, gsize size)
{
  for (gsize i = 0; size - i >= 4;) {
    const gsize at = (data[i] | (gsize) data[i + 1] << 8) % (text->len + 1);
    const gsize taken = data[i + 2] < 128 ? data[i + 2] % 16 : data[i + 2] * 8;
    const guint how = data[i + 3];
    i += 4;
    g_string_erase (text, (gssize) at, (gssize) MIN (taken, text->len - at));
    if (how >= 128) {
      g_string_insert (text, (gssize) at, words[how % G_N_ELEMENTS (words)]);
      continue;
    }
    const gsize put = MIN (how % 16, size - i);
    g_string_insert_len (text, (gssize) at, (const char *) data + i, (gssize) put);
    i += put;
  }
}

/* The file with other steps; what is not UTF-8 never gets as far. */
static GBytes *
make_file (const Source *source, const char *steps)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (source->file, &size);
  g_autofree char *valid = g_utf8_make_valid (steps, -1);
  GByteArray *file = g_byte_array_new ();
  guint64 length;

  g_byte_array_append (file, data, (guint) source->begin);
  for (const char *c = valid; *c != '\0'; c++) {
    char escaped[8];
    if (*c == '"' || *c == '\\' || g_ascii_iscntrl (*c))
      g_snprintf (escaped, sizeof escaped, "\\u%04x", *c);
    else
      g_snprintf (escaped, sizeof escaped, "%c", *c);
    g_byte_array_append (file, (const guint8 *) escaped, (guint) strlen (escaped));
  }
  memcpy (&length, data, 8);
  length = GUINT64_FROM_LE (length) + file->len - source->end;
  length = GUINT64_TO_LE (length);
  memcpy (file->data, &length, 8);
  g_byte_array_append (file, data + source->end, (guint) (size - source->end));
  return g_byte_array_free_to_bytes (file);
}

#ifndef READ_ONLY

/* By each CPU level there is: with whatever steps, all come to the same bits. */
static void
run (RfdnModel *model)
{
  const guint scale = rfdn_model_get_info (model)->scale;
  guint8 in[HEIGHT][WIDTH], out[2][4 * HEIGHT * 4 * WIDTH];
  const RfdnPlane from = {in, WIDTH, 1};
  gboolean first = TRUE;

  for (guint i = 0; i < sizeof in; i++)
    in[i / WIDTH][i % WIDTH] = (guint8) (i % 5 == 0 ? 255 : i % 7 == 0 ? 0 : 37 * i);
  for (RfdnCpu cpu = RFDN_CPU_SCALAR; rfdn_cpu_get_name (cpu) != NULL; cpu++) {
    const RfdnPlane to = {out[first ? 0 : 1], (gssize) (scale * WIDTH), 1};
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    if (!rfdn_cpu_is_available (cpu))
      continue;
    params.width = WIDTH;
    params.height = HEIGHT;
    params.n_threads = 1;
    params.cpu = cpu;
    params.precision = RFDN_PRECISION_INT16;
    g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
    if (upscaler == NULL)
      abort ();
    rfdn_upscaler_run (upscaler, &from, &to);
    if (!first && memcmp (out[0], out[1], (gsize) scale * scale * sizeof in) != 0) {
      g_printerr ("%s makes other bits\n", rfdn_cpu_get_name (cpu));
      abort ();
    }
    first = FALSE;
  }
}

#endif

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size == 0)
    return 0;
  const Source *source = get_source (data[0] % G_N_ELEMENTS (models));
  GString *steps = get_steps (source);
  change (steps, data + 1, size - 1);
  g_autoptr (GBytes) file = make_file (source, steps->str);
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) model = rfdn_model_new (file, &error);

  g_string_free (steps, TRUE);
  if ((model == NULL) == (error == NULL) ||
      (error != NULL &&
       (strstr (error->message, "steps") == NULL || strchr (error->message, '\n')))) {
    g_printerr ("%s\n", error != NULL ? error->message : "neither a model nor an error");
    abort ();
  }
#ifndef READ_ONLY
  if (model != NULL)
    run (model);
#endif
  return 0;
}
