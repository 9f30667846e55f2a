/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rfdn-transcode: enlarges a video file with the element rfdnupscale. What to do is in options.h,
 * how it is done to one file in job.h.
 */
#include "job.h"
#include "manual.h"
#include "message.h"
#include "options.h"
#include "tempfile.h"

#include <gst/gst.h>

#include <stdlib.h>

/* What is to be done, and its exit status. */
static int
run (const TcOptions *options)
{
  GError *error = NULL;
  TcJobResult result;

  if (!tc_job_run (options, &result, &error)) {
    tc_note_error (error);
    g_clear_error (&error);
    return EXIT_FAILURE;
  }
  tc_note ("%s: %" G_GINT64_FORMAT " frames of %dx%d in %.1f s (%.2f fps)", options->out,
           result.n_frames, result.width, result.height, result.seconds,
           (double) result.n_frames / result.seconds);
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  TcOptions options;
  GError *error = NULL;
  int status = EXIT_FAILURE;

  if (!tc_options_parse (&options, argc, argv, &error)) {
    tc_note_error (error);
    g_clear_error (&error);
  } else if (options.print != TC_PRINT_NOTHING) {
    tc_manual_print (options.print);
    status = EXIT_SUCCESS;
  } else {
    tc_signals_init ();
    tc_log_init ();
    gst_init (NULL, NULL);
    status = run (&options);
  }
  tc_options_clear (&options);
  return status;
}
