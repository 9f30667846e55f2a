/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"
#include "message.h"
#include "size.h"

#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>

#include <libavutil/parseutils.h>

#include <string.h>

static gboolean
is_codec (const char *value)
{
  static const char *const names[] = {"h264", "hevc", "vp9", "av1", "ffv1", "prores", "png", NULL};
  const AVCodec *encoder = avcodec_find_encoder_by_name (value);

  return g_strv_contains (names, value) || (encoder != NULL && encoder->type == AVMEDIA_TYPE_VIDEO);
}

static gboolean
is_pixel_format (const char *value)
{
  return av_get_pix_fmt (value) != AV_PIX_FMT_NONE;
}

static gboolean
is_rate (const char *value)
{
  AVRational rate;

  return av_parse_video_rate (&rate, value) >= 0 && av_q2d (rate) <= 1000;
}

/* As the element's properties take it, from -1 to 1. */
static gboolean
is_signed_share (const char *value)
{
  char *end;
  const double share = g_ascii_strtod (value, &end);

  return g_ascii_isdigit (value[value[0] == '-' ? 1 : 0]) && *end == '\0' && share >= -1 &&
         share <= 1;
}

static gboolean
is_share (const char *value)
{
  return value[0] != '-' && is_signed_share (value);
}

#define FIELD(name) .offset = G_STRUCT_OFFSET (TcOptions, name)

static gboolean
is_part (const char *value)
{
  return g_str_equal (value, "auto") ||
         g_ascii_string_to_unsigned (value, 10, 0, 99999, NULL, NULL);
}

