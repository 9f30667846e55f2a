/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch.h"
#include "message.h"
#include "target.h"

#include <gst/gst.h>

#include <string.h>

#define AUDIO_QUEUE "queue max-size-buffers=0 max-size-time=0"

/* What parsebin calls a track, so that the line links the right one. */
static const char *
caps_name (enum AVCodecID codec)
{
  switch (codec) {
  case AV_CODEC_ID_H264:
    return "video/x-h264";
  case AV_CODEC_ID_HEVC:
    return "video/x-h265";
  case AV_CODEC_ID_VP8:
    return "video/x-vp8";
  case AV_CODEC_ID_VP9:
    return "video/x-vp9";
  case AV_CODEC_ID_AV1:
    return "video/x-av1";
  case AV_CODEC_ID_MPEG4:
  case AV_CODEC_ID_MPEG2VIDEO:
  case AV_CODEC_ID_MPEG1VIDEO:
    return "video/mpeg";
  case AV_CODEC_ID_AAC:
  case AV_CODEC_ID_MP3:
    return "audio/mpeg";
  case AV_CODEC_ID_OPUS:
    return "audio/x-opus";
  case AV_CODEC_ID_VORBIS:
    return "audio/x-vorbis";
  case AV_CODEC_ID_FLAC:
    return "audio/x-flac";
  case AV_CODEC_ID_AC3:
    return "audio/x-ac3";
  default:
    return NULL;
  }
}

char *
tc_shell_quote (const char *argument)
{
  return strpbrk (argument, " \t\\\"'$&;()<>|*?[]{}#~`!") != NULL ? g_shell_quote (argument)
                                                                  : g_strdup (argument);
}

/* GStreamer's muxers, by FFmpeg's names. A stream of frames by itself needs none. */
static const struct {
  const char *container, *muxer;
} muxers[] = {
    {"matroska", "matroskamux"}, {"webm", "webmmux"}, {"mp4", "mp4mux"},
    {"ipod", "mp4mux"},          {"mov", "qtmux"},    {"avi", "avimux"},
    {"mpegts", "mpegtsmux"},
};

static const char *
muxer_for (const AVOutputFormat *container)
{
  for (guint i = 0; i < G_N_ELEMENTS (muxers); i++)
    if (g_str_equal (container->name, muxers[i].container))
      return muxers[i].muxer;
  return NULL;
}

/* gst-launch-1.0 takes an argument's blanks for part of it by itself, but the first; what has a
 * meaning there loses it behind a backslash, all of it between quotation marks. */
static char *
quote (const char *path)
{
  GString *location = g_string_new ("location=");
  gboolean odd = path[0] == ' ' || strpbrk (path, "\"'\\\t\n\v\f\r") != NULL;
  char *quoted;

  /* One at the beginning would be taken for a text's. */
  g_string_append (location, odd ? "\"" : "");
  g_string_append (location, path[0] == '"' ? "./" : "");
  for (const char *c = path; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_c (location, '\\');
    g_string_append_c (location, *c);
  }
  g_string_append (location, odd ? "\"" : "");
  quoted = tc_shell_quote (location->str);
  g_string_free (location, TRUE);
  return quoted;
}

/* ---- its ends -------------------------------------------------------------------------------- */

/* Returns why not, or NULL. */
static const char *
add_source (GString *line, const TcOptions *options, const TcInput *input)
{
  static const char *const streams[] = {"yuv4mpegpipe", "matroska,webm", "mpegts", NULL};
  const char *format = input->format->iformat->name;
  enum AVCodecID codec = input->video->codecpar->codec_id;
  char *in = quote (options->in);
  const char *why = NULL;

  if (options->deinterlace == TC_DEINTERLACE_PULLUP)
    why = "GStreamer makes no film of what was telecined";
  else if (g_str_equal (format, "gif") || g_str_equal (format, "apng"))
    why = "GStreamer reads no animated pictures to their end";
  else if (g_str_equal (options->in, "-") && !g_strv_contains (streams, format))
    why = "GStreamer reads IN's format from no pipe";
  else if (g_str_equal (options->in, "-"))
    g_string_append (line, "fdsrc");
  else if (!tc_is_sequence (options->in))
    g_string_append_printf (line, "filesrc %s", in);
  else if (codec == AV_CODEC_ID_PNG || codec == AV_CODEC_ID_MJPEG)
    g_string_append_printf (line, "multifilesrc %s start-index=%d caps=image/%s,framerate=%d/%d",
                            in, tc_sequence_first (options->in),
                            codec == AV_CODEC_ID_PNG ? "png" : "jpeg", input->frame_rate.num,
                            input->frame_rate.den);
  else
    why = "numbered pictures can be PNG or JPEG there";
  g_free (in);
  return why;
}

