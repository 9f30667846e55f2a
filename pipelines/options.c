/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"
#include "message.h"

#include <stdio.h>
#include <string.h>

static const char keys[] = "model, scale, threads, codec, crf, preset, audio, tile-size, "
                           "tile-overlap, deinterlace, frames";

void
tc_options_help (void)
{
  fputs ("Usage: transcode.sh IN OUT [key=value ...]\n"
         "\n"
         "Enlarges the video IN into OUT, whose extension chooses the container (mkv, mp4, mov,\n"
         "webm, ts, ...). Sound, subtitles, chapters and tags are kept.\n"
         "\n"
         "  model=NAME|FILE         a built-in network, or a .safetensors file\n"
         "  scale=auto|2|3|4        how many times as large each way (auto: what the model does)\n"
         "  threads=N               threads that enlarge (0: as many as there are processors)\n"
         "  codec=h264|hevc|vp9|av1|ffv1\n"
         "                          default: vp9 for webm, else h264\n"
         "  crf=N                   quality: less is better and larger (0 to 63)\n"
         "  preset=NAME|N           effort of the encoder, from ultrafast to veryslow\n"
         "  audio=copy|aac|opus|none\n"
         "                          copy: encoded only where the container takes it no other way\n"
         "  tile-size=N             side of the pieces that are computed (0: chosen)\n"
         "  tile-overlap=N          (-1: what leaves no seams)\n"
         "  deinterlace=yes|no      needed for interlaced video, which is refused otherwise\n"
         "  frames=N                stop after N frames, to try something out\n",
         stdout);
}

static gboolean
parse_int (const char *key, const char *value, int min, int max, int *result, GError **error)
{
  gint64 number;

  if (!g_ascii_string_to_signed (value, 10, min, max, &number, NULL))
    return tc_fail (error, "%s=%s: a number from %d to %d is wanted (keys: %s)", key, value, min,
                    max, keys);
  *result = (int) number;
  return TRUE;
}

/* The index of `value` among `words`, or -1 with an error. */
static int
parse_word (const char *key, const char *value, const char *const *words, GError **error)
{
  char *list;

  for (int i = 0; words[i] != NULL; i++)
    if (g_str_equal (value, words[i]))
      return i;
  list = g_strjoinv ("|", (char **) words);
  tc_fail (error, "%s=%s: %s is wanted (keys: %s)", key, value, list, keys);
  g_free (list);
  return -1;
}

static void
replace (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

static gboolean
parse_pair (TcOptions *options, const char *key, const char *value, GError **error)
{
  static const char *const scales[] = {"auto", "2", "3", "4", NULL};
  static const char *const codecs[] = {"h264", "hevc", "vp9", "av1", "ffv1", NULL};
  static const char *const audios[] = {"copy", "aac", "opus", "none", NULL};
  static const char *const truths[] = {"no", "yes", NULL};
  int n = 0;

  if (g_str_equal (key, "model")) {
    if (value[0] == '\0')
      return tc_fail (error, "model=: a name or a file is wanted (keys: %s)", keys);
    replace (&options->model, value);
  } else if (g_str_equal (key, "scale")) {
    if (parse_word (key, value, scales, error) < 0)
      return FALSE;
    replace (&options->scale, value);
  } else if (g_str_equal (key, "codec")) {
    if (parse_word (key, value, codecs, error) < 0)
      return FALSE;
    replace (&options->codec, value);
  } else if (g_str_equal (key, "audio")) {
    if ((n = parse_word (key, value, audios, error)) < 0)
      return FALSE;
    options->audio = (TcAudioMode) n;
  } else if (g_str_equal (key, "deinterlace")) {
    if ((n = parse_word (key, value, truths, error)) < 0)
      return FALSE;
    options->deinterlace = n;
  } else if (g_str_equal (key, "preset")) {
    replace (&options->preset, value);
  } else if (g_str_equal (key, "crf")) {
    return parse_int (key, value, 0, 63, &options->crf, error);
  } else if (g_str_equal (key, "threads")) {
    return parse_int (key, value, 0, 1024, &options->threads, error);
  } else if (g_str_equal (key, "tile-size")) {
    return parse_int (key, value, 0, 16384, &options->tile_size, error);
  } else if (g_str_equal (key, "tile-overlap")) {
    return parse_int (key, value, -1, 1024, &options->tile_overlap, error);
  } else if (g_str_equal (key, "frames")) {
    if (!parse_int (key, value, 1, G_MAXINT, &n, error))
      return FALSE;
    options->frames = n;
  } else {
    return tc_fail (error, "unknown key '%s'; there are: %s", key, keys);
  }
  return TRUE;
}

gboolean
tc_options_parse (TcOptions *options, int argc, char **argv, GError **error)
{
  *options = (TcOptions){.crf = -1, .tile_overlap = -1, .scale = g_strdup ("auto")};
  if (argc < 3)
    return tc_fail (error, "usage: transcode.sh IN OUT [key=value ...] (keys: %s)", keys);
  options->in = g_strdup (argv[1]);
  options->out = g_strdup (argv[2]);
  for (int i = 3; i < argc; i++) {
    const char *equals = strchr (argv[i], '=');
    char *key;
    gboolean ok;

    if (equals == NULL)
      return tc_fail (error, "'%s' is not key=value (keys: %s)", argv[i], keys);
    key = g_strndup (argv[i], equals - argv[i]);
    ok = parse_pair (options, key, equals + 1, error);
    g_free (key);
    if (!ok)
      return FALSE;
  }
  return TRUE;
}

void
tc_options_clear (TcOptions *options)
{
  g_free (options->in);
  g_free (options->out);
  g_free (options->model);
  g_free (options->scale);
  g_free (options->codec);
  g_free (options->preset);
}