static const TcOption table[] = {
    {"model", TC_OPTION_TEXT, FIELD (model), "NAME|FILE", .usual = "the first built in",
     .help = "a network that is built in, or a .safetensors file"},
    {"scale", TC_OPTION_NAME, FIELD (scale), "auto|2|3|4", .initial = "auto",
     .help = "how many times as large each way; auto: what the model does"},
    {"size", TC_OPTION_TEXT, FIELD (size), "WIDTHxHEIGHT|HEIGHTp|N%", .check = tc_size_check,
     .usual = "by scale",
     .help = "how large OUT is, N% of IN; the network's result is resampled to it, and the picture "
             "keeps its shape"},
    {"threads", TC_OPTION_INT, FIELD (threads), "N", .max = 1024, .initial = "0", .no_matter = TRUE,
     .help = "how many threads; 0: as many as there are processors for the process"},
    {"codec", TC_OPTION_TEXT, FIELD (codec), "h264|hevc|vp9|av1|ffv1|prores|png|ENCODER",
     .usual = "vp9 for webm, else h264", .check = is_codec,
     .help = "what the video is encoded as, or one of FFmpeg's encoders, such as h264_vaapi"},
    {"pixel-format", TC_OPTION_TEXT, FIELD (pixel_format), "NAME", .usual = "nearest to the input",
     .check = is_pixel_format,
     .help = "what the encoder gets, by FFmpeg's name; RGB is made yuv420p unless told here"},
    {"crf", TC_OPTION_INT, FIELD (crf), "N", .max = 63, .initial = "-1", .usual = "by the codec",
     .help = "quality, from 0 to 63: less is better and larger"},
    {"format", TC_OPTION_TEXT, FIELD (format), "NAME", .usual = "by OUT's extension",
     .help = "the container; to stdout (-) y4m or nut, as IN is, unless told here"},
    {"rate", TC_OPTION_TEXT, FIELD (rate), "N|N/D", .usual = "25", .check = is_rate,
     .help = "frames a second of numbered pictures"},
    {"preset", TC_OPTION_TEXT, FIELD (preset), "NAME|N", .usual = "medium",
     .help = "effort of the encoder, from ultrafast to veryslow, or 0 to 9 (the fastest)"},
    {"encoder-options", TC_OPTION_TEXT, FIELD (encoder_options), "K=V:K=V",
     .help = "what else the encoder is told, as FFmpeg calls it"},
    {"audio", TC_OPTION_WORD, FIELD (audio), "copy|aac|opus|none", .initial = "copy",
     .help = "what becomes of sound; copy: encoded only where the container takes it no other way"},
    {"stabilize", TC_OPTION_TEXT, FIELD (stabilize), "0..1", .usual = "0", .check = is_share,
     .help = "how much of the last picture is kept where hardly anything changes, against flicker"},
    {"sharpness", TC_OPTION_TEXT, FIELD (sharpness), "-1..1", .usual = "0",
     .check = is_signed_share,
     .help = "from softer to sharper, with models that have such weights (live has)"},
    {"chroma", TC_OPTION_WORD, FIELD (chroma), "guided|plain", .initial = "guided",
     .help = "how colours are enlarged: with edges as sharp as those of the luma, or by a plain "
             "filter"},
    {"tile-size", TC_OPTION_INT, FIELD (tile_size), "N", .max = 16384, .initial = "0",
     .help = "side of the pieces that are computed; 0: chosen by the element"},
    {"tile-overlap", TC_OPTION_INT, FIELD (tile_overlap), "N", .min = -1, .max = 1024,
     .initial = "-1", .help = "by how much pieces overlap; -1: what leaves no seams"},
    {"deinterlace", TC_OPTION_WORD, FIELD (deinterlace), "auto|no|yes|double|pullup|all",
     .initial = "auto",
     .help = "yes: a frame of two fields; double: a frame of each; pullup: film that was telecined "
             "is made 24 frames a second again; all: also frames that are said to be whole; no: "
             "taken as they are; auto: refused when the first frame is interlaced"},
    {"frames", TC_OPTION_COUNT, FIELD (frames), "N", .min = 1, .max = G_MAXINT, .usual = "all",
     .help = "stop after so many, to try something out"},

    {"part-length", TC_OPTION_INT, FIELD (part_length), "N", .max = 86400, .initial = "60",
     .help = "seconds of the parts that a long job is done in and kept; 0: in one piece"},

    {"resume", TC_OPTION_FLAG, FIELD (resume), .max = 1, .dashes = TRUE, .no_matter = TRUE,
     .help = "go on where a job that was stopped had come to"},
    {"plan", TC_OPTION_INT, FIELD (plan), "N", .min = 1, .max = 100000, .dashes = TRUE,
     .no_matter = TRUE, .help = "only write down how the job is cut into N parts"},
    {"part", TC_OPTION_TEXT, FIELD (part), "K|auto", .dashes = TRUE, .no_matter = TRUE,
     .check = is_part,
     .help = "make part K of a planned job, counted from 0; auto: as Slurm or GNU parallel says"},
    {"join", TC_OPTION_FLAG, FIELD (join), .max = 1, .dashes = TRUE, .no_matter = TRUE,
     .help = "put the parts of a planned job together"},
    {"dry-run", TC_OPTION_FLAG, FIELD (dry_run), .max = 1, .dashes = TRUE, .no_matter = TRUE,
     .help = "write nothing; tell what would become of each track, and the time it would take"},
    {"progress", TC_OPTION_WORD, FIELD (progress), "text|json", .initial = "text", .dashes = TRUE,
     .no_matter = TRUE, .help = "how what the program says looks; json: an object a line"},
    {"help", TC_OPTION_FLAG, FIELD (print), .max = TC_PRINT_HELP, .dashes = TRUE, .no_matter = TRUE,
     .help = "tell this, and do nothing"},
    {"version", TC_OPTION_FLAG, FIELD (print), .max = TC_PRINT_VERSION, .dashes = TRUE,
     .no_matter = TRUE, .help = "tell the versions of the program and of what it runs on"},
    {"man", TC_OPTION_FLAG, FIELD (print), .max = TC_PRINT_MAN, .dashes = TRUE, .hidden = TRUE,
     .no_matter = TRUE},
    {"completion", TC_OPTION_FLAG, FIELD (print), .max = TC_PRINT_COMPLETION, .dashes = TRUE,
     .hidden = TRUE, .no_matter = TRUE},
    {"table", TC_OPTION_FLAG, FIELD (print), .max = TC_PRINT_TABLE, .dashes = TRUE, .hidden = TRUE,
     .no_matter = TRUE},
    {NULL},
};

const TcOption *
tc_options_get_table (void)
{
  return table;
}

/* ---- one option ----------------------------------------------------------------------------- */

static const TcOption *
find (const char *name)
{
  for (const TcOption *row = table; row->name != NULL; row++)
    if (g_str_equal (row->name, name))
      return row;
  return NULL;
}

/* The names of all options that are given in this way. */
static char *
list_names (gboolean dashes)
{
  GString *text = g_string_new (NULL);

  for (const TcOption *row = table; row->name != NULL; row++)
    if (row->dashes == dashes && !row->hidden)
      g_string_append_printf (text, "%s%s%s", text->len > 0 ? ", " : "", dashes ? "--" : "",
                              row->name);
  return g_string_free (text, FALSE);
}