/* The same. */
static const char *
add_sink (GString *line, const TcOptions *options, const char *encoder,
          const AVOutputFormat *container)
{
  gboolean pictures = g_str_has_prefix (container->name, "image2"),
           frames = g_str_equal (container->name, "yuv4mpegpipe");
  const char *muxer = muxer_for (container);
  char *out = quote (options->out);

  g_string_append_printf (line, " ! queue ! %s", encoder);
  if (pictures && tc_is_sequence (options->out))
    g_string_append_printf (line, " ! multifilesink %s index=1", out);
  else if (pictures)
    g_string_append_printf (line, " snapshot=true ! filesink %s", out);
  else if (muxer != NULL)
    g_string_append_printf (line, " ! %s name=out", muxer);
  if (!pictures && g_str_equal (options->out, "-"))
    g_string_append (line, " ! fdsink");
  else if (!pictures)
    g_string_append_printf (line, " ! filesink %s", out);
  g_free (out);
  return pictures || frames || muxer != NULL ? NULL : "it has no muxer for OUT's format";
}

static void
add_sound (GString *line, const TcOptions *options, const TcInput *input,
           const AVOutputFormat *container)
{
  int index =
      av_find_best_stream (input->format, AVMEDIA_TYPE_AUDIO, -1, input->video->index, NULL, 0);
  const char *video = caps_name (input->video->codecpar->codec_id), *audio;
  enum AVCodecID codec;
  gboolean held, opus;

  if (index < 0 || options->audio == TC_AUDIO_NONE || muxer_for (container) == NULL)
    return;
  codec = input->format->streams[index]->codecpar->codec_id;
  audio = caps_name (codec);
  held = avformat_query_codec (container, codec, FF_COMPLIANCE_NORMAL) == 1;
  opus = options->audio == TC_AUDIO_OPUS || g_str_equal (container->name, "webm");
  if (video != NULL && audio != NULL && held && options->audio == TC_AUDIO_COPY)
    g_string_append_printf (line, "  in. ! %s ! " AUDIO_QUEUE " ! %s ! out.", audio, audio);
  else if (video == NULL || audio != NULL)
    g_string_append_printf (
        line, "  in. ! %s ! " AUDIO_QUEUE " ! %saudioconvert ! audioresample ! %s ! out.",
        video == NULL ? "audio/x-raw" : audio, video == NULL ? "" : "decodebin ! ",
        opus ? "opusenc" : "avenc_aac ! aacparse");
}

/* ---- the line -------------------------------------------------------------------------------- */

/* Whether its elements are there, have these properties and fit together. Returns why not, to be
 * freed, or NULL. */
static char *
try_out (const char *line)
{
  char **arguments = NULL, *why;
  GError *error = NULL;
  GstElement *pipeline = NULL;

  if (g_shell_parse_argv (line, NULL, &arguments, &error))
    pipeline = gst_parse_launchv ((const char **) arguments, &error);
  /* It stands behind a #, and may have a file's name in it. */
  why = error != NULL ? g_strdelimit (g_strdup (error->message), "\n\r", ' ') : NULL;
  if (pipeline != NULL)
    gst_object_unref (gst_object_ref_sink (pipeline));
  g_clear_error (&error);
  g_strfreev (arguments);
  return why;
}

void
tc_launch_print (const TcOptions *options, const TcInput *input, const char *middle,
                 const char *encoder, const AVOutputFormat *container)
{
  /* What goes to stdout may be OUT itself, which nothing else is to go to then. */
  gboolean to_stdout = g_str_equal (options->out, "-");
  const char *video = caps_name (input->video->codecpar->codec_id), *reason;
  GString *line;
  char *why, *text;

  if (options->one_of_many || options->dry_run)
    return;
  /* The muxer's pads are chosen by what comes directly before, which a queue does not tell.
   * The muxer waits for both tracks, and an encoder looks ahead: sound has to wait for longer than
   * the second that a queue holds. */
  line = g_string_new (NULL);
  reason = add_source (line, options, input);
  if (video != NULL)
    g_string_append_printf (line, " ! parsebin name=in  in. ! %s ! queue ! decodebin ! ", video);
  else
    g_string_append (line, " ! decodebin name=in  in. ! video/x-raw ! queue ! ");
  g_string_append (line, middle);
  if (reason == NULL)
    reason = add_sink (line, options, encoder, container);
  if (reason == NULL)
    add_sound (line, options, input, container);
  why = reason != NULL ? g_strdup (reason) : try_out (line->str);
  text = why != NULL ? g_strdup_printf ("# gst-launch-1.0 cannot do this: %s", why)
                     : g_strdup_printf ("gst-launch-1.0 %s%s", to_stdout ? "-q " : "", line->str);
  tc_note_launch (text, to_stdout);
  g_string_free (line, TRUE);
  g_free (text);
  g_free (why);
}
