/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target.h"
#include "message.h"
#include "tempfile.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Where a film has but one picture. */
static gboolean
is_pictures (const AVOutputFormat *container)
{
  return g_str_has_prefix (container->name, "image2");
}

gboolean
tc_is_sequence (const char *path)
{
  char number[AV_INPUT_BUFFER_PADDING_SIZE + 4096];

  return !g_file_test (path, G_FILE_TEST_EXISTS) && strlen (path) < 4096 &&
         av_get_frame_filename (number, sizeof number, path, 1) >= 0;
}

gboolean
tc_is_same_file (const char *a, const char *b)
{
  struct stat first, second;

  return stat (a, &first) == 0 && stat (b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

/* ---- IN ------------------------------------------------------------------------------------- */

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  return *(const int *) a - *(const int *) b;
}

/* Those that there are pictures of, in order. To be freed. */
static GArray *
find_numbers (const char *pattern)
{
  char *folder = g_path_get_dirname (pattern), *name = g_path_get_basename (pattern);
  const char *percent = strchr (name, '%');
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (int));
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *entry;
  char found[4096];

  while (dir != NULL && percent != NULL && (entry = g_dir_read_name (dir)) != NULL) {
    gint64 parsed;
    int number;

    if (strncmp (entry, name, percent - name) != 0)
      continue;
    parsed = g_ascii_strtoll (entry + (percent - name), NULL, 10);
    number = (int) CLAMP (parsed, -1, G_MAXINT);
    if (number >= 0 && number < G_MAXINT &&
        av_get_frame_filename (found, sizeof found, name, number) >= 0 &&
        g_str_equal (found, entry))
      g_array_append_val (numbers, number);
  }
  if (dir != NULL)
    g_dir_close (dir);
  g_free (folder);
  g_free (name);
  g_array_sort (numbers, compare_numbers);
  return numbers;
}

int
tc_sequence_first (const char *pattern)
{
  GArray *numbers = find_numbers (pattern);
  int first = numbers->len > 0 ? g_array_index (numbers, int, 0) : -1;

  g_array_unref (numbers);
  return first;
}

/* FFmpeg ends a film where a number is missing, whatever comes after it. */
static gboolean
check_sequence (const TcOptions *options, GError **error)
{
  GArray *numbers = find_numbers (options->in);
  gboolean ok =
      numbers->len > 0 || tc_fail (error, "%s: there are no pictures of such names", options->in);

  for (guint i = 1; ok && i < numbers->len && (options->frames == 0 || i < options->frames); i++) {
    int last = g_array_index (numbers, int, i - 1);

    if (g_array_index (numbers, int, i) != last + 1)
      ok = tc_fail (error,
                    "%s: number %d is missing, and %u picture%s after it; frames=%u takes "
                    "those before it",
                    options->in, last + 1, numbers->len - i,
                    numbers->len - i > 1 ? "s come" : " comes", i);
  }
  g_array_unref (numbers);
  return ok;
}

static int
open_sequence (AVFormatContext **format, const TcOptions *options, GError **error)
{
  AVDictionary *settings = NULL;
  char *url;
  int result;

  if (!check_sequence (options, error))
    return AVERROR (ENOENT);
  url = g_strconcat ("file:", options->in, NULL);
  av_dict_set_int (&settings, "start_number", tc_sequence_first (options->in), 0);
  av_dict_set (&settings, "framerate", options->rate, 0);
  result = avformat_open_input (format, url, av_find_input_format ("image2"), &settings);
  av_dict_free (&settings);
  g_free (url);
  return result;
}

static int
open_file (AVFormatContext **format, const TcOptions *options, GError **error)
{
  const char *path = options->in;
  AVDictionary *settings = NULL;
  struct stat status;
  char *url;
  int result;

  if (g_str_equal (path, "-"))
    return avformat_open_input (format, "pipe:0", NULL, NULL);
  if (stat (path, &status) != 0)
    return tc_fail (error, "%s: %s", path, g_strerror (errno)), -1;
  if (S_ISDIR (status.st_mode))
    return tc_fail (error, "%s: is a folder, not a video", path), -1;
  if (S_ISREG (status.st_mode) && status.st_size == 0)
    return tc_fail (error, "%s: is empty", path), -1;
  /* Told outright that it is a file, and one: a name may have a colon in it, or be a pattern. */
  url = g_strconcat ("file:", path, NULL);
  av_dict_set (&settings, "pattern_type", "none", 0);
  result = avformat_open_input (format, url, NULL, &settings);
  av_dict_free (&settings);
  g_free (url);
  return result;
}

gboolean
tc_source_open (AVFormatContext **format, const TcOptions *options, GError **error)
{
  const char *name = g_str_equal (options->in, "-") ? "stdin" : options->in;
  GError *own_error = NULL;
  int result = tc_is_sequence (options->in) ? open_sequence (format, options, &own_error)
                                            : open_file (format, options, &own_error);

  if (own_error != NULL)
    g_propagate_error (error, own_error);
  else if (result == AVERROR_INVALIDDATA)
    tc_fail (error, "%s: is not a media file, or is damaged at its beginning", name);
  else if (result < 0)
    tc_fail_av (error, result, "%s: cannot be opened", name);
  return result >= 0;
}

/* ---- OUT ------------------------------------------------------------------------------------ */