static gboolean
refuse (const TcOption *row, const char *value, const char *wanted, GError **error)
{
  char *names = list_names (row->dashes);

  tc_fail (error, "%s%s=%s: %s is wanted (keys: %s)", row->dashes ? "--" : "", row->name, value,
           wanted, names);
  g_free (names);
  return FALSE;
}

/* The index of `value` among the words, or -1. */
static int
find_word (const TcOption *row, const char *value)
{
  char **words = g_strsplit (row->values, "|", -1);
  int found = -1;

  for (int i = 0; words[i] != NULL && found < 0; i++)
    if (g_str_equal (words[i], value))
      found = i;
  g_strfreev (words);
  return found;
}

static gboolean
set_number (const TcOption *row, const char *value, gint64 *number, GError **error)
{
  char *wanted;
  gboolean ok = g_ascii_string_to_signed (value, 10, row->min, row->max, number, NULL);

  if (!ok) {
    wanted = g_strdup_printf ("a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, row->min,
                              row->max);
    refuse (row, value, wanted, error);
    g_free (wanted);
  }
  return ok;
}

static gboolean
set_value (const TcOption *row, TcOptions *options, const char *value, GError **error)
{
  gpointer field = G_STRUCT_MEMBER_P (options, row->offset);
  gint64 number = 0;
  int word = 0;

  switch (row->kind) {
  case TC_OPTION_TEXT:
  case TC_OPTION_NAME:
    if (value[0] == '\0' || (row->kind == TC_OPTION_NAME && find_word (row, value) < 0) ||
        (row->check != NULL && !row->check (value)))
      return refuse (row, value, row->values, error);
    g_free (*(char **) field);
    *(char **) field = g_strdup (value);
    return TRUE;
  case TC_OPTION_WORD:
    if ((word = find_word (row, value)) < 0)
      return refuse (row, value, row->values, error);
    *(int *) field = word;
    return TRUE;
  case TC_OPTION_INT:
    if (!set_number (row, value, &number, error))
      return FALSE;
    *(int *) field = (int) number;
    return TRUE;
  case TC_OPTION_COUNT:
    return set_number (row, value, field, error);
  case TC_OPTION_FLAG:
    *(int *) field = (int) row->max;
    return TRUE;
  default:
    g_return_val_if_reached (FALSE);
  }
}

/* As set_value() takes it; NULL: there is none. */
static char *
get_value (const TcOption *row, const TcOptions *options)
{
  gconstpointer field = G_STRUCT_MEMBER_P (options, row->offset);
  char **words, *word;

  switch (row->kind) {
  case TC_OPTION_TEXT:
  case TC_OPTION_NAME:
    return g_strdup (*(char *const *) field);
  case TC_OPTION_WORD:
    words = g_strsplit (row->values, "|", -1);
    word = g_strdup (words[*(const int *) field]);
    g_strfreev (words);
    return word;
  case TC_OPTION_COUNT:
    return g_strdup_printf ("%" G_GINT64_FORMAT, *(const gint64 *) field);
  default:
    return g_strdup_printf ("%d", *(const int *) field);
  }
}

/* An option that is given as name=value. */
static gboolean
set_by_name (TcOptions *options, const char *name, const char *value, GError **error)
{
  const TcOption *row = find (name);

  if (row == NULL || row->dashes) {
    char *names = list_names (FALSE);

    tc_fail (error, "unknown key '%s'; there are: %s", name, names);
    g_free (names);
    return FALSE;
  }
  return set_value (row, options, value, error);
}

/* ---- the command line ----------------------------------------------------------------------- */

static void
set_initial (TcOptions *options)
{
  *options = (TcOptions){NULL};
  for (const TcOption *row = table; row->name != NULL; row++) {
    gpointer field = G_STRUCT_MEMBER_P (options, row->offset);

    if (row->initial == NULL)
      continue;
    /* Numbers may be out of bounds, which tells that none was given. */
    if (row->kind == TC_OPTION_INT)
      *(int *) field = (int) g_ascii_strtoll (row->initial, NULL, 10);
    else
      set_value (row, options, row->initial, NULL);
  }
}

