/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch.h"
#include "message.h"

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

static const char *
muxer_for (const AVOutputFormat *container)
{
  if (g_str_equal (container->name, "mp4"))
    return "mp4mux";
  if (g_str_equal (container->name, "mov"))
    return "qtmux";
  if (g_str_equal (container->name, "webm"))
    return "webmmux";
  if (g_str_equal (container->name, "mpegts"))
    return "mpegtsmux";
  return "matroskamux";
}

/* gst-launch-1.0 takes an argument's blanks for part of it by itself. */
static char *
quote (const char *path)
{
  char *location = g_strconcat ("location=", path, NULL), *quoted = tc_shell_quote (location);

  g_free (location);
  return quoted;
}

void
tc_launch_print (const TcOptions *options, const TcInput *input, const char *middle,
                 const char *encoder, const AVOutputFormat *container)
{
  const char *video = caps_name (input->video->codecpar->codec_id);
  char *in, *out;
  GString *line;
  int index;

  if (options->one_of_many || options->dry_run)
    return;
  in = quote (options->in);
  out = quote (options->out);
  line = g_string_new (NULL);
  /* The muxer's pads are chosen by what comes directly before, which a queue does not tell.
   * The muxer waits for both tracks, and an encoder looks ahead: sound has to wait for longer than
   * the second that a queue holds. */
  g_string_append_printf (line, "gst-launch-1.0 filesrc %s ! ", in);
  if (video != NULL)
    g_string_append_printf (line, "parsebin name=in  in. ! %s ! queue ! decodebin ! ", video);
  else
    g_string_append_printf (line, "decodebin name=in  in. ! video/x-raw ! queue ! ");
  g_string_append_printf (line, "%s ! queue ! %s ! %s name=out ! filesink %s", middle, encoder,
                          muxer_for (container), out);
  index = av_find_best_stream (input->format, AVMEDIA_TYPE_AUDIO, -1, input->video->index, NULL, 0);
  if (index >= 0 && options->audio != TC_AUDIO_NONE) {
    const AVCodecParameters *codec = input->format->streams[index]->codecpar;
    const char *audio = caps_name (codec->codec_id);
    gboolean held = avformat_query_codec (container, codec->codec_id, FF_COMPLIANCE_NORMAL) == 1;
    gboolean opus = options->audio == TC_AUDIO_OPUS || g_str_equal (container->name, "webm");

    if (video != NULL && audio != NULL && held && options->audio == TC_AUDIO_COPY)
      g_string_append_printf (line, "  in. ! %s ! " AUDIO_QUEUE " ! %s ! out.", audio, audio);
    else if (video == NULL || audio != NULL)
      g_string_append_printf (
          line, "  in. ! %s ! " AUDIO_QUEUE " ! %saudioconvert ! audioresample ! %s ! out.",
          video == NULL ? "audio/x-raw" : audio, video == NULL ? "" : "decodebin ! ",
          opus ? "opusenc" : "avenc_aac ! aacparse");
  }
  /* What goes to stdout may be OUT itself. */
  tc_note_launch (line->str, g_str_equal (options->out, "-"));
  g_string_free (line, TRUE);
  g_free (in);
  g_free (out);
}
