/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rfdn-transcode: enlarges a video file with the element rfdnupscale. What to do is in options.h,
 * how it is done to one file in job.h.
 */
#include "folder.h"
#include "job.h"
#include "manual.h"
#include "message.h"
#include "options.h"
#include "partjob.h"
#include "tempfile.h"

#include <gst/gst.h>

#include <stdlib.h>

/* What is to be done, and its exit status. */
static int
run (const TcOptions *options)
{
  GError *error = NULL;
  TcJobResult result;

  if (g_file_test (options->in, G_FILE_TEST_IS_DIR))
    return tc_folder_run (options)     ? EXIT_SUCCESS
           : tc_signals_stop_wanted () ? TC_STATUS_STOPPED
                                       : EXIT_FAILURE;
  if (!tc_job_run (options, &result, &error)) {
    int status = error->code == TC_STATUS_STOPPED ? TC_STATUS_STOPPED : EXIT_FAILURE;

    tc_note_error (error);
    g_clear_error (&error);
    return status;
  }
  if (result.width > 0)
    tc_note_done (options->out, result.n_frames, result.width, result.height, result.seconds, NULL);
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  TcOptions options;
  GError *error = NULL;
  int status = EXIT_FAILURE;
  gboolean ok = tc_options_parse (&options, argc, argv, &error);

  if (options.progress == TC_PROGRESS_JSON)
    tc_json_start ();
  if (!ok) {
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
  tc_json_stop ();
  return status;
}