/* `argument` begins with two dashes; `next`: the argument behind it, or NULL. */
static gboolean
parse_dashes (TcOptions *options, const char *argument, const char *next, gboolean *next_used,
              GError **error)
{
  const char *equals = strchr (argument, '=');
  char *name =
      equals != NULL ? g_strndup (argument + 2, equals - argument - 2) : g_strdup (argument + 2);
  const TcOption *row = find (name);

  *next_used = FALSE;
  g_free (name);
  if (row == NULL || !row->dashes) {
    char *names = list_names (TRUE);

    tc_fail (error, "unknown option '%s'; there are: %s", argument, names);
    g_free (names);
    return FALSE;
  }
  if (row->kind == TC_OPTION_FLAG) {
    if (equals != NULL)
      return tc_fail (error, "%s: --%s takes no value", argument, row->name);
    return set_value (row, options, "", error);
  }
  if (equals == NULL && next == NULL)
    return tc_fail (error, "%s: %s is wanted behind it", argument, row->values);
  *next_used = equals == NULL;
  return set_value (row, options, equals != NULL ? equals + 1 : next, error);
}

static gboolean
parse_pair (TcOptions *options, const char *argument, GError **error)
{
  const char *equals = strchr (argument, '=');
  char *text;
  gboolean ok;

  if (equals == NULL) {
    text = list_names (FALSE);
    tc_fail (error, "'%s' is not key=value (keys: %s)", argument, text);
    g_free (text);
    return FALSE;
  }
  text = g_strndup (argument, equals - argument);
  ok = set_by_name (options, text, equals + 1, error);
  g_free (text);
  return ok;
}

gboolean
tc_options_parse (TcOptions *options, int argc, char **argv, GError **error)
{
  gboolean ended = FALSE, used = FALSE, ok = TRUE;

  set_initial (options);
  /* After a wrong one, too: how that is told is an option as well. */
  for (int i = 1; i < argc; i++) {
    if (!ended && g_str_equal (argv[i], "--")) {
      ended = TRUE;
    } else if (!ended && g_str_equal (argv[i], "-h")) {
      options->print = TC_PRINT_HELP;
    } else if (!ended && g_str_has_prefix (argv[i], "--")) {
      ok &= parse_dashes (options, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used, error);
      i += used;
    } else if (options->in == NULL) {
      options->in = g_strdup (argv[i]);
    } else if (options->out == NULL) {
      options->out = g_strdup (argv[i]);
    } else {
      ok &= parse_pair (options, argv[i], error);
    }
  }
  if (ok && options->print == TC_PRINT_NOTHING && options->out == NULL) {
    char *names = list_names (FALSE);

    tc_fail (error, "usage: " TC_NAME " IN OUT [key=value ...] (keys: %s; see --help)", names);
    g_free (names);
    return FALSE;
  }
  return ok;
}

char *
tc_options_describe (const TcOptions *options)
{
  GString *text = g_string_new (NULL);
  TcOptions initial;

  set_initial (&initial);
  for (const TcOption *row = table; row->name != NULL; row++) {
    char *value = get_value (row, options), *usual = get_value (row, &initial);

    if (!row->no_matter && g_strcmp0 (value, usual) != 0) {
      char *quoted = g_shell_quote (value);
      gboolean plain = strpbrk (value, " \t\n\\\"'") == NULL && value[0] != '\0';

      g_string_append_printf (text, "%s%s=%s", text->len > 0 ? " " : "", row->name,
                              plain ? value : quoted);
      g_free (quoted);
    }
    g_free (value);
    g_free (usual);
  }
  tc_options_clear (&initial);
  return g_string_free (text, FALSE);
}

gboolean
tc_options_read (TcOptions *options, const char *text, GError **error)
{
  char **pairs = NULL;
  gboolean ok = TRUE;

  if (text[0] != '\0' && !g_shell_parse_argv (text, NULL, &pairs, NULL))
    return tc_fail (error, "'%s' are no options", text);
  for (char **pair = pairs; ok && pair != NULL && *pair != NULL; pair++)
    ok = parse_pair (options, *pair, error);
  g_strfreev (pairs);
  return ok;
}

static gboolean
is_text (const TcOption *row)
{
  return row->kind == TC_OPTION_TEXT || row->kind == TC_OPTION_NAME;
}

void
tc_options_copy (TcOptions *to, const TcOptions *from, const char *in, const char *out)
{
  *to = *from;
  to->in = g_strdup (in);
  to->out = g_strdup (out);
  for (const TcOption *row = table; row->name != NULL; row++) {
    char **field = (char **) G_STRUCT_MEMBER_P (to, row->offset);

    if (is_text (row))
      *field = g_strdup (*field);
  }
}

void
tc_options_clear (TcOptions *options)
{
  g_free (options->in);
  g_free (options->out);
  for (const TcOption *row = table; row->name != NULL; row++)
    if (is_text (row))
      g_free (*(char **) G_STRUCT_MEMBER_P (options, row->offset));
  *options = (TcOptions){NULL};
}