const AVOutputFormat *
tc_target_get_container (const TcOptions *options, const AVInputFormat *source, GError **error)
{
  const AVOutputFormat *container = NULL;
  char *name;

  if (options->format != NULL) {
    name = g_strconcat ("name.", options->format, NULL);
    container = av_guess_format (options->format, NULL, NULL);
    if (container == NULL)
      container = av_guess_format (NULL, name, NULL);
    g_free (name);
    if (container == NULL)
      tc_fail (error, "format=%s: FFmpeg has no container of that name", options->format);
    return container;
  }
  if (g_str_equal (options->out, "-"))
    return av_guess_format (
        source != NULL && g_str_equal (source->name, "yuv4mpegpipe") ? "yuv4mpegpipe" : "nut", NULL,
        NULL);
  container = av_guess_format (NULL, options->out, NULL);
  if (container == NULL || container->video_codec == AV_CODEC_ID_NONE ||
      ((container->flags & AVFMT_NOFILE) && !is_pictures (container))) {
    tc_fail (error,
             "%s: the extension names no container for video (mkv, mp4, webm, ...); format= does",
             options->out);
    return NULL;
  }
  return container;
}

/* The pictures lie in a folder of their own until they are all there. */
static gboolean
open_pictures (AVFormatContext *format, char **temp, const TcOptions *options, GError **error)
{
  char *name = g_path_get_basename (options->out), *path, **parts, *folder;

  if (!tc_temp_open_folder (options->out, temp, error)) {
    g_free (name);
    return FALSE;
  }
  /* A % in the folder's name is no number. */
  parts = g_strsplit (*temp, "%", -1);
  folder = g_strjoinv (tc_is_sequence (options->out) ? "%%" : "%", parts);
  path = g_strdup_printf ("file:%s/%s", folder, name);
  av_free (format->url);
  format->url = av_strdup (path);
  g_strfreev (parts);
  g_free (folder);
  g_free (path);
  g_free (name);
  return TRUE;
}

static gboolean
open_stdout (AVFormatContext *format, GError **error)
{
  const char *name = format->oformat->name;
  int result;

  if (is_pictures (format->oformat) || g_str_equal (name, "mp4") || g_str_equal (name, "mov"))
    return tc_fail (error, "format=%s: cannot be written to a pipe; y4m, nut, mkv, ts can", name);
  result = avio_open (&format->pb, "pipe:1", AVIO_FLAG_WRITE);
  return result >= 0 || tc_fail_av (error, result, "stdout cannot be written to");
}

gboolean
tc_target_open (TcTarget *target, AVFormatContext **format, char **temp, const TcOptions *options,
                const AVInputFormat *source, GError **error)
{
  const AVOutputFormat *container = tc_target_get_container (options, source, error);
  char *url;
  int result;

  *temp = NULL;
  if (container == NULL)
    return FALSE;
  result = avformat_alloc_output_context2 (format, container, NULL, options->out);
  if (result < 0)
    return tc_fail_av (error, result, "%s: cannot be made", options->out);
  /* More than 8 bits are an extension of y4m, which everyone reads. */
  if (g_str_equal (container->name, "yuv4mpegpipe"))
    (*format)->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
  /* Animated pictures go on for ever, as they do everywhere. */
  if (g_str_equal (container->name, "webp"))
    av_opt_set_int ((*format)->priv_data, "loop", 0, 0);
  if (g_str_equal (container->name, "apng"))
    av_opt_set_int ((*format)->priv_data, "plays", 0, 0);
  if (*target == TC_TARGET_SINK)
    return TRUE;
  if (options->dry_run) {
    *target = TC_TARGET_NOWHERE;
    url = g_strdup ("file:/dev/null");
    if (is_pictures (container)) {
      av_free ((*format)->url);
      (*format)->url = av_strdup (url);
      av_opt_set_int ((*format)->priv_data, "update", 1, 0);
      g_free (url);
      return TRUE;
    }
  } else if (g_str_equal (options->out, "-")) {
    *target = TC_TARGET_STDOUT;
    return open_stdout (*format, error);
  } else if (is_pictures (container)) {
    *target = TC_TARGET_PICTURES;
    return open_pictures (*format, temp, options, error);
  } else {
    *target = TC_TARGET_FILE;
    if (!tc_temp_open (options->out, temp, error))
      return FALSE;
    url = g_strconcat ("file:", *temp, NULL);
  }
  result = avio_open (&(*format)->pb, url, AVIO_FLAG_WRITE);
  g_free (url);
  return result >= 0 || tc_fail_av (error, result, "%s: cannot be written", options->out);
}

gboolean
tc_target_commit (const char *temp, const char *out, GError **error)
{
  return temp == NULL || tc_temp_commit (temp, out, error);
}

gboolean
tc_target_holds_pictures (const AVOutputFormat *container)
{
  static const char *const animated[] = {"gif", "apng", "webp", NULL};

  return is_pictures (container) || g_strv_contains (animated, container->name);
}

const char *
tc_target_get_codec (const AVOutputFormat *container, const char *out)
{
  const AVCodec *codec;

  if (g_str_equal (container->name, "yuv4mpegpipe"))
    return "wrapped_avframe";
  if (g_str_equal (container->name, "nut") && g_str_equal (out, "-"))
    return "rawvideo";
  if (!tc_target_holds_pictures (container))
    return NULL;
  codec = avcodec_find_encoder (av_guess_codec (container, NULL, out, NULL, AVMEDIA_TYPE_VIDEO));
  return codec != NULL ? codec->name : NULL;
}
