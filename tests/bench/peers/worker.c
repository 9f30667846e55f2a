/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Our engine as a worker of the comparison, so that it takes turns with the peers:
 *
 *   rfdn-peers-worker WEIGHTS WIDTH HEIGHT THREADS PICTURE
 *
 * PICTURE holds planes of 8-bit samples, one after the other. The program says "ready TEXT" and
 * then answers lines from its standard input until that ends, as worker.py does for the peers:
 *
 *   run N       enlarge N times; the answer is N times in milliseconds
 *   save FILE   write the output, unrounded, as planes of 32-bit floating point in 0 to the
 *               network's input_range; the answer is "saved"
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfdn.h"

typedef struct {
  RfdnModel *model;
  const RfdnModelInfo *info;
  RfdnUpscalerParams params;
  gsize n_in, n_out; /* samples of a plane */
  guint8 *picture;
} Job;

G_GNUC_PRINTF (1, 2)
G_NORETURN static void
fail (const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("rfdn-peers-worker: %s\n", message);
  exit (1);
}

static RfdnModel *
load_model (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *contents;
  gsize length;

  if (!g_file_get_contents (path, &contents, &length, &error))
    fail ("%s", error->message);
  g_autoptr (GBytes) bytes = g_bytes_new_take (contents, length);
  RfdnModel *model = rfdn_model_new (bytes, &error);
  if (model == NULL)
    fail ("%s: %s", path, error->message);
  return model;
}

static Job
read_job (char **argv)
{
  g_autoptr (GError) error = NULL;
  Job job = {.params = RFDN_UPSCALER_PARAMS_INIT};
  char *contents;
  gsize length;

  job.model = load_model (argv[1]);
  job.info = rfdn_model_get_info (job.model);
  job.params.width = (guint) atoi (argv[2]);
  job.params.height = (guint) atoi (argv[3]);
  job.params.n_threads = (guint) atoi (argv[4]);
  job.params.precision =
      g_str_equal (argv[6], "int16") ? RFDN_PRECISION_INT16 : RFDN_PRECISION_FLOAT32;
  job.n_in = (gsize) job.params.width * job.params.height;
  job.n_out = job.n_in * job.info->scale * job.info->scale;
  if (!g_file_get_contents (argv[5], &contents, &length, &error))
    fail ("%s", error->message);
  if (length != job.n_in * job.info->channels)
    fail ("%s: %" G_GSIZE_FORMAT " bytes, expected %" G_GSIZE_FORMAT, argv[5], length,
          job.n_in * job.info->channels);
  job.picture = (guint8 *) contents;
  return job;
}

static RfdnUpscaler *
make_upscaler (const Job *job)
{
  g_autoptr (GError) error = NULL;
  RfdnUpscaler *upscaler = rfdn_upscaler_new (job->model, &job->params, &error);
  if (upscaler == NULL)
    fail ("%s", error->message);
  return upscaler;
}

static void
run_once (RfdnUpscaler *upscaler, const Job *job, void *in, void *out, gsize sample)
{
  const gssize row = (gssize) (job->params.width * sample);
  const guint scale = job->info->scale;
  RfdnPlane from[3], to[3];

  for (guint c = 0; c < job->info->channels; c++) {
    from[c] = (RfdnPlane){(guint8 *) in + c * job->n_in * sample, row, (gssize) sample};
    to[c] = (RfdnPlane){(guint8 *) out + c * job->n_out * sample, row * scale, (gssize) sample};
  }
  rfdn_upscaler_run (upscaler, from, to);
}

/* Integers make bytes of bytes. */
static void
compute_bytes (const Job *job, float *out, gsize n_out)
{
  g_autofree guint8 *bytes = g_malloc (n_out);
  g_autoptr (RfdnUpscaler) upscaler = make_upscaler (job);

  run_once (upscaler, job, job->picture, bytes, 1);
  for (gsize i = 0; i < n_out; i++)
    out[i] = (float) bytes[i] * (job->info->input_range / 255.0f);
}

static void
compute_floats (const Job *job, float *out)
{
  const gsize n_in = job->n_in * job->info->channels;
  g_autofree float *in = g_new (float, n_in);
  Job exact = *job;

  exact.params.format = (RfdnSampleFormat){.samples = RFDN_SAMPLES_F32};
  for (gsize i = 0; i < n_in; i++)
    in[i] = (float) job->picture[i] * (job->info->input_range / 255.0f);
  g_autoptr (RfdnUpscaler) upscaler = make_upscaler (&exact);
  run_once (upscaler, &exact, in, out, sizeof (float));
}

static void
save (const Job *job, const char *path)
{
  g_autoptr (GError) error = NULL;
  const gsize n_out = job->n_out * job->info->channels;
  g_autofree float *out = g_new (float, n_out);

  if (job->params.precision == RFDN_PRECISION_INT16)
    compute_bytes (job, out, n_out);
  else
    compute_floats (job, out);
  if (!g_file_set_contents (path, (const char *) out, (gssize) (n_out * sizeof (float)), &error))
    fail ("%s", error->message);
}

int
main (int argc, char **argv)
{
  char line[4096];

  if (argc != 7)
    fail ("usage: rfdn-peers-worker WEIGHTS WIDTH HEIGHT THREADS PICTURE float32|int16");
  Job job = read_job (argv);
  g_autoptr (RfdnUpscaler) upscaler = make_upscaler (&job);
  g_autofree guint8 *out = g_malloc (job.n_out * job.info->channels);
  g_autofree char *plan = rfdn_upscaler_describe (upscaler);

  printf ("ready %s\n", plan);
  fflush (stdout);
  while (fgets (line, sizeof line, stdin) != NULL) {
    g_strchomp (line);
    if (g_str_has_prefix (line, "run ")) {
      for (int i = atoi (line + 4); i > 0; i--) {
        gint64 start = g_get_monotonic_time ();
        run_once (upscaler, &job, job.picture, out, 1);
        printf ("%.3f ", (double) (g_get_monotonic_time () - start) / 1e3);
      }
      printf ("\n");
    } else if (g_str_has_prefix (line, "save ")) {
      save (&job, line + 5);
      printf ("saved\n");
    } else {
      fail ("unknown command '%s'", line);
    }
    fflush (stdout);
  }
  g_free (job.picture);
  rfdn_model_unref (job.model);
  return 0;
}
